"""`chat-conformance init`: writes a conformance.toml that explains itself."""

from __future__ import annotations

from pathlib import Path

import click

from conformance.targets import CONFIGURATION_FILE
from conformance.terminal.exits import UsageFailure

TEXT = """\
# Targets of chat-conformance. Judge one with: chat-conformance run --target staging
#
# No key stands in this file: a target names the environment variable that holds it. An option of the command line
# comes before this file. Paths are taken from the folder of this file. specs/configuration.schema.json describes it.

# What holds for every target that does not say otherwise.
[defaults]
tier = "standard"                   # smoke, standard, exhaustive or load
timeout = 60                        # seconds for one request
concurrency = 8                     # requests under way at once
# rate = 5                          # requests a second at most
# max_requests = 200                # requests in all at most
# max_completion_tokens = 5000      # completion tokens in all at most, at worst
# strict = true                     # count warnings as failures
# retry_findings = 2                # send the requests of a finding again, to tell a flaky one
# waivers = "waivers.yaml"          # accepted violations: requirement, reason, owner, expires, and probe if need be
# baseline = "baseline.json"        # a results.json; only findings that are not in it fail the run
# release = "2026.11.0"             # score by this frozen release of the profile
# out = "reports/conformance"       # each run makes a new folder in it

[targets.staging]
base_url = "http://127.0.0.1:8080/v1"   # what stands before the operation's path
profile = "openai"                  # openai, kodexa, loop-health, or the path of an OpenAPI document
model = "reference-echo"
# api_key_env = "STAGING_API_KEY"   # CONFORMANCE_API_KEY where it is left out

# [targets.gateway]
# base_url = "https://gateway.example.com"
# profile = "kodexa"
# api_key_env = "GATEWAY_API_KEY"
# org_id = "00000000-0000-4000-8000-000000000000"
# model = "reference-echo"
# other_api_key_env = "OTHER_TENANT_API_KEY"              # a second tenant, for isolation
# other_org_id = "00000000-0000-4000-8000-000000000001"

# [targets.health]
# base_url = "https://health.example.com"
# profile = "loop-health"
# api_key_env = "HEALTH_API_KEY"
# brand_id = "chat-conformance"
# requested_by = "chat-conformance"
"""


def write_configuration(folder: Path) -> int:
    """Write a commented conformance.toml to a folder; never over one that is there. Returns the exit status.

    Raises:
        UsageFailure: one is there.
        OSError: it cannot be written.
    """
    path = folder / CONFIGURATION_FILE
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(TEXT)
    except FileExistsError:
        raise UsageFailure(f"{path} is here already; init never overwrites it.") from None
    click.echo(f"{path} is written; edit it, then: chat-conformance run --target staging")
    return 0

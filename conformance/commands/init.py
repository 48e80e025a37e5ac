"""`chat-conformance init`: writes a conformance.toml that explains itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from conformance.shipped import DEFAULT_PROFILE
from conformance.targets import CONFIGURATION_FILE
from conformance.targets.demo import MODEL
from conformance.terminal.exits import UsageFailure

if TYPE_CHECKING:
    from conformance.contract import Contract, Dialect

_TEXT = """\
# Targets of chat-conformance. Judge one with: chat-conformance run --target staging
#
# No key belongs in this file: a target names the environment variable that holds it. Options on the command line
# override this file. Paths are relative to this file. specs/configuration.schema.json describes the format.

# Defaults for every target.
[defaults]
tier = "standard"                   # smoke, standard, exhaustive or load
timeout = 60                        # seconds for one request
concurrency = 8                     # concurrent requests
# rate = 5                          # requests per second, at most
# max_requests = 200                # requests in total, at most
# max_completion_tokens = 5000      # completion tokens in total, at most
# strict = true                     # count warnings as failures
# retry_findings = 2                # repeat the requests of each finding, to detect flaky ones
# waivers = "waivers.yaml"          # accepted violations: requirement, reason, owner, expires, and optionally probe
# baseline = "baseline.json"        # a results.json; only findings that are not in it fail the run
# release = "2026.11.0"             # score by this frozen release of the profile
# out = "reports/conformance"       # each run creates a new folder in it

[targets.staging]
base_url = "http://127.0.0.1:8080{mount}"   # the URL before the operation's path
profile = "{profile}"                  # {profiles}, or the path of an OpenAPI document
model = "reference-echo"
# api_key_env = "STAGING_API_KEY"   # default: CONFORMANCE_API_KEY
"""


def configuration_text() -> str:
    """The commented conformance.toml: defaults, one target, and an example for each other profile.

    Raises:
        ContractError: a shipped profile cannot be read.
    """
    from conformance.contract import load_contract, read_dialect, shipped_profiles

    others = [name for name in shipped_profiles() if name != DEFAULT_PROFILE]
    text = _TEXT.format(
        profile=DEFAULT_PROFILE,
        profiles=", ".join((DEFAULT_PROFILE, *others)),
        mount=read_dialect(DEFAULT_PROFILE).mount,
    )
    return text + "".join(_example(load_contract(name), read_dialect(name)) for name in others)


def _example(contract: Contract, dialect: Dialect) -> str:
    """A target of a profile, commented out."""
    name = contract.profile.name
    lines = [
        f"[targets.{name}]",
        f'base_url = "https://{name}.example.com{dialect.mount}"',
        f'profile = "{name}"',
        f'api_key_env = "{name.upper().replace("-", "_")}_API_KEY"',
        *(f'{one.key} = "{one.demo or one.default}"' for one in dialect.parameters),
    ]
    if "{model}" in contract.template.values():
        lines.append(f'model = "{MODEL}"')
    if dialect.tenancy:
        lines.append('other_api_key_env = "OTHER_TENANT_API_KEY"   # a second tenant, for isolation')
        lines += [f'{one.second.key} = "{one.second.demo}"' for one in dialect.tenancy if one.second is not None]
    return "\n" + "".join(f"# {line}\n" for line in lines)


def write_configuration(folder: Path) -> int:
    """Write a commented conformance.toml to a folder, never over an existing one; returns the exit status.

    Raises:
        UsageFailure: there is one already.
        ContractError: a shipped profile cannot be read.
        OSError: it cannot be written.
    """
    path, text = folder / CONFIGURATION_FILE, configuration_text()
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageFailure(f"{path} exists already; init never overwrites it.") from None
    click.echo(f"Wrote {path}; edit it, then run: chat-conformance run --target staging")
    return 0

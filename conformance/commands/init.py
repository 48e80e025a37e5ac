"""`chat-conformance init`: writes a conformance.toml that explains itself, and its schema for editors."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from conformance.shipped import DEFAULT_PROFILE, shipped_profiles
from conformance.targets import CONFIGURATION_FILE
from conformance.targets.demo import MODEL
from conformance.terminal.exits import UsageFailure

if TYPE_CHECKING:
    from conformance.contract import Contract

SCHEMA_FILE = "conformance.schema.json"
_LOCAL = "http://127.0.0.1:8080"

_SCHEMA_LINE = f"#:schema ./{SCHEMA_FILE}\n"
"""For editors; it must be the first line. The schema stands beside the file, so that it is found on every machine."""
_TEXT = """\
# Targets of chat-conformance. Judge one with: chat-conformance run --target staging
#
# No secret belongs in this file: a target names the environment variable that holds it. Options on the command line
# override this file. Paths are relative to this file.

# Defaults for every target.
[defaults]
tier = "standard"                   # smoke, standard, exhaustive or load
timeout = 60                        # seconds for one request
# concurrency = 8                   # concurrent requests; without it 16, and 8 where answers are slow
# rate = 5                          # requests per second, at most
# max_requests = 200                # requests in total, at most
# max_completion_tokens = 5000      # completion tokens in total, at most
# unsupported = ["n", "logprobs"]   # what the deployment lacks, and is not judged by
# second_tenant = false             # the deployment has one tenant
# strict = true                     # count warnings as failures
# retry_findings = 2                # repeat the requests of each finding, to detect flaky ones
# waivers = "waivers.yaml"          # accepted violations: requirement, reason, owner, expires, and optionally probe
# baseline = "baseline.json"        # a results.json; only findings that are not in it fail the run
# release = "2026.11.0"             # score by this frozen release of the profile
# out = "reports/conformance"       # each run creates a new folder in it
"""
_REACH = """\
# headers = { "X-Team" = "search" }                      # added to every request
# headers_env = { "X-Gateway-Key" = "GATEWAY_KEY" }      # the same, with the value in an environment variable
# query = { "api-version" = "2024-10-21" }               # query_env works like headers_env
# ca_file = "ca.pem"                                     # trust this certificate authority, and no other
# client_cert = "client.pem"                             # and client_key; a password in client_key_password_env
# proxy = "http://proxy.example.com:3128"                # user:password in proxy_credentials_env
"""


def configuration_text(profile: str | None = None, base_url: str | None = None, *, with_schema: bool = True) -> str:
    """The commented conformance.toml: defaults and one target, or, where no profile is asked for, one for each.

    Raises:
        ContractError: the profile, or a shipped one, cannot be read.
        TargetError: the base URL is not usable.
    """
    from conformance.contract import load_contract
    from conformance.targets import checked_base_url

    url = None if base_url is None else checked_base_url(base_url)
    target = _target(load_contract(profile or DEFAULT_PROFILE), profile or DEFAULT_PROFILE, url)
    others = [name for name in shipped_profiles() if name != DEFAULT_PROFILE] if profile is None else []
    text = (_SCHEMA_LINE if with_schema else "") + _TEXT + "\n" + "".join(f"{line}\n" for line in target) + _REACH
    return text + "".join(_example(load_contract(name)) for name in others)


def _target(contract: Contract, profile: str, base_url: str | None) -> Iterator[str]:
    """The lines of the target that is to be judged; what only the user knows is commented out."""
    from conformance.targets import is_loopback

    url = base_url or _LOCAL + _mount(profile)
    local = is_loopback(url)
    yield "[targets.staging]"
    yield from _aligned(
        [
            (f"base_url = {_quoted(url)}", "the URL before the operation's path"),
            (f"profile = {_quoted(profile)}", f"{', '.join(shipped_profiles())}, or the path of an OpenAPI document"),
        ]
    )
    if "{model}" in contract.template.values():
        yield f'model = "{MODEL}"' if local else '# model = "gpt-4o-mini"           # default: CONFORMANCE_MODEL'
    yield '# api_key_env = "STAGING_API_KEY"   # default: CONFORMANCE_API_KEY'
    for one in contract.parameters:
        known = one.demo or one.default
        comment = f"the {one.noun}; default: {one.variable}"
        yield f"{'' if local and known else '# '}{one.key} = {_quoted(known or '')}   # {comment}"


def _example(contract: Contract) -> str:
    """A target of a shipped profile, commented out."""
    name = contract.profile.name
    lines = [
        f"[targets.{name}]",
        f'base_url = "https://{name}.example.com{_mount(name)}"',
        f'profile = "{name}"',
        f'api_key_env = "{name.upper().replace("-", "_")}_API_KEY"',
        *(f'{one.key} = "{one.demo or one.default}"' for one in contract.parameters),
    ]
    if "{model}" in contract.template.values():
        lines.append(f'model = "{MODEL}"')
    if contract.tenancy:
        lines.append('other_api_key_env = "OTHER_TENANT_API_KEY"   # a second tenant, for isolation')
        lines += [f'{one.second.key} = "{one.second.demo}"' for one in contract.tenancy if one.second is not None]
    return "\n" + "".join(f"# {line}\n" for line in lines)


def _mount(profile: str) -> str:
    """What stands before the operation's path on the reference deployment of a shipped profile."""
    from conformance.contract import read_dialect

    return read_dialect(profile).mount if profile in shipped_profiles() else ""


def _aligned(lines: Iterable[tuple[str, str]]) -> list[str]:
    rows = list(lines)
    width = max(len(statement) for statement, _ in rows)
    return [f"{statement:{width}}   # {comment}" for statement, comment in rows]


def _quoted(text: str) -> str:
    """A string of TOML: its escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False)


def write_configuration(
    folder: Path, profile: str | None = None, base_url: str | None = None, *, with_schema: bool = True
) -> int:
    """Write a commented conformance.toml to a folder, never over an existing one; returns the exit status.

    Its schema is written beside it, unless that is there already.

    Raises:
        UsageFailure: there is one already.
        ContractError: the profile, or a shipped one, cannot be read.
        TargetError: the base URL is not usable.
        OSError: it cannot be written.
    """
    path, text = folder / CONFIGURATION_FILE, configuration_text(profile, base_url, with_schema=with_schema)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageFailure(f"{path} exists already; init never overwrites it.") from None
    written = f"{path}, and {_write_schema(folder)} for editors" if with_schema else f"{path}"
    click.echo(f"Wrote {written}; edit it, then run: chat-conformance run --target staging")
    return 0


def _write_schema(folder: Path) -> Path:
    from conformance.targets import editor_schema

    path = folder / SCHEMA_FILE
    if not path.exists():
        path.write_text(json.dumps(editor_schema(), indent=2) + "\n", encoding="utf-8")
    return path

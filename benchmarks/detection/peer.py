"""The peer: the command line of Schemathesis with its defaults, and the OpenAPI document of a contract."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from conformance.reference import EmbeddedReference

SPECS = Path(__file__).parents[2] / "specs"
_SETTINGS = "[cache]\nenabled = false\n"
"""It would write a cache beside the document."""
_TIMEOUT = 900
Tree = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PeerRun:
    """One run of the peer: the codes of its failures, such as ST108, and its report."""

    codes: frozenset[str]
    report: Mapping[str, Any]


def peer_document(profile: str, reference: EmbeddedReference, *, events: bool = True) -> Tree:
    """A contract's document, with what the peer cannot know from it, so that it gives no false alarm.

    With `events` it describes each event of a stream, as OpenAPI 3.2 can; without, it has what OpenAPI 3.1 can say.
    """
    document = copy.deepcopy(written(profile))
    (path,) = document["paths"].values()
    operation, request = path["post"], document["components"]["schemas"]["Request"]
    if profile == "openai":
        _with_text_alone(document["components"]["schemas"])
    if profile == "loop-health":
        # The document names 400 and 500 only; 401, 405 and 415 are RFC 9110's, and nothing forbids them.
        operation["responses"]["default"] = operation["responses"]["400"]
    else:
        request["properties"]["model"]["enum"] = [reference.model]
    if profile == "kodexa":
        operation["parameters"][0]["schema"]["enum"] = [reference.target.parameters["orgId"]]
    if not events:
        document["openapi"] = "3.1.0"
        operation["responses"]["200"]["content"]["text/event-stream"] = {}
    return document


def _with_text_alone(schemas: Tree) -> None:
    """Leave out what is refused by rules that no JSON Schema can state.

    Such rules: a choice names a tool that is given, a result answers a call of an earlier turn, parameters are a JSON
    Schema, a sound is base64, and what the reference says that it does not have (Lark grammars, sound in streams).
    """
    for name in ("tools", "tool_choice", "functions", "function_call", "response_format", "modalities", "audio"):
        schemas["Request"]["properties"][name] = False
    schemas["Message"]["properties"]["role"]["enum"].remove("tool")
    said = schemas["AssistantMessage"]
    for name in ("tool_calls", "audio"):
        said["properties"][name] = False
    part = schemas["ContentPart"]
    part["properties"]["type"] = {"const": "text"}


@cache
def written(profile: str) -> Tree:
    """The document of a profile as it is shipped."""
    loaded: Tree = yaml.safe_load((SPECS / "profiles" / profile / "openapi.yaml").read_text(encoding="utf-8"))
    return loaded


def run_peer(document: Tree, base_url: str, key: Mapping[str, str], *options: str) -> PeerRun:
    """Run the peer in a temporary folder; `key` is the header field of the credential.

    Raises:
        RuntimeError: it gave no result.
    """
    with tempfile.TemporaryDirectory(prefix="chat-conformance-peer-") as name:
        folder = Path(name)
        (folder / "contract.json").write_text(json.dumps(document), encoding="utf-8")
        (folder / "schemathesis.toml").write_text(_SETTINGS, encoding="utf-8")
        command = [str(Path(sys.executable).with_name("schemathesis")), "run", "contract.json", "--url", base_url]
        command += ["--report", "json", "--report-json-path", "report.json", "--no-color", *options]
        for header in key.items():
            command += ["--header", ": ".join(header)]
        environment = {"PATH": os.environ["PATH"], "HOME": name}
        ended = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )
        report = folder / "report.json"
        if ended.returncode not in (0, 1) or not report.exists():
            raise RuntimeError(f"schemathesis ended with {ended.returncode}: {(ended.stdout + ended.stderr)[-2000:]}")
        written: Tree = json.loads(report.read_text(encoding="utf-8"))
    codes = [failure["code"] for failure in written["failures"]]
    return PeerRun(frozenset(codes + (["error"] if written["errors"] else [])), written)

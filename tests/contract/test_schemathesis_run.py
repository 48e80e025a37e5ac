"""Another tool reads the shipped documents as they are, and finds nothing in the reference deployment."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from shipped_specs import PROFILES, SPECS

from conformance.contract.dialect import read_dialect
from conformance.reference import EmbeddedReference
from conformance.reference.server import settings_from_environment

ROOT = Path(__file__).parents[2]
UNSTATED = ROOT / "integrations" / "schemathesis" / "unstated.py"
KEY_HEADERS = {
    "kodexa": "x-api-key: {}",
    "loop-health": "Authorization: Bearer {}",
    "openai": "Authorization: Bearer {}",
}


@pytest.mark.network
@pytest.mark.process
@pytest.mark.parametrize("profile", PROFILES)
def test_schemathesis_finds_nothing(profile: str, tmp_path: Path) -> None:
    (tmp_path / "integrations").symlink_to(ROOT / "integrations")  # what it writes shall not stand in the checkout
    tenants = settings_from_environment(read_dialect(profile), {}).tenants
    with EmbeddedReference(profile, tenants=(tenants[0], tenants[1])) as reference:
        command = [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()", "--no-color"]
        command += ["--config-file", "integrations/schemathesis/schemathesis.toml", "run"]
        command += [str(SPECS / "profiles" / profile / "openapi.yaml"), "--url", reference.base_url]
        command += ["--header", KEY_HEADERS[profile].format(reference.api_key), "--seed", "11", "--max-examples", "25"]
        utf8 = os.environ | {"PYTHONUTF8": "1"}
        run = subprocess.run(command, cwd=tmp_path, env=utf8, capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stdout
    assert "Fuzzing (in" in run.stdout
    assert "Authentication failed" not in run.stdout


@pytest.fixture(scope="module")
def unstated() -> Any:
    spec = importlib.util.spec_from_file_location("unstated", UNSTATED)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CALL = {"role": "assistant", "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f"}}]}
RESULT = {"role": "tool", "tool_call_id": "a", "content": "1"}
FUNCTION = {"type": "function", "function": {"name": "f"}}


@pytest.mark.parametrize(
    ("body", "is_sent"),
    [
        ({"messages": [CALL, RESULT]}, True),
        ({"messages": [CALL]}, False),
        ({"messages": [RESULT]}, False),
        ({"messages": [CALL, {**RESULT, "tool_call_id": "b"}]}, False),
        ({"messages": [CALL, {"role": "user", "content": "?"}, RESULT]}, False),
        ({"tools": [FUNCTION], "tool_choice": "required"}, True),
        ({"tool_choice": "auto"}, True),
        ({"tool_choice": "required"}, False),
        ({"tools": [FUNCTION], "tool_choice": {"type": "function", "function": {"name": "g"}}}, False),
        ({"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "odd"}}}]}, False),
        ({"response_format": {"json_schema": {"schema": {"required": 1}}}}, False),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "file", "file": {"file_data": "data:x;base64,QQ=="}}]}
                ]
            },
            True,
        ),
        ({"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_data": "Q"}}]}]}, False),
        ({"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "file-1"}}]}]}, False),
        ({"stream": True, "modalities": ["audio"]}, False),
        (None, True),
    ],
)
def test_what_no_schema_says_is_left_out(unstated: Any, body: Any, is_sent: bool) -> None:
    assert unstated.filter_body(None, body) is is_sent

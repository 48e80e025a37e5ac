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

from conformance.reference import EmbeddedReference

UNSTATED = Path(__file__).parents[2] / "integrations" / "schemathesis" / "unstated.py"
KEY_HEADERS = {
    "kodexa": "x-api-key: {}",
    "loop-health": "Authorization: Bearer {}",
    "openai": "Authorization: Bearer {}",
}


@pytest.mark.network
@pytest.mark.process
@pytest.mark.parametrize("profile", PROFILES)
def test_schemathesis_finds_nothing(profile: str, tmp_path: Path) -> None:
    with EmbeddedReference(profile) as reference:
        values = "".join(f'{name} = "{value}"\n' for name, value in reference.target.parameters.items())
        (tmp_path / "schemathesis.toml").write_text(f"[parameters]\n{values}", encoding="utf-8")
        command = [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()", "run"]
        command += [str(SPECS / "profiles" / profile / "openapi.yaml"), "--url", reference.base_url, "--no-color"]
        command += ["--header", KEY_HEADERS[profile].format(reference.api_key), "--seed", "11", "--max-examples", "25"]
        hooks = {"SCHEMATHESIS_HOOKS": str(UNSTATED), "PYTHONUTF8": "1"}
        run = subprocess.run(
            command, cwd=tmp_path, env=os.environ | hooks, capture_output=True, text=True, timeout=300, check=False
        )
    assert run.returncode == 0, run.stdout
    assert "Fuzzing (in" in run.stdout


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
        ({"stream": True, "modalities": ["audio"]}, False),
        (None, True),
    ],
)
def test_what_no_schema_says_is_left_out(unstated: Any, body: Any, is_sent: bool) -> None:
    assert unstated.filter_body(None, body) is is_sent

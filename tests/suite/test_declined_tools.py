"""What a deployment lacks of tools, formats and parts is found out by few requests, and stands in the record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from command_line import Judged, judge
from shipped_contracts import shipped_contract

from conformance.reference import EmbeddedReference
from conformance.reference.faults.actions import FaultAction
from conformance.reference.faults.registry import hooks_with

pytestmark = pytest.mark.network


def judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *actions: FaultAction) -> Judged:
    hooks, contract = hooks_with(actions), shipped_contract("openai")
    with EmbeddedReference("openai", hooks=hooks, contract=contract) as reference:
        monkeypatch.setenv("CONFORMANCE_API_KEY", reference.api_key)
        monkeypatch.setenv("CONFORMANCE_MODEL", str(reference.model))
        return judge(tmp_path, base_url=reference.base_url)


def refusing(field: str, message: str) -> FaultAction:
    return FaultAction("request.refuse-field", {"field": field, "message": message})


def states(run: Judged) -> dict[str, str]:
    return {one["field"]: one["state"] for one in run.document["request_fields"]}


def test_a_deployment_without_tools_is_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = judged(tmp_path, monkeypatch, refusing("tools", "This model does not support tools."))
    assert run.document["verdict"] == "conformant"
    assert "tools" in run.document["scope"]["without"]
    assert states(run)["tools"] == "refused"
    lines = (tmp_path / "evidence" / "exchanges.jsonl").read_text(encoding="utf-8").splitlines()
    assert sum('"tools/' in line for line in lines) <= 5
    assert {outcome for name, outcome in run.outcomes.items() if name.startswith("tools.")} <= {"skipped", "passed"}


def test_what_is_accepted_and_ignored_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ignored: dict[str, Any] = {"fields": ["tools", "tool_choice", "response_format"]}
    run = judged(tmp_path, monkeypatch, FaultAction("request.ignore", ignored))
    assert run.document["verdict"] == "nonconformant"
    failed = set(run.musts("failed"))
    assert {"tools.required", "tools.required-streamed", "structured.strict"} <= failed
    assert run.outcomes["tools.strict"] == "blocked"
    found = states(run)
    assert (found["tools"], found["response_format"], found["n"]) == ("ignored", "ignored", "honoured")


def test_a_format_that_is_refused_is_left_out_of_the_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = judged(tmp_path, monkeypatch, refusing("response_format", "response_format is not supported"))
    assert run.document["verdict"] == "conformant"
    assert "response_format" in run.document["scope"]["without"]
    assert states(run)["response_format"] == "refused"

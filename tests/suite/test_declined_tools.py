"""What a deployment lacks of tools, formats and parts is found out by few requests, and stands in the record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from command_line import Judged
from faulty_reference import judged

from conformance.reference.faults.actions import FaultAction

pytestmark = pytest.mark.network


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


def test_a_value_that_is_refused_is_no_field_that_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"field": "reasoning_effort", "equal": "low", "message": "reasoning_effort does not support low"}
    low = judged(tmp_path / "low", monkeypatch, FaultAction("request.refuse-field", said))
    assert states(low)["reasoning_effort"] == "refused"
    mode = {
        "field": "response_format",
        "equal": {"type": "json_object"},
        "message": "this response_format is unavailable",
    }
    run = judged(tmp_path / "mode", monkeypatch, FaultAction("request.refuse-field", mode))
    assert states(run)["response_format"] == "honoured"


def test_an_error_in_words_lacks_the_part_and_has_the_wrong_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: dict[str, Any] = {"kind": "image_url", "status": 500, "message": "image input is not supported"}
    run = judged(tmp_path, monkeypatch, FaultAction("parts.refuse", said))
    assert "image parts" in run.document["scope"]["without"]
    assert run.outcomes["parts.image"] == "skipped"
    assert run.outcomes["tools.no-server-error"] == "failed"


def test_what_blocks_calls_that_are_missing_is_the_demand_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = judged(tmp_path, monkeypatch, FaultAction("request.read-as", {"field": "tool_choice", "to": "none"}))
    blocked = {row["id"]: row["blocked_by"] for row in run.document["requirements"] if row["outcome"] == "blocked"}
    assert blocked["tools.known-name"] == "tools.required"
    assert blocked["tools.strict"] == "tools.named"


def test_a_call_of_no_tool_that_was_given_has_no_arguments_to_judge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = judged(tmp_path, monkeypatch, FaultAction("calls.name", {"to": "another"}))
    blocked = {row["id"]: row["blocked_by"] for row in run.document["requirements"] if row["outcome"] == "blocked"}
    assert run.outcomes["tools.known-name"] == "failed"
    assert blocked["tools.strict"] == "tools.known-name"


def test_a_mistake_that_is_served_is_leniency(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = judged(tmp_path, monkeypatch, FaultAction("tools.accept-any", {"fields": ["tools", "response_format"]}))
    lenient = {row["id"] for row in run.document["requirements"] if row["leniency"]}
    assert {"structured.without-schema", "tools.broken-schema"} & lenient

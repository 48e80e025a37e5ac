"""Requests that combine what agents send: taken apart where they are refused, and nobody is accused for that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from faulty_reference import judged

from conformance.reference.faults.actions import FaultAction

pytestmark = pytest.mark.network


def sent(tmp_path: Path) -> str:
    return (tmp_path / "evidence" / "exchanges.jsonl").read_text(encoding="utf-8")


def test_what_is_refused_together_is_asked_for_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: dict[str, Any] = {"field": "reasoning_effort", "message": "tools and reasoning_effort are not valid together"}
    run = judged(tmp_path, monkeypatch, FaultAction("request.refuse-field", said, when="tools"))
    assert run.document["verdict"] == "conformant"
    for name in ("tools/several", "tools/none", "reasoning/effort-low", "structured/schema/all-together-streamed"):
        assert f'"{name}"' in sent(tmp_path)
    assert {run.outcomes[one] for one in ("tools.required", "tools.none", "reasoning.effort")} == {"passed"}


def test_what_is_served_together_is_not_asked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = judged(tmp_path, monkeypatch)
    assert run.document["verdict"] == "conformant"
    lines = sent(tmp_path).splitlines()
    surface = [line for line in lines if any(f'"probe":"{name}/' in line for name in ("tools", "structured", "parts"))]
    assert 0 < len(surface) <= 50
    assert not any('"probe":"tools/several' in line or '"probe":"tools/shape' in line for line in surface)


def test_a_form_that_is_refused_beside_tools_accuses_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: dict[str, Any] = {"field": "response_format", "message": "The request is not valid."}
    run = judged(tmp_path, monkeypatch, FaultAction("request.refuse-field", said, when="tools"))
    assert run.document["verdict"] == "conformant"
    assert run.outcomes["tools.required"] == run.outcomes["structured.text"] == "passed"
    assert run.outcomes["tools.call-id-of-its-turn"] == "skipped"


def test_a_history_is_blamed_for_the_shape_that_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: dict[str, Any] = {"has": "results in another order"}
    run = judged(tmp_path, monkeypatch, FaultAction("history.refuse-shape", order))
    assert run.outcomes["tools.history-shapes"] == "warning"
    assert run.outcomes["tools.second-turn"] == run.outcomes["tools.second-turn-results"] == "passed"
    parts: dict[str, Any] = {"has": "a result in parts"}
    run = judged(tmp_path / "parts", monkeypatch, FaultAction("history.refuse", parts))
    assert run.outcomes["tools.second-turn-results"] == "failed"
    assert run.outcomes["tools.second-turn-contents"] == "passed"


def test_a_deployment_without_tools_is_asked_for_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: dict[str, Any] = {"field": "tools", "message": "This model does not support tools."}
    run = judged(tmp_path, monkeypatch, FaultAction("request.refuse-field", said))
    assert run.document["verdict"] == "conformant"
    assert run.outcomes["structured.schemas"] == run.outcomes["reasoning.effort"] == "passed"

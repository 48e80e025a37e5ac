"""The times in which a target no longer serves plain requests are those after it served the same."""

from __future__ import annotations

import json
import math
from typing import Any

from conformance.suite.poisoning import unwell_spells
from conformance.wire.exchange import Answer, Ending, EndKind, Exchange, SentRequest


def sent(probe: str, second: int, status: int, prompt: str = "Count.") -> Exchange:
    body: dict[str, Any] = {"messages": [{"role": "user", "content": prompt}]}
    request = SentRequest("POST", "http://host/v1/chat/completions", (), json.dumps(body).encode())
    started = f"2026-01-01T00:00:{second:02}+00:00"
    ending = Ending(EndKind.COMPLETE, 0.5)
    return Exchange(f"{probe}#1", probe, 1, started, request, Answer(status, "", "1.1", (), 0.1), ending)


def spells(*exchanges: Exchange) -> list[tuple[str, float]]:
    found = unwell_spells(exchanges, lambda one: one.answer is not None and one.answer.status == 200)
    return [(one.health, one.ends - one.begins) for one in found]


def test_a_target_that_stops_serving_is_unwell_until_it_serves_again() -> None:
    before, odd = sent("completion/long-answer", 0, 200), sent("request/lone-surrogate", 2, 500)
    unwell, again = sent("robustness/health-after-lone-surrogate", 4, 500), sent("robustness/health", 9, 200)
    assert spells(before, odd, unwell, again) == [("robustness/health-after-lone-surrogate#1", 5.5)]
    assert spells(before, odd, unwell) == [("robustness/health-after-lone-surrogate#1", math.inf)]


def test_a_target_that_never_served_the_prompt_is_not_unwell() -> None:
    assert spells(sent("completion/long-answer", 0, 404), sent("robustness/health", 4, 404)) == []
    assert spells(sent("completion/plain", 0, 200, "Say hello."), sent("robustness/health", 4, 404)) == []


def test_a_target_that_refuses_for_load_is_not_unwell() -> None:
    assert spells(sent("completion/long-answer", 0, 200), sent("robustness/health", 4, 503)) == []

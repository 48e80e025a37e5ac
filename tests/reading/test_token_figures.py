"""Log probabilities that contradict themselves, and odd ones that do not."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.reading.token_figures import inconsistencies


def token(name: str, figure: float, given: Any = None, others: Any = None) -> dict[str, Any]:
    entry = {"token": name, "logprob": figure, "bytes": list(name.encode()) if given is None else given}
    return entry if others is None else {**entry, "top_logprobs": others}


GOOD = [
    token(" a", -0.1, others=[token(" a", -0.1004), token("b", -2)]),
    token("a", -0.1, others=[token("b", -0.1), token("c", -0.1)]),
    token("\u0120a", -0.1, list(b" a")),
    token("\u2581a", -0.1, list(b"a")),
    token("<0x0A>", -0.1, [10]),
    token("bytes:\\xe2", -0.1, [0xE2]),
    token("\ufffd", -0.1, [0xE4, 0xBD]),
    token("\ufffd", -0.1, others=[token("\ufffd", -0.1, [0xE4]), token("\ufffd", -0.1, [0xE5])]),
    token("<|end|>", -0.1, []),
    token("a", -9999.0, others=[token("a", -0.5), token("b", -9999.0)]),
    {"token": "a", "logprob": -0.1, "bytes": None, "top_logprobs": None},
    {"token": 1, "logprob": "x", "bytes": ["x"], "top_logprobs": [None]},
    {},
    None,
]


@pytest.mark.parametrize("entry", GOOD)
def test_what_is_odd_and_consistent(entry: Any) -> None:
    assert not list(inconsistencies(entry))


BAD = {
    "bytes": token("a", -0.1, list(b"b")),
    "bytes of an alternative": token("a", -0.1, others=[token("a", -0.1), token("b", -1, list(b"x"))]),
    "order": token("a", -0.1, others=[token("b", -3), token("a", -0.1)]),
    "twice": token("a", -0.1, others=[token("a", -0.1), token("a", -0.1)]),
    "two figures": token("a", -0.1, others=[token("a", -0.4), token("b", -3)]),
    "above 0": token("a", -0.1, others=[token("c", 0.5), token("a", -0.1)]),
}


@pytest.mark.parametrize("what", BAD)
def test_what_contradicts_itself(what: str) -> None:
    assert len(list(inconsistencies(BAD[what]))) == 1

"""The log probabilities of a stream: as many alternatives as were asked for, and tokens that make the text."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.reading.deviation import NO_POSITION, DeviationLog
from conformance.reading.logprobs import LogprobsReader


def entry(token: str, *, alternatives: int = 1, with_bytes: bool = True) -> dict[str, Any]:
    own = {"token": token, "logprob": -0.1, "bytes": list(token.encode()) if with_bytes else None}
    others = [{"token": f"{token}{n}", "logprob": -1.0 - n, "bytes": None} for n in range(1, alternatives)]
    return {**own, "top_logprobs": [own, *others][:alternatives]}


def broken(entries: list[dict[str, Any]], text: str, wanted: int | None = None) -> set[str]:
    log = DeviationLog()
    reader = LogprobsReader(0, log, wanted)
    reader.take({"content": entries}, NO_POSITION)
    reader.end(text, NO_POSITION)
    return {one.requirement for one in log.kept}


@pytest.mark.parametrize(("alternatives", "wanted"), [(1, 1), (0, 1), (1, 2), (2, 2), (5, None)])
def test_as_many_alternatives_as_were_asked_for_or_fewer_are_right(alternatives: int, wanted: int | None) -> None:
    assert broken([entry("Hi", alternatives=alternatives)], "Hi", wanted) == set()


def test_more_alternatives_than_were_asked_for_are_told() -> None:
    assert broken([entry("Hi", alternatives=3)], "Hi", 2) == {"stream.logprobs-consistent"}


def test_tokens_that_do_not_make_the_text_are_told() -> None:
    assert broken([entry("\u2581Hi", with_bytes=False)], "Hi") == {"stream.logprobs"}


def test_half_a_character_whose_bytes_nobody_tells_decides_nothing() -> None:
    parts = [entry("\ufffd", with_bytes=False), entry("\ufffd", with_bytes=False)]
    assert broken(parts, "\u4f60") == set()

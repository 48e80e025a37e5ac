"""What must be true of the log probabilities of one token by themselves: its bytes, and its alternatives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Final

from conformance.quoting import quoted

ROUNDING: Final = 1e-3
"""How far two figures of one logarithm may be apart for lack of precision."""
NOT_AMONG_THEM: Final = -9999.0
"""The reference: "the value `-9999.0` is used to signify that the token is very unlikely"."""
_RAW_NAMES: Final = str.maketrans({"\u0120": " ", "\u2581": " ", "\u010a": "\n", "\u0109": "\t"})
"""How the vocabularies of tokenizers write white space, which some deployments show as it stands there."""


def inconsistencies(entry: Any) -> Iterator[tuple[str, str]]:
    """Where the entry of one token contradicts itself: what was expected, and what is there."""
    if type(entry) is not dict:
        return
    given = entry.get("top_logprobs")
    alternatives = [one for one in given if type(one) is dict] if type(given) is list else []
    for one in (entry, *alternatives):
        yield from _of_bytes(one)
    figures = [figure for one in alternatives if (figure := _figure(one)) is not None]
    yield from _of_order(figures)
    for first, second in _twice(alternatives):
        yield "each alternative once", f"{quoted(first.get('token'))} twice, with the logprob {second.get('logprob')}"
    yield from _of_own(entry, alternatives)


def _of_bytes(one: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Whether the bytes of a token are its text. Those of a part of a character, or of no text at all, are none."""
    token, given = one.get("token"), one.get("bytes")
    if type(token) is not str or type(given) is not list or not given or "\ufffd" in token:
        return
    if not all(type(number) is int and 0 <= number <= 255 for number in given):
        return  # the schema reports it
    try:
        text = bytes(given).decode()
    except UnicodeDecodeError:
        return
    if text.strip() not in {token.strip(), token.translate(_RAW_NAMES).strip()} and not _is_spelt_out(token):
        expected = f"bytes that are the token {quoted(token)} in UTF-8"
        yield expected, f"those of {quoted(text)}"


def _is_spelt_out(token: str) -> bool:
    """Whether a token's name spells out its bytes, after `bytes:` or as `<0x0A>`."""
    return token.startswith(("bytes:", "<0x"))


def _of_order(figures: Sequence[float]) -> Iterator[tuple[str, str]]:
    above = [one for one in figures if one > ROUNDING]
    if above:
        yield "logarithms of probabilities, none above 0", f"an alternative with the logprob {above[0]}"
    if any(later > earlier + ROUNDING for earlier, later in pairwise(figures)):
        yield "the alternatives from the likeliest down", f"the logprobs {quoted(list(figures))}"


def _of_own(entry: dict[str, Any], alternatives: Sequence[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Whether the token has one probability, where it stands among its own alternatives."""
    own = _figure(entry)
    same = [figure for one in alternatives if _name(one) == _name(entry) and (figure := _figure(one)) is not None]
    if own is None or own == NOT_AMONG_THEM or not same or any(abs(own - one) <= ROUNDING for one in same):
        return
    expected = f"one logprob of the token {quoted(entry.get('token'))}"
    yield expected, f"{own} for itself, and {same[0]} among its alternatives"


def _twice(alternatives: Sequence[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Alternatives that are the same token with the same figure. A part of a character may look like another one."""
    known: dict[tuple[Any, ...], dict[str, Any]] = {}
    for one in alternatives:
        token, figure = one.get("token"), _figure(one)
        if type(token) is not str or not token or "\ufffd" in token or figure in {None, NOT_AMONG_THEM}:
            continue
        key = (*_name(one), figure)
        if key in known:
            yield known[key], one
        known.setdefault(key, one)


def _name(one: dict[str, Any]) -> tuple[Any, ...]:
    given = one.get("bytes")
    return one.get("token"), tuple(map(repr, given)) if type(given) is list else None


def _figure(one: dict[str, Any]) -> float | None:
    value = one.get("logprob")
    return float(value) if type(value) is float or type(value) is int else None

"""Compares streams with the answers to the same requests without streaming: they must agree in all but the words."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from conformance.suite.observations import Completion, Stream

FEWEST_DELTAS: Final = 8
"""How many deltas with text a stream needs before its white space decides anything."""
_SHARE_KEPT: Final = 0.25
"""A stream with less than this share of the white space of the answer without streaming has lost it."""
_STREAMING = ("stream", "stream_options")
_FIRST_WORD = re.compile(r"([A-Za-z]*[g-zG-Z][A-Za-z]*[-_])")
"""A word before the first separator. It needs a letter beyond hexadecimal digits, so a UUID has none."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that a stream and an answer without streaming say differently: what the latter says, and the stream."""

    expected: str
    actual: str


@dataclass(frozen=True, slots=True)
class Form:
    """The form of an id, or a model, in a stream, and those in answers without streaming: any of `known` will do."""

    what: str
    given: str
    known: frozenset[str]

    @property
    def expected(self) -> str:
        """What is expected, in words."""
        return f"the {self.what} of answers without streaming, {_listed(self.known)}"


@dataclass(frozen=True, slots=True)
class Pair:
    """A stream, and the answer to the same request without streaming."""

    stream: Stream
    whole: Completion


def pairs(streams: Iterable[Stream], completions: Iterable[Completion], *fields: str) -> list[Pair]:
    """Each stream with each completion of the same request; with `fields`, only these fields must be the same."""
    by_request: dict[str, list[Completion]] = {}
    for one in completions:
        by_request.setdefault(request_key(one.answered.sent, fields), []).append(one)
    found = [(stream, by_request.get(request_key(stream.answered.sent, fields), ())) for stream in streams]
    return [Pair(stream, whole) for stream, twins in found for whole in twins]


def differences(pair: Pair) -> Iterator[Difference]:
    """Where a stream and its twin differ in what the request alone decides: the choices and their role."""
    choices = [choice for choice in pair.stream.reading.choices.values() if choice.deltas]
    if len(choices) != len(pair.whole.choices):
        yield Difference(f"{len(pair.whole.choices)} choice(s), as in {pair.whole.id}", f"{len(choices)}")
    roles = {message.get("role") for message in _messages(pair.whole)}
    for choice in choices:
        if choice.role is not None and choice.role not in roles:
            yield Difference(f"the role {_listed(roles)}, as in {pair.whole.id}", f"the role {choice.role!a}")


def prompt_differences(compared: Sequence[Pair]) -> dict[str, Difference | None]:
    """Of each answer to the same messages that counts its prompt tokens, by its id, how its count differs; None if not.

    Where they disagree, the odd one out differs from most others. Where there is no such one, each stream differs.
    """
    by_messages: dict[str, dict[str, float]] = {}
    for pair in compared:
        counts = by_messages.setdefault(request_key(pair.stream.answered.sent, ("messages",)), {})
        streamed, whole = _prompt_tokens(pair.stream.reading.usage), pair.whole.usage("prompt_tokens")
        if streamed is not None and whole is not None:
            counts.update({pair.stream.id: streamed, pair.whole.id: whole})
    streams = {pair.stream.id for pair in compared}
    found: dict[str, Difference | None] = {}
    for counts in by_messages.values():
        found.update(_odd_counts(counts, streams))
    return found


def _odd_counts(counts: dict[str, float], streams: Collection[str]) -> Iterator[tuple[str, Difference | None]]:
    (most, times), *others = Counter(counts.values()).most_common() or [(0.0, 0)]
    if others and others[0][1] == times:  # as many say one thing as another
        most = next((count for name, count in counts.items() if name not in streams), most)
    same = [name for name, count in counts.items() if count == most]
    for name, count in counts.items():
        as_in = f"{most:g} prompt tokens, as in {_and_others(same)} with the same messages"
        yield name, None if count == most else Difference(as_in, f"{count:g}")


def _and_others(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _prompt_tokens(usage: Any) -> float | None:
    count = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    return count if isinstance(count, int | float) and not isinstance(count, bool) else None


def forms(stream: Stream, completions: Sequence[Completion]) -> Iterator[Form]:
    """The form of a stream's id, and its model, beside those of answers without streaming, as far as both have them.

    Behind one name there may be several models, and several servers that make ids: any may have answered a request.
    """
    ids = [one.body.get("id") for one in completions]
    if stream.reading.id:
        known = frozenset(_prefix(one) for one in ids if isinstance(one, str))
        yield from [Form("form of id", _prefix(stream.reading.id), known)] if known else []
    models = frozenset(one for whole in completions if isinstance(one := whole.body.get("model"), str) and one)
    if stream.reading.model and models:
        yield Form("model", stream.reading.model, models)


def _prefix(identifier: str) -> str:
    """The word that an id begins with, with its separator (`chatcmpl-`), or nothing."""
    found = _FIRST_WORD.match(identifier)
    return found[1] if found else ""


def has_enough_deltas(stream: Stream) -> bool:
    """Whether a stream has enough deltas with text for its white space to decide anything."""
    return any(choice.content_deltas >= FEWEST_DELTAS for choice in stream.reading.choices.values())


def lost_whitespace(pair: Pair) -> Difference | None:
    """Whether white space at the ends of deltas was lost: deltas were trimmed, or those of only white space dropped.

    The words are never judged. But if the answer without streaming has white space between its words and no stream of
    the same request does, it was not the model that left it out.
    """
    choices = [choice for choice in pair.stream.reading.choices.values() if choice.content_deltas >= FEWEST_DELTAS]
    whole = _share(" ".join(pair.whole.texts))
    if not choices or whole == 0:
        return None
    streamed = _share("".join(choice.content for choice in choices))
    if streamed >= whole * _SHARE_KEPT:
        return None
    expected = f"white space as in {pair.whole.id}, where it is {whole:.0%} of the text"
    return Difference(expected, f"{streamed:.0%} of the text of {choices[0].content_deltas} deltas")


def unlisted_tokens(stream: Stream) -> tuple[int, int] | None:
    """Listed tokens, and those that the usage counts as text, of a stream that its limit cut; None if unknown."""
    reading = stream.reading
    counted = _text_tokens(reading.usage)
    if counted is None or any(choice.finish_reason != "length" for choice in reading.choices.values()):
        return None
    return sum(choice.tokens or 0 for choice in reading.choices.values()), counted


def lists_every_token(completion: Completion) -> bool:
    """Whether an answer without streaming that its limit cut lists every token of its usage: not all targets do."""
    counted = _text_tokens(completion.body.get("usage"))
    listed = 0
    for choice in completion.choices:
        logprobs = choice.get("logprobs")
        content = logprobs.get("content") if isinstance(logprobs, dict) else None
        listed += len(content) if isinstance(content, list) else 0
    return _reasons(completion) == {"length"} and listed > 0 and listed == counted


def request_key(sent: Any, fields: Sequence[str] = ()) -> str:
    """What two requests have in common that differ in streaming alone; with `fields`, only these fields count."""
    body = sent if isinstance(sent, dict) else {}
    kept = {name: value for name, value in body.items() if name not in _STREAMING and (not fields or name in fields)}
    return json.dumps(kept, sort_keys=True)


def _messages(completion: Completion) -> Iterator[dict[str, Any]]:
    for choice in completion.choices:
        message = choice.get("message")
        if isinstance(message, dict):
            yield message


def _reasons(completion: Completion) -> set[Any]:
    return {reason if isinstance(reason := choice.get("finish_reason"), str) else None for choice in completion.choices}


def _listed(values: Iterable[Any]) -> str:
    return " or ".join(sorted(ascii(value) for value in values))


def _share(text: str) -> float:
    return sum(character.isspace() for character in text) / len(text) if text else 0.0


def _text_tokens(usage: Any) -> int | None:
    """The completion tokens of a usage without those of hidden reasoning, or None if it does not count them."""
    if not isinstance(usage, dict):
        return None
    total = usage.get("completion_tokens")
    details = usage.get("completion_tokens_details")
    hidden = details.get("reasoning_tokens") if isinstance(details, dict) else 0
    if not isinstance(total, int) or not isinstance(hidden or 0, int):
        return None
    return total - (hidden or 0)

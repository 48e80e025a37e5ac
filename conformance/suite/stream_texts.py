"""Compares the text of a stream with that of the same answer as a whole, where the target repeats itself.

A model may choose other words each time, so that another text is never a fault. What is looked for is damage: the very
text with parts left out, added, moved, or with other white space, which no model happens upon.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from conformance.quoting import quoted
from conformance.suite.stream_pairs import Difference, Pair, request_key

_SHORTEST: Final = 8
"""Characters of the shortest text, white space apart, that says anything when it is compared."""
_LONG_ENOUGH: Final = 24
"""Characters of a text that are no other in another order by chance, and of a beginning that does not come again."""
_MOST_TIMES: Final = 3
"""A stream with more than this times the whole text says something else."""
_HELD_BACK: Final = 2
"""Characters at the end of a text cut by its limit that one way of delivery may hold back: half a character, a mark."""
_UNLIKELY_TO_END: Final = 200
"""Characters of a beginning that is so long that it is the same text, however much of it is missing."""
_SHOWN: Final = 40
_SEPARATORS: Final = frozenset("\u0085\u2028\u2029")
"""White space at which some languages split lines, and the event-stream format does not."""
_RUN: Final = 3
"""Words, or characters, in a row that are compared with others of the same text."""
_FEWEST_WORDS: Final = 6
"""A text of fewer words is looked at by its characters."""
_LEAST_DIVERSE: Final = 0.5
"""Share of such runs of a text that have to differ."""
_MANY_WORDS: Final = 8
"""Different words of a text that goes in no small circle, however often they come again."""


@dataclass(frozen=True, slots=True)
class TextPair:
    """The text of one choice of a stream, and of the same choice of the answer without streaming.

    `beside_equal` says that the other choices are alike, so that of this one anything may be missing. `exact` says
    that one of the two texts came twice with its white space.
    """

    stream: str
    twin: str
    streamed: str
    whole: str
    was_cut: bool
    beside_equal: bool
    exact: bool


def text_pairs(compared: Sequence[Pair]) -> list[TextPair]:
    """The texts that may be compared: those of requests to which the target gave one text twice.

    That it repeats itself has to be seen for the request that was answered most often, and for each other one.
    """
    groups: dict[str, list[Pair]] = {}
    for pair in compared:
        groups.setdefault(request_key(pair.stream.answered.sent), []).append(pair)
    single = {key: group for key, group in groups.items() if all(map(_has_one_choice, group))}
    repeated = {key: _repeated(group) for key, group in single.items()}
    most = max(single, key=lambda key: len(single[key]), default=None)
    if most is None or not repeated[most]:
        return []
    found = [one for key, group in single.items() for one in _of_one_choice(group, repeated[key])]
    found += [one for group in groups.values() for pair in group for one in _of_several_choices(pair)]
    return found


def _is_diverse(text: str) -> bool:
    """Whether a text says ever new things: one that goes in circles, as small models do, is like others by chance."""
    words = text.split()
    if len(set(words)) >= _MANY_WORDS:
        return True
    parts: Sequence[str] = words if len(words) >= _FEWEST_WORDS else _packed(text)
    runs = [tuple(parts[at : at + _RUN]) for at in range(max(len(parts) - _RUN + 1, 0))]
    return len(set(runs)) >= _LEAST_DIVERSE * len(runs)


def lost(text: TextPair) -> Difference | None:
    """Whether the stream is the whole text with parts left out."""
    streamed, whole = _packed(text.streamed), _packed(text.whole)
    least = 0 if text.beside_equal else min(len(whole) / 2, _UNLIKELY_TO_END)
    if not least <= len(streamed) < len(whole) or len(whole) < _SHORTEST or _is_held_back(text, streamed, whole):
        return None
    if not _is_within(streamed, whole) or not _is_diverse(text.whole):
        return None
    expected = f"the {len(whole)} characters of text of {text.twin}, white space not counted"
    return Difference(expected, f"{len(streamed)} of them, in the same order{_parting(streamed, whole)}")


def added(text: TextPair) -> Difference | None:
    """Whether the stream has all of the whole text and more, begins again, or has it in another order."""
    streamed, whole = _packed(text.streamed), _packed(text.whole)
    if streamed == whole or len(whole) < _SHORTEST or _is_held_back(text, streamed, whole):
        return None
    if not _is_diverse(text.whole):
        return None
    expected = f"the {len(whole)} characters of text of {text.twin}, white space not counted, and no more"
    if len(whole) < len(streamed) <= _MOST_TIMES * len(whole) and _is_within(whole, streamed):
        more = len(streamed) - len(whole)
        return Difference(expected, f"all of them, and {more} more{_parting(streamed, whole)}")
    beginning = streamed[:_LONG_ENOUGH]
    if len(beginning) == _LONG_ENOUGH and whole.startswith(beginning):
        times = streamed.count(beginning)
        if times > whole.count(beginning):
            return Difference(f"{expected}, which begins once", f"a text whose beginning comes {times} times")
    if len(whole) >= _LONG_ENOUGH and sorted(streamed) == sorted(whole):
        return Difference(f"the text of {text.twin}", f"its characters in another order{_parting(streamed, whole)}")
    return None


def spaced(text: TextPair) -> Difference | None:
    """Whether white space within the stream's text was lost or added, where all else is the whole text.

    Nor may a separator be exchanged that models hardly write; a space in the place of a line break is their own choice.
    """
    streamed, whole = text.streamed.strip(), text.whole.strip()
    if streamed == whole or not text.exact or _packed(streamed) != _packed(whole) or len(whole) < _SHORTEST:
        return None
    within = _is_within(streamed, whole) or _is_within(whole, streamed)
    if not within and not _lacks_separators(streamed, whole):
        return None
    at = _common(streamed, whole)
    start = max(0, at - _SHOWN // 2)
    return Difference(
        f"the white space of {text.twin}, as in {quoted(whole[start : at + _SHOWN])}",
        quoted(streamed[start : at + _SHOWN]),
    )


def _lacks_separators(streamed: str, whole: str) -> bool:
    """Whether something else stands in the place of each separator that the stream lacks, and of nothing else."""
    differing = [whole[at] for at in range(len(whole)) if streamed[at : at + 1] != whole[at]]
    return len(streamed) == len(whole) and set(differing) <= _SEPARATORS


def _of_one_choice(group: Sequence[Pair], repeated: frozenset[str]) -> Iterable[TextPair]:
    texts = {pair.stream.id: _streamed(pair)[0] for pair in group} | {pair.whole.id: _whole(pair)[0] for pair in group}
    twice = {text for text, count in Counter(text.strip() for text in texts.values()).items() if count > 1}
    for pair in group:
        streamed, whole = texts[pair.stream.id], texts[pair.whole.id]
        if {_packed(streamed), _packed(whole)} & repeated and _reasons(pair)[0] == _reasons(pair)[1]:
            exact = bool({streamed.strip(), whole.strip()} & twice)
            cut = "length" in _reasons(pair)[0]
            yield TextPair(pair.stream.id, pair.whole.id, streamed, whole, cut, beside_equal=False, exact=exact)


def _of_several_choices(pair: Pair) -> Iterable[TextPair]:
    """The one choice that differs, where all others are alike and have ended alike."""
    streamed, whole = _streamed(pair), _whole(pair)
    endings = _reasons(pair)
    if len(whole) < 2 or len(streamed) != len(whole) or endings[0] != endings[1]:
        return
    texts = zip(streamed, whole, strict=True)
    unlike = [number for number, (one, other) in enumerate(texts) if _packed(one) != _packed(other)]
    alike = [one for number, one in enumerate(whole) if number not in unlike]
    if len(unlike) <= 1 and all(map(_packed, alike)):
        for number in unlike or range(len(whole)):
            cut = endings[0][number] == "length"
            yield TextPair(
                pair.stream.id, pair.whole.id, streamed[number], whole[number], cut, beside_equal=True, exact=False
            )


def _has_one_choice(pair: Pair) -> bool:
    return len(pair.stream.reading.choices) == 1


def _streamed(pair: Pair) -> list[str]:
    return [choice.content for _, choice in sorted(pair.stream.reading.choices.items())]


def _whole(pair: Pair) -> list[str]:
    """The text of each choice of the whole answer, in the order of their indexes; of a single choice, all there is."""
    if _has_one_choice(pair):
        return ["".join(pair.whole.texts)]
    choices = sorted(pair.whole.choices, key=lambda choice: str(choice.get("index")))
    messages = [choice.get("message") for choice in choices]
    contents = [message.get("content") if isinstance(message, dict) else None for message in messages]
    return [content if isinstance(content, str) else "" for content in contents]


def _reasons(pair: Pair) -> tuple[list[Any], list[Any]]:
    """How each choice ended, in the stream and in the whole answer."""
    streamed = [choice.finish_reason for _, choice in sorted(pair.stream.reading.choices.items())]
    choices = sorted(pair.whole.choices, key=lambda choice: str(choice.get("index")))
    return streamed, [reason if isinstance(reason := one.get("finish_reason"), str) else None for one in choices]


def _repeated(group: Sequence[Pair]) -> frozenset[str]:
    """The texts, without white space, that two answers to one request share: there the target is repeatable."""
    answers = {pair.stream.id: _packed(_streamed(pair)[0]) for pair in group}
    answers |= {pair.whole.id: _packed(_whole(pair)[0]) for pair in group}
    counts = Counter(answers.values())
    return frozenset(text for text, count in counts.items() if text and count > 1)


def _packed(text: str) -> str:
    """The text without white space, and without what is left of a character that its end cut in two."""
    return "".join(text.split()).rstrip("\ufffd\u200d")


def _is_held_back(text: TextPair, streamed: str, whole: str) -> bool:
    """Whether a limit cut both, and one has but a character or a mark more at its end."""
    shorter, longer = sorted((streamed, whole), key=len)
    return text.was_cut and longer.startswith(shorter) and len(longer) - len(shorter) <= _HELD_BACK


def _is_within(part: str, text: str) -> bool:
    """Whether a text has all the characters of another one, in their order."""
    rest = iter(text)
    return all(character in rest for character in part)


def _common(one: str, other: str) -> int:
    """How many characters two texts have in common at their beginning."""
    pairs = zip(one, other, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _parting(streamed: str, whole: str) -> str:
    """Where a stream parts from the whole text, as the end of a sentence."""
    at = _common(streamed, whole)
    if at == len(streamed):
        return ""
    return f"; after {at} characters it goes on with {quoted(streamed[at : at + _SHOWN])}"

"""Parts of messages: several texts reach the model, and what is not text is read or refused in words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from conformance.probes import Probe
from conformance.suite.answer_judging import CLIENT_ERRORS, judge_served
from conformance.suite.answered_choices import SeenAnswer, prompt_tokens, seen_answer
from conformance.suite.complaint import read_complaint
from conformance.suite.expect import DoesNotApply, Expect
from conformance.suite.limits import says_too_long
from conformance.suite.marks import requirement
from conformance.suite.observations import Answered, Observations, status_of
from conformance.suite.refusals import says_unsupported

ALONE = "parts/last-text"
TEXTS = ("parts/texts", "parts/first-text", ALONE)
_WORDS = re.compile(
    r"image|picture|vision|visual|audio|sound|speech|file|pdf|document|modal|content|part|type|media", re.IGNORECASE
)
"""What a refusal of a part may speak of."""


@requirement("parts.texts-served", *TEXTS)
def test_several_texts_are_served(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    judge_served(probes, observations, expect, "a completion for a message of parts of text")


@requirement("parts.texts-read", *TEXTS)
def test_all_texts_are_read(observations: Observations, expect: Expect) -> None:
    together, *alone = prompt_tokens(observations, expect, *TEXTS)
    for which, (_, tokens) in zip(("first", "last"), alone, strict=True):
        actual = f"{together[1]} prompt tokens, and {tokens} with the {which} part alone"
        expect(together[1] > tokens, together[0], expected="more prompt tokens for all three parts", actual=actual)


@requirement("parts.image", "parts/image", ALONE)
def test_a_picture_is_read_or_refused(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    _judge_read("parts/image", probes, observations, expect)


@requirement("parts.audio", "parts/audio", ALONE)
def test_a_sound_is_read_or_refused(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    _judge_read("parts/audio", probes, observations, expect)


@requirement("parts.file", "parts/file", ALONE)
def test_a_file_is_read_or_refused(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    _judge_read("parts/file", probes, observations, expect)


def _judge_read(name: str, probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    """Expect more prompt tokens with a part than without it, where it is served.

    Raises:
        DoesNotApply: it is refused, or there is no count to compare; and as `prompt_tokens`.
    """
    for one in observations.answers(probe for probe in probes if probe.name == name)[0]:
        if one.answer.status in CLIENT_ERRORS or _is_said_with_server_error(one):
            why = f"{one.id}: the target refuses {one.probe.about} ({one.answer.status})"
            raise DoesNotApply(why, lacks=f"{name.removeprefix('parts/')} parts")
        if not isinstance(seen_answer(one, observations), SeenAnswer):
            expected = f"a completion or a refusal for {one.probe.about}"
            expect(False, one.id, expected=expected, actual=status_of(one))
            return
    (exchange, beside), (_, alone) = prompt_tokens(observations, expect, name, ALONE)
    actual = f"{beside} prompt tokens, and {alone} for the text alone"
    expect(beside > alone, exchange, expected="more prompt tokens, or a refusal that names the part", actual=actual)


def _is_said_with_server_error(one: Answered) -> bool:
    """Whether a server's error says that the part is not taken; that its status is wrong, another requirement tells."""
    body = one.answer.body
    return one.answer.status >= 500 and says_unsupported(body) and bool(_WORDS.search(read_complaint(body).said))


@requirement("parts.refused-in-words", "parts/image", "parts/audio", "parts/file")
def test_a_part_is_refused_in_words(answers: Sequence[Answered], expect: Expect) -> None:
    for one in answers:
        if one.answer.status in CLIENT_ERRORS and not says_too_long(one.answer.body):
            complaint = read_complaint(one.answer.body)
            holds = bool(_WORDS.search(complaint.said))
            expected = "an error whose message says which kind of part is not taken"
            expect(holds, one.id, expected=expected, actual=status_of(one))
    if not expect.judged:
        raise DoesNotApply("the target refuses no part")

"""Parts of messages: several texts reach the model, and what is not text is read or refused in words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import ceil

from conformance.probes import Probe
from conformance.probes.completions import SHORTEST, SMALLEST
from conformance.probes.content_parts import FORMS, LARGE, PARAMETER, REMOTE, STREAMED, TEXTS, UPPER_CASE
from conformance.suite.answer_judging import CLIENT_ERRORS, judge_served
from conformance.suite.answered_choices import SeenAnswer, prompt_tokens, seen_answer
from conformance.suite.complaint import read_complaint
from conformance.suite.expect import DoesNotApply, Expect, NotTestable
from conformance.suite.limits import says_too_long
from conformance.suite.marks import requirement
from conformance.suite.observations import Answered, Observations, status_of
from conformance.suite.refusals import says_unsupported

KINDS = ("image", "audio", "file")
TOO_LARGE = 413
_WORDS = re.compile(
    r"image|picture|vision|visual|audio|sound|speech|file|pdf|document|modal|content|part|type|media", re.IGNORECASE
)
"""What a refusal of a part may speak of."""

_SIZE = re.compile(
    r"size|large|big|long|length|limit|maxim|exceed|at most|bytes|\b[km]i?b\b|pixel|dimension|resolution", re.IGNORECASE
)
"""What the refusal of a large picture may speak of."""
_OF_ANOTHER_SERVER = (502, 504)
"""What a gateway says where a server that it asked did not answer: so it is, whoever named that server."""


@requirement("parts.texts-served", TEXTS)
def test_several_texts_are_served(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    judge_served(probes, observations, expect, "a completion for a message of parts of text")


@requirement("parts.texts-read", TEXTS, SHORTEST, SMALLEST)
def test_all_texts_are_read(observations: Observations, expect: Expect) -> None:
    together, alone, smallest = prompt_tokens(observations, expect, TEXTS, SHORTEST, SMALLEST)
    # Three times the text of one of these requests: it is there twice more, and has its tokens beyond the smallest.
    least = alone[1] + max(1, ceil(1.5 * (alone[1] - smallest[1])))
    actual = f"{together[1]} prompt tokens, and {alone[1]} with one of its three parts"
    expected = f"at least {least} prompt tokens for all three parts"
    expect(together[1] >= least, together[0], expected=expected, actual=actual)


@requirement("parts.image", "parts/image", FORMS, PARAMETER, LARGE, UPPER_CASE, STREAMED, SMALLEST)
def test_a_picture_is_read_or_refused(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    _judge_read("parts/image", probes, observations, expect)
    if not expect.findings:
        for probe in observations.asked([PARAMETER, LARGE, UPPER_CASE]):
            _judge_form(probe, observations, expect)
        _judge_streamed(observations, expect)


def _judge_streamed(observations: Observations, expect: Expect) -> None:
    """Expect the same picture, beside instructions and an earlier turn, to have more tokens than without them."""
    if _served("parts/image", observations) is None or _served(STREAMED, observations) is None:
        return
    (exchange, beside), (_, alone) = prompt_tokens(observations, expect, STREAMED, "parts/image")
    actual = f"{beside} prompt tokens, and {alone} for the same picture and question alone"
    expected = f"more prompt tokens for {observations.probes[STREAMED].about}, or a refusal"
    expect(beside > alone, exchange, expected=expected, actual=actual)


def _judge_form(probe: Probe, observations: Observations, expect: Expect) -> None:
    """Expect a picture in another form to be read as well, or a refusal; that of a large one says that it is large."""
    for one in observations.answers([probe])[0]:
        seen = seen_answer(one, observations)
        if isinstance(seen, SeenAnswer) and seen.tokens("prompt_tokens") is not None:
            (exchange, beside), (_, alone) = prompt_tokens(observations, expect, probe.name, SMALLEST)
            actual = f"{beside} prompt tokens, and {alone} for the text alone"
            expect(
                beside > alone, exchange, expected="more prompt tokens, or a refusal that names the part", actual=actual
            )
        elif probe.name == LARGE and one.answer.status in CLIENT_ERRORS:
            expected = f"a completion for {probe.about}, or a refusal that says that it is too large"
            expect(_says_too_large(one), one.id, expected=expected, actual=status_of(one))


def _says_too_large(one: Answered) -> bool:
    """Whether a refusal speaks of the size of a picture, or of what a deployment takes at all."""
    status, body = one.answer.status, one.answer.body
    said = says_too_long(body) or says_unsupported(body) or bool(_SIZE.search(read_complaint(body).said))
    return status == TOO_LARGE or said


@requirement("parts.remote-image", REMOTE)
def test_a_picture_that_cannot_be_fetched_breaks_nothing(answers: Sequence[Answered], expect: Expect) -> None:
    for one in answers:
        if one.answer.status in _OF_ANOTHER_SERVER or _is_said_with_server_error(one):
            raise DoesNotApply(f"{one.id}: the target says that it does not get the picture ({one.answer.status})")
        expected = f"a refusal as the client's mistake, or a completion, for {one.probe.about}"
        expect(one.answer.status < 500, one.id, expected=expected, actual=status_of(one))


@requirement("parts.audio", "parts/audio", SMALLEST)
def test_a_sound_is_read_or_refused(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    _judge_read("parts/audio", probes, observations, expect)


@requirement("parts.file", "parts/file", SMALLEST)
def test_a_file_is_read_or_refused(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    _judge_read("parts/file", probes, observations, expect)


@requirement(
    "parts.further", SMALLEST, FORMS, *(f"parts/{kind}{further}" for kind in KINDS for further in ("", "-three"))
)
def test_further_parts_are_read_or_refused(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    names = {probe.name for probe in probes}
    three_pictures = next((probe.name for probe in observations.asked(["parts/image-three"])), "parts/image-three")
    uncounted: list[NotTestable] = []
    for kind in KINDS:
        one, three = f"parts/{kind}", three_pictures if kind == "image" else f"parts/{kind}-three"
        served = [found for name in (one, three) if (found := _served(name, observations)) is not None]
        if not {one, three} <= names or len(served) < 2:
            continue  # it is refused, or another requirement tells that it broke the server
        (first, few), (exchange, many), (_, alone) = prompt_tokens(observations, expect, one, three, SMALLEST)
        if few <= alone:
            why = f"{first}: not even one of these parts is counted"
            uncounted.append(NotTestable(why, first, because=f"parts.{kind}"))
            continue
        actual = f"{many} prompt tokens, and {few} with one of these parts"
        expect(
            many > few, exchange, expected="more prompt tokens for three parts of a kind, or a refusal", actual=actual
        )
    if not expect.judged:
        raise (uncounted[0] if uncounted else DoesNotApply("no message with several parts beside its text is served"))


def _served(name: str, observations: Observations) -> SeenAnswer | None:
    """The answer to a probe that counts its prompt tokens, where it was served."""
    for one in observations.answers(observations.matching([name]))[0]:
        found = seen_answer(one, observations)
        return found if isinstance(found, SeenAnswer) and found.tokens("prompt_tokens") is not None else None
    return None


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
    (exchange, beside), (_, alone) = prompt_tokens(observations, expect, name, SMALLEST)
    actual = f"{beside} prompt tokens, and {alone} for the text alone"
    expect(beside > alone, exchange, expected="more prompt tokens, or a refusal that names the part", actual=actual)


def _is_said_with_server_error(one: Answered) -> bool:
    """Whether a server's error says that the part is not taken; that its status is wrong, another requirement tells."""
    body = one.answer.body
    return one.answer.status >= 500 and says_unsupported(body) and bool(_WORDS.search(read_complaint(body).said))


@requirement("parts.refused-in-words", *(f"parts/{kind}" for kind in KINDS))
def test_a_part_is_refused_in_words(answers: Sequence[Answered], expect: Expect) -> None:
    for one in answers:
        if one.answer.status in CLIENT_ERRORS and not says_too_long(one.answer.body):
            complaint = read_complaint(one.answer.body)
            holds = bool(_WORDS.search(complaint.said))
            expected = "an error whose message says which kind of part is not taken"
            expect(holds, one.id, expected=expected, actual=status_of(one))
    if not expect.judged:
        raise DoesNotApply("the target refuses no part")

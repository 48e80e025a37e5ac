"""Completions: what a prompt has more than another costs more prompt tokens, so that all of it was read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from conformance.probes.completions import SMALLEST
from conformance.probes.every_message import (
    ADDED_WORDS,
    AS_IT_IS,
    ASSISTANT_PARTS,
    MANY_LONGER,
    MARKED,
    MESSAGES_LONGER,
    ONE_LONGER,
)
from conformance.probes.prompt_relations import (
    DEVELOPER,
    FEWER,
    INSTRUCTIONS,
    LONG_TEXT,
    SECOND_SYSTEM,
    SHORT_TEXT,
)
from conformance.suite.answer_judging import CLIENT_ERRORS, planned
from conformance.suite.combined_requests import decisive
from conformance.suite.expect import DoesNotApply, Expect, NotTestable
from conformance.suite.limits import declared_too_long
from conformance.suite.marks import requirement
from conformance.suite.observations import Answered, Completion, Observations, status_of
from conformance.suite.obstacles import TOO_SLOW, Obstacle, worst
from conformance.suite.request_judging import require_baseline
from conformance.suite.server_errors import NO_SERVER_ERROR

TOO_LARGE = 413
_MAY_BE_REFUSED = (SECOND_SYSTEM, DEVELOPER, AS_IT_IS, ONE_LONGER, MANY_LONGER, ASSISTANT_PARTS)
LONG_BODY = "request.long-body"
"""The requirement that a refusal of a long prompt for another reason than its length breaks."""


@requirement("completion.usage-counts-turns", FEWER, AS_IT_IS, SMALLEST)
def test_earlier_turns_are_counted(observations: Observations, expect: Expect) -> None:
    # Each of their words is a token at least, so that half of the turns are less than all of their words.
    _expect_each(FEWER, [AS_IT_IS], _words_beyond, "earlier turns", observations, expect)


@requirement("completion.usage-counts-instructions", FEWER, SECOND_SYSTEM, DEVELOPER, SMALLEST)
def test_each_instruction_is_counted(observations: Observations, expect: Expect) -> None:
    def least(less: Completion, more: Completion) -> int:
        return _words_beyond(less, more) if more.answered.probe.name == INSTRUCTIONS else 1

    _expect_each(FEWER, [SECOND_SYSTEM, DEVELOPER], least, "further instructions", observations, expect)


@requirement(
    "completion.usage-counts-each-message", AS_IT_IS, ONE_LONGER, MARKED, MANY_LONGER, ASSISTANT_PARTS, SMALLEST
)
def test_each_message_is_counted(observations: Observations, expect: Expect) -> None:
    require_baseline(observations)
    planned([AS_IT_IS, ONE_LONGER, MANY_LONGER, ASSISTANT_PARTS], observations)
    usual, longer = (_require(_counted(name, observations)) for name in (AS_IT_IS, ONE_LONGER))
    added = f"the {ADDED_WORDS} words that it has more"
    _expect_beyond(usual, longer, ADDED_WORDS // 2, added, expect)
    cost = _prompt_tokens(longer) - _prompt_tokens(usual)
    # Half a message is room for what tokens make of the borders between texts.
    for name, messages in ((MANY_LONGER, MESSAGES_LONGER), (ASSISTANT_PARTS, 1)):
        more = _counted(name, observations) if observations.asked([name]) else None
        if isinstance(more, Completion):
            times = "once more" if messages == 1 else f"{messages} times more"
            added = f"what costs {cost:,.0f} in {longer.id} {times}"
            _expect_beyond(usual, more, int(cost * (messages - 0.5)), added, expect)
        elif more is not None:
            expect.note(more)


@requirement("completion.usage-counts-long-prompt", SHORT_TEXT, LONG_TEXT, SMALLEST)
def test_a_long_prompt_is_counted_to_its_end(observations: Observations, expect: Expect) -> None:
    # A word is a token at least; half of them leaves room for tokenizers that know pairs of syllables by heart.
    def least(less: Completion, more: Completion) -> int:
        return _words_beyond(less, more) // 2

    _expect_each(SMALLEST, [SHORT_TEXT, LONG_TEXT], least, "its text", observations, expect)


@requirement(LONG_BODY, LONG_TEXT, SMALLEST)
def test_a_long_body_is_taken(observations: Observations, expect: Expect) -> None:
    require_baseline(observations)
    found = [observations.outcome_of(probe) for probe in planned([LONG_TEXT], observations)]
    for one in found:
        if not isinstance(one, Answered):
            _note_silence(one, observations, expect)
            continue
        status = one.answer.status
        if status >= 500:
            raise _broke(one)
        size = f"a body of {len(one.exchange.request.body):,} bytes"
        is_error = observations.error_reading(one.exchange).is_readable
        if is_error and _is_too_long(one):
            raise DoesNotApply(f"{one.id}: the target says that {one.probe.about} is too long ({status})")
        expected = f"a completion for {size}, or an error as JSON that says what is too long"
        expect(observations.served(one), one.id, expected=expected, actual=status_of(one))


def _note_silence(silence: Obstacle, observations: Observations, expect: Expect) -> None:
    """Report a connection that ended without an answer, and note what is only slow."""
    exchange = observations.exchange_of(LONG_TEXT)
    if isinstance(silence, NotTestable) and exchange is not None and exchange.ending.kind not in TOO_SLOW:
        expect.missing_answers("an answer", [silence])
        return
    expect.notes.append(str(silence))


def _counted(name: str, observations: Observations) -> Completion | Obstacle:
    """A completion that counts its prompt tokens, or why there is none."""
    probe = planned([name], observations)[0]
    found = observations.outcome_of(probe)
    if not isinstance(found, Answered):
        return found
    status = found.answer.status
    if status >= 500:
        return _broke(found)
    if status in CLIENT_ERRORS and (name in _MAY_BE_REFUSED or _is_too_long(found)):
        return DoesNotApply(f"{found.id}: the target refuses {probe.about} ({status})")
    if status in CLIENT_ERRORS and name == LONG_TEXT:
        return NotTestable(f"{found.id}: {probe.about} was refused ({status})", found.id, because=LONG_BODY)
    completion = observations.completion(found)
    if isinstance(completion, Completion) and completion.usage("prompt_tokens") is None:
        return DoesNotApply(f"{found.id}: the answer does not count its prompt tokens")
    return completion


def _broke(found: Answered) -> NotTestable:
    """That an error of the server is in the way, which another requirement tells."""
    why = f"{found.id}: {found.probe.about} was answered with {found.answer.status}"
    return NotTestable(why, found.id, because=NO_SERVER_ERROR)


def _is_too_long(found: Answered) -> bool:
    """Whether a prompt was refused for its length."""
    status = found.answer.status
    return status == TOO_LARGE or declared_too_long(found.sent, status, found.answer.body)


def _require(found: Completion | Obstacle) -> Completion:
    if isinstance(found, Completion):
        return found
    raise found


def _expect_each(
    base: str,
    names: Sequence[str],
    least: Callable[[Completion, Completion], int],
    what: str,
    observations: Observations,
    expect: Expect,
) -> None:
    """Expect each of these prompts to have at least so many tokens more than another, which it has in full.

    Raises:
        NotTestable, CannotTell, DoesNotApply, NotSent: no answer decides it; the gravest reason.
    """
    require_baseline(observations)
    sent = [probe.name for probe in decisive(planned(names, observations), observations)]
    less = _require(_counted(base, observations))
    found = [_counted(name, observations) for name in sent]
    for more in found:
        if not isinstance(more, Completion):
            expect.note(more)
            continue
        _expect_beyond(less, more, least(less, more), what, expect)
    if not expect.judged:
        raise worst([one for one in found if not isinstance(one, Completion)])


def _expect_beyond(less: Completion, more: Completion, least: int, what: str, expect: Expect) -> None:
    """Expect a prompt to have at least so many tokens more than another, beside which it has something."""
    before, after = _prompt_tokens(less), _prompt_tokens(more)
    due = before + least
    expected = f"at least {due:,.0f} prompt tokens: it has {what} beside those of {less.id}, which are {before:,.0f}"
    expect(after >= due, more.id, expected=expected, actual=f"{after:,.0f}")


def _prompt_tokens(completion: Completion) -> float:
    return completion.usage("prompt_tokens") or 0


def _words_beyond(less: Completion, more: Completion) -> int:
    """How many words one prompt has more than another."""
    return _words(more) - _words(less)


def _words(completion: Completion) -> int:
    """How many words the prompt of a completion has."""
    messages = completion.answered.requested("messages")
    contents = [one.get("content") for one in messages if isinstance(one, Mapping)]
    return sum(len(content.split()) for content in contents if isinstance(content, str))

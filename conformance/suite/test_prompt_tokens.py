"""Completions: what a prompt has more than another costs more prompt tokens, so that all of it was read."""

from __future__ import annotations

from collections.abc import Iterable

from conformance.probes.completions import SMALLEST
from conformance.probes.every_message import (
    ADDED_WORDS,
    AS_IT_IS,
    ASSISTANT_PARTS,
    MANY_LONGER,
    MESSAGES,
    MESSAGES_LONGER,
    ONE_LONGER,
)
from conformance.probes.prompt_relations import (
    DEVELOPER,
    FEWER,
    LONG_TEXT,
    SECOND_SYSTEM,
    SHORT_TEXT,
)
from conformance.suite.answer_judging import CLIENT_ERRORS, planned
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
    require_baseline(observations)
    planned([AS_IT_IS], observations)
    less, more = (_require(_counted(name, observations)) for name in (FEWER, AS_IT_IS))
    turns = MESSAGES - _messages(less)
    _expect_more(less, more, turns, f"{turns} messages", expect)


@requirement("completion.usage-counts-instructions", FEWER, SECOND_SYSTEM, DEVELOPER, SMALLEST)
def test_each_instruction_is_counted(observations: Observations, expect: Expect) -> None:
    require_baseline(observations)
    names = [probe.name for probe in planned([SECOND_SYSTEM, DEVELOPER], observations)]
    less = _require(_counted(FEWER, observations))
    found = [_counted(name, observations) for name in names]
    for one in found:
        if isinstance(one, Completion):
            _expect_more(less, one, 1, "one instruction", expect)
        else:
            expect.note(one)
    if not expect.judged:
        raise worst([one for one in found if not isinstance(one, Completion)])


@requirement("completion.usage-counts-each-message", AS_IT_IS, ONE_LONGER, MANY_LONGER, ASSISTANT_PARTS, SMALLEST)
def test_each_message_is_counted(observations: Observations, expect: Expect) -> None:
    require_baseline(observations)
    planned([AS_IT_IS, ONE_LONGER, MANY_LONGER, ASSISTANT_PARTS], observations)
    usual, longer = (_require(_counted(name, observations)) for name in (AS_IT_IS, ONE_LONGER))
    _expect_more(usual, longer, ADDED_WORDS // 2, f"{ADDED_WORDS} words", expect)
    cost = _prompt_tokens(longer) - _prompt_tokens(usual)
    # Half a message is room for what tokens make of the borders between texts.
    for name, messages in ((MANY_LONGER, MESSAGES_LONGER), (ASSISTANT_PARTS, 1)):
        more = _counted(name, observations) if observations.matching([name]) else None
        if isinstance(more, Completion):
            what = f"the words that cost {cost:,.0f} in {longer.id} {'once' if messages == 1 else f'{messages} times'}"
            _expect_more(usual, more, int(cost * (messages - 0.5)), what, expect)
        elif more is not None:
            expect.note(more)


@requirement("completion.usage-counts-long-prompt", SHORT_TEXT, LONG_TEXT, SMALLEST)
def test_a_long_prompt_is_counted_to_its_end(observations: Observations, expect: Expect) -> None:
    require_baseline(observations)
    planned([SHORT_TEXT, LONG_TEXT], observations)
    less, more = (_require(_counted(name, observations)) for name in (SHORT_TEXT, LONG_TEXT))
    added = _words(more) - _words(less)
    # A word is a token at least; half of them leaves room for tokenizers that know pairs of syllables by heart.
    _expect_more(less, more, added // 2, f"{added:,} words", expect)


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
        if _is_too_long(one):
            raise DoesNotApply(f"{one.id}: the target says that {one.probe.about} is too long ({status})")
        expected = "a completion, or a refusal that says that the prompt is too long"
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


def _expect_more(less: Completion, more: Completion, least: int, what: str, expect: Expect) -> None:
    """Expect one prompt to have so many tokens more than another, which it has in full."""
    before, after = _prompt_tokens(less), _prompt_tokens(more)
    expect(
        after >= before + least,
        more.id,
        expected=(
            f"at least {before + least:,.0f} prompt tokens: it has {what} more than {less.id}, which has {before:,.0f}"
        ),
        actual=f"{after:,.0f}",
    )


def _prompt_tokens(completion: Completion) -> float:
    return completion.usage("prompt_tokens") or 0


def _messages(completion: Completion) -> int:
    return len(completion.answered.requested("messages"))


def _words(completion: Completion) -> int:
    """How many words the prompt of a completion has."""
    messages: Iterable[dict[str, str]] = completion.answered.requested("messages")
    return sum(len(one["content"].split()) for one in messages)

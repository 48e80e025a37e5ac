"""Judges conversations: usual shapes are served, or refused in words that say why, and each message is checked."""

from __future__ import annotations

import re
from collections.abc import Sequence

from conformance.probes import Probe
from conformance.probes.broken_parts import group_of
from conformance.probes.call_histories import OTHER_MEMBERS
from conformance.probes.client_errors import BROKEN_MESSAGE
from conformance.probes.conversation_shapes import STATED
from conformance.suite.answer_judging import CLIENT_ERRORS, planned
from conformance.suite.combined_requests import decisive
from conformance.suite.complaint import REFUSED, read_complaint
from conformance.suite.expect import DoesNotApply, Expect, NotSent, NotTestable
from conformance.suite.observations import Answered, Observations, status_of
from conformance.suite.obstacles import declined, worst
from conformance.suite.request_judging import is_refusal
from conformance.suite.server_errors import NO_SERVER_ERROR

_CLEAR = re.compile(
    r"\broles?\b|\balternat|\bsystem\b|\bdeveloper\b|\bassistant\b|\btemplate|\bturns?\b|\bfirst\b|\blast\b|\bempty\b"
    r"|\bconsecutive\b|\bin a row\b|\buser (?:message|quer)"
)
"""Words of refusals that say which conversations a model's template takes."""
_ALWAYS_DUE = STATED | {OTHER_MEMBERS}
"""Conversations that no template may refuse."""
OF_ONE_MESSAGE = (
    "request.messages.items.role.*/enforced/*",
    "request.messages.items.content.*/enforced/*",
    "request.messages.items.content.required/enforced/*",
)
"""Requests of one message that breaks the schema in the same members, or lacks one."""


def judge_shapes(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    """Expect each conversation to be served, or refused for its shape, unless the document itself speaks of it.

    Raises:
        NotTestable, CannotTell, DoesNotApply, NotSent: no answer decides it; the gravest reason.
    """
    answered, obstacles = observations.answers(decisive(probes, observations))
    for one in obstacles:
        expect.note(one)
    for found in answered:
        if found.answer.status >= 500:
            continue  # another requirement says so
        excuse = _excuse(found)
        if excuse is not None:
            expect.note(excuse)
            continue
        due = f"a completion for {found.probe.about}"
        expect(observations.served(found), found.id, expected=due, actual=status_of(found))
    broken = [found for found in answered if found.answer.status >= 500]
    if not expect.judged and broken:
        why = f"{broken[0].id}: {broken[0].probe.about} was answered with {broken[0].answer.status}"
        raise NotTestable(why, broken[0].id, because=NO_SERVER_ERROR)
    if not expect.judged and obstacles and expect.lacking is None:
        raise worst(obstacles)


def _excuse(found: Answered) -> DoesNotApply | None:
    """What a refusal says that the target's conversations have to be, or that it lacks."""
    status, body = found.answer.status, found.answer.body
    lacking = declined(found.sent, status, body)
    if lacking is not None:
        return DoesNotApply(f"{found.id}: {lacking}", lacks=lacking.lacks)
    due = found.probe.name in _ALWAYS_DUE
    if status in REFUSED and not due and _CLEAR.search(read_complaint(body).said):
        return DoesNotApply(f"{found.id}: the target says that it does not take {found.probe.about} ({status})")
    return None


def judge_every_message(observations: Observations, expect: Expect) -> None:
    """Expect a message that breaks the schema to be refused wherever it stands, as it is where it stands alone.

    Raises:
        NotTestable, CannotTell, DoesNotApply, NotSent: no answer decides it; the gravest reason.
    """
    answered, obstacles = observations.answers(planned([f"{BROKEN_MESSAGE}*"], observations))
    for one in obstacles:
        expect.note(one)
    unchecked = _unchecked(observations)
    blocked: NotTestable | None = None
    for found in answered:
        alone = unchecked.get(found.probe.name.rpartition("-")[2])
        if found.answer.status >= 500:
            continue  # another requirement says so
        if alone is not None:
            blocked = blocked or NotTestable(f"{alone.id}: {alone.probe.about} is served by itself, too", alone.id)
            continue
        due = f"a 4xx refusal of {found.probe.about}"
        expect(found.answer.status in CLIENT_ERRORS, found.id, expected=due, actual=status_of(found))
    if not expect.judged:
        raise blocked or worst([*obstacles, NotSent("no answer decides this")])


def judge_groups(patterns: Sequence[str], observations: Observations, expect: Expect) -> None:
    """Expect each of a group of invalid requests to be refused, where the target refuses any of the group.

    Raises:
        NotTestable, CannotTell, DoesNotApply, NotSent: no answer decides it; the gravest reason.
    """
    answered, obstacles = observations.answers(planned(patterns, observations))
    for one in obstacles:
        expect.note(one)
    groups: dict[str, list[Answered]] = {}
    for found in answered:
        groups.setdefault(group_of(found.probe.name), []).append(found)
    for group in groups.values():
        if not any(is_refusal(one, observations) for one in group):
            expect.notes.append(f"{group[0].id}: none like it is refused, as the keywords of the field tell")
            continue
        for found in group:
            if found.answer.status < 500:  # what breaks the server breaks another requirement
                due = f"a 4xx refusal of {found.probe.about}, as others like it are refused"
                expect(found.answer.status in CLIENT_ERRORS, found.id, expected=due, actual=status_of(found))
    if not expect.judged:
        raise worst([*obstacles, DoesNotApply("the target checks no such list or structure")])


def _unchecked(observations: Observations) -> dict[str, Answered]:
    """The members of messages that are not even checked where there is one message, with an answer that shows it."""
    found: dict[str, Answered] = {}
    for member, pattern in zip(("role", "content", "missing"), OF_ONE_MESSAGE, strict=True):
        for one in observations.answers(observations.matching([pattern]))[0]:
            if not is_refusal(one, observations) and one.answer.status < 500:
                found.setdefault(member, one)
    return found

"""Structured output: an answer fits the schema that was given, or the format is refused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from conformance.probes import Probe
from conformance.probes.agent_requests import NONE
from conformance.probes.structured_output import BESIDE_TOOLS, SCHEMA, STRICT
from conformance.probes.text_format import TEXT
from conformance.quoting import quoted
from conformance.strict_json import parse
from conformance.suite.answer_judging import CLIENT_ERRORS, expect_status, judge_served
from conformance.suite.answered_choices import SeenChoice, choices_in, seen_answers
from conformance.suite.call_judging import misfit
from conformance.suite.combined_requests import decisive
from conformance.suite.cut_answers import judge_cut
from conformance.suite.expect import CannotTell, DoesNotApply, Expect, NotTestable
from conformance.suite.marks import requirement
from conformance.suite.observations import Answered, Observations

KEPT = "structured.strict"
SCHEMAS = f"{SCHEMA}*"
TOGETHER = f"{SCHEMA}all-together"


@requirement("structured.strict", STRICT)
def test_an_answer_fits_its_schema(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    _judge_kept(probes, observations, expect)


@requirement("structured.strict-streamed", f"{STRICT}-streamed", f"{BESIDE_TOOLS}-streamed", f"{TOGETHER}-streamed")
def test_a_stream_fits_its_schema(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    _judge_kept(probes, observations, expect)


@requirement("structured.schemas", SCHEMAS, BESIDE_TOOLS)
def test_answers_fit_schemas_of_each_form(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    whole = [probe for probe in probes if not probe.asks_for_stream]
    _judge_kept(whole, observations, expect)


@requirement("structured.schemas-streamed", f"{SCHEMAS}-streamed", f"{BESIDE_TOOLS}-streamed")
def test_streams_fit_schemas_of_each_form(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    _judge_kept(probes, observations, expect)


@requirement("structured.two-choices", "structured/two-choices")
def test_each_choice_fits_the_schema(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    _judge_kept(probes, observations, expect)


def _judge_kept(probes: Iterable[Probe], observations: Observations, expect: Expect) -> None:
    """Expect each finished answer to fit the schema of its request.

    Raises:
        CannotTell: every answer was cut; and as `seen_answers`.
    """
    for choice in choices_in(seen_answers(probes, observations, expect, KEPT)):
        if choice.refusal:
            expect.note(DoesNotApply(f"{choice.id}: the model refuses to answer"))
            continue
        if choice.was_cut:
            expect.notes.append(f"{choice.id}: the answer was cut ({choice.finish_reason})")
            continue
        if choice.finish_reason is None:
            raise NotTestable(f"{choice.id}: the stream did not finish", choice.id, because="stream.finish-once")
        problem = _problem(choice)
        expected = "a text that is JSON and fits the schema of the request, or a refusal of the format"
        expect(problem is None, choice.id, expected=expected, actual=problem or "")
    if not expect.judged and expect.notes:
        raise CannotTell(expect.notes[0])


def _problem(choice: SeenChoice) -> str | None:
    """How a text departs from the schema of its request."""
    if not choice.text:
        where = f"; the reasoning {quoted(choice.reasoning)}" if choice.reasoning else ""
        return f"no text{where}"
    read = parse(choice.text)
    if not read.is_one_document:
        return f"the text {quoted(choice.text)}, which is not JSON"
    return misfit(read.value, choice.answered.sent["response_format"]["json_schema"]["schema"])


@requirement("structured.cut", "structured/cut", "structured/cut-streamed")
def test_a_document_that_was_cut_says_so(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    judge_cut(probes, observations, expect, _is_cut_document, KEPT)


def _is_cut_document(choice: SeenChoice) -> bool:
    text = (choice.text or "").strip()
    return text.startswith("{") and not parse(text).is_one_document


@requirement("structured.text", TEXT, NONE)
def test_the_format_text_is_served(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    asked = [one for one in decisive(probes, observations) if one.name == TEXT or _has_a_format(one, observations)]
    if not asked:
        raise DoesNotApply("no request of this run has the format `text`")
    judge_served(asked, observations, expect, "a completion for a text, asked for by its name")


def _has_a_format(probe: Probe, observations: Observations) -> bool:
    return any(one.requested("response_format") for one in observations.answers([probe])[0])


@requirement("structured.json-streamed", "structured/json-streamed", "structured/json-with-effort-streamed")
def test_json_mode_holds_in_streams(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    for choice in choices_in(seen_answers(probes, observations, expect, KEPT)):
        if choice.finish_reason == "stop":
            read = parse(choice.text or "")
            holds = read.readable and isinstance(read.value, dict)
            expected = "a text that is a JSON object, as `response_format` asks, or a refusal"
            expect(holds, choice.id, expected=expected, actual=f"the text {quoted(choice.text or '')}")
    if not expect.judged:
        raise DoesNotApply("the stream did not finish by itself")


@requirement("structured.misplaced", "structured/misplaced")
def test_a_misplaced_schema_is_refused(answers: Sequence[Answered], observations: Observations, expect: Expect) -> None:
    _judge_mistake(answers, observations, expect)


@requirement("structured.without-schema", "structured/without-schema", "structured/without-schema-streamed")
def test_a_format_without_its_schema_is_refused(
    answers: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    _judge_mistake(answers, observations, expect)


@requirement("structured.broken-schema", "structured/broken-schema", "structured/broken-schema-streamed")
def test_a_broken_schema_is_refused(answers: Sequence[Answered], observations: Observations, expect: Expect) -> None:
    _judge_mistake(answers, observations, expect)


def _judge_mistake(answers: Sequence[Answered], observations: Observations, expect: Expect) -> None:
    """Expect a refusal, where a valid format is served."""
    valid = observations.matching([STRICT])
    if not valid:
        raise observations.none_planned([STRICT], "this run does not ask for structured output")
    seen_answers(valid, observations, expect, KEPT)
    expect_status(answers, CLIENT_ERRORS, expect)

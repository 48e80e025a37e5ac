"""Requirements that are broken by the same thing are one cause, with what is blocked by it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import report_sample as sample

from conformance.contract.model import Level, Section
from conformance.report import Judgement, build_results
from conformance.report.causes import Cause, causes
from conformance.suite.outcome import Finding, Outcome

PLAIN, STREAM = "completion/plain#1", "stream/plain#1"


@dataclass(frozen=True)
class Broken:
    """A requirement that is broken, by one finding."""

    id: str
    exchange: str
    expected: str
    actual: str
    level: Level = Level.MUST
    leniency: bool = False


def grouped(*broken: Broken, blocked: dict[str, str] | None = None) -> list[Cause]:
    pattern = sample.contract(0).requirements[0]
    judged = []
    for one in broken:
        section = Section(one.id.split(".")[0])
        row = replace(pattern, id=one.id, section=section, level=one.level, statement=f"What {one.id} says.")
        outcome = Outcome.FAILED if one.level is Level.MUST else Outcome.WARNING
        finding = Finding(one.id, one.exchange, one.expected, one.actual)
        judged.append(Judgement(row, outcome, (), (one.exchange,), (finding,), leniency=one.leniency))
    for row_id, cause in (blocked or {}).items():
        row = replace(pattern, id=row_id, section=Section(row_id.split(".")[0]))
        judged.append(Judgement(row, Outcome.BLOCKED, ("unseen",), blocked_by=cause))
    contract = replace(sample.contract(0), requirements=tuple(one.requirement for one in judged))
    return list(causes(build_results(contract, judged, sample.facts(waivers=()))))


def ids(cause: Cause) -> list[str]:
    return [row.id for row in cause.rows]


def test_valid_values_that_are_refused_are_one_cause_and_errors_of_the_server_another() -> None:
    first, second = grouped(
        Broken("request.n.maximum", "request.n.maximum/honoured/2#1", "a completion for n", "status 400 with a body"),
        Broken("request.stop.type", "request.stop.type/honoured/a#1", "a completion for stop", "status 422"),
        Broken("request.seed.type", "request.seed.type/enforced/a#1", "a refusal (400) of seed", "status 500"),
    )
    assert (ids(first), first.title) == (
        ["request.n.maximum", "request.stop.type"],
        "values that the schema allows are refused",
    )
    assert (ids(second), second.title) == (["request.seed.type"], None)


def test_the_same_demand_on_whole_answers_and_streams_is_one_cause() -> None:
    (cause,) = grouped(
        Broken("completion.stop", "completion/stop#1", "no stop sequence", "the text 'a b'"),
        Broken("stream.stop", "stream/stop#1", "no stop sequence", "' ' in 'a b'"),
    )
    assert cause.title == "What completion.stop says"


def test_errors_of_another_form_are_one_cause() -> None:
    (cause,) = grouped(
        Broken("error.envelope", "error/a#1", "the contract's error object", "not JSON"),
        Broken("error.default.error.required", "error/a#1", "an object with error", "{}"),
        Broken("error.media-type", "error/b#1", "application/json", "text/plain"),
    )
    assert cause.title == "errors do not have the contract's form"


def test_access_that_is_open_is_told_apart_from_a_wrong_status() -> None:
    titles = {
        cause.title: ids(cause)
        for cause in grouped(
            Broken("access.key-required", "access/no-key#1", "401 or 403", "status 200 with the body '{}'"),
            Broken("access.key-exact", "access/changed-key#1", "401 or 403", "status 200 with the body '{}'"),
            Broken("access.status", "access/wrong-key#1", "status 401", "status 400 with the body '{}'"),
            Broken("access.before-validation", "access/empty#1", "401 or 403", "status 500"),
        )
    }
    assert titles == {
        "requests without a valid key are served": ["access.key-required", "access.key-exact"],
        "requests without a valid key are not refused with 401": ["access.status", "access.before-validation"],
    }


def test_a_valid_request_that_is_served_wrong_stands_under_what_is_wrong_with_the_answer() -> None:
    (cause,) = grouped(
        Broken("request.temperature.type", STREAM, "a completion for valid values", "status 200 with the body 'x'"),
        Broken("stream.media-type", STREAM, "text/event-stream", "no Content-Type"),
    )
    assert ids(cause) == ["stream.media-type", "request.temperature.type"]
    assert cause.fixed_by.id == "stream.media-type"
    assert cause.fix.startswith("Set `text/event-stream`")


def test_leniency_is_last_and_what_is_blocked_counts_for_the_order() -> None:
    served = "status 200 with the body '{}'"
    made = grouped(
        *(Broken(f"request.field-{n}.type", f"x/enforced/{n}#1", "a refusal", served, leniency=True) for n in range(9)),
        Broken("completion.choices", PLAIN, "1 choice", "2 choices"),
        Broken("stream.done-once", STREAM, "[DONE]", "none"),
        Broken("stream.role-first", STREAM, "a role", "no role", level=Level.SHOULD),
        blocked={"stream.done-last": "stream.done-once"},
    )
    assert [cause.fixed_by.id for cause in made] == [
        "stream.done-once",
        "completion.choices",
        "stream.role-first",
        "request.field-0.type",
    ]
    assert [row.id for row in made[0].blocked] == ["stream.done-last"]
    assert made[-1].title == "values that the schema forbids are served"
    assert made[-1].leniency


def test_each_broken_row_is_in_one_cause() -> None:
    results = sample.sample_results()
    rows = [row.id for cause in causes(results) for row in cause.rows]
    assert sorted(rows) == sorted(row.id for row in results.with_outcome(Outcome.FAILED, Outcome.WARNING))

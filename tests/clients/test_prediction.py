"""The lab's table of faults and clients predicts who breaks on a run, by the requirements that its answers break."""

from __future__ import annotations

from client_samples import completion, scenario, stream

from conformance.clients.prediction import FaultRow, FaultTable, predicted

ROLE, USAGE = "stream.role-first", "stream.usage-when-asked"
TABLE = FaultTable(
    {"alpha": "1", "beta": "1"},
    (
        FaultRow("one", (ROLE,), ("stream", "stream-usage"), {"alpha": ("stream",)}),
        FaultRow("two", (ROLE, USAGE), ("stream",), {"alpha": ("stream",), "beta": ("stream",)}),
        FaultRow("three", (ROLE,), ("stream",), {"alpha": ("stream",)}),
        FaultRow("four", (ROLE,), ("stream",), {}),
        FaultRow("elsewhere", (ROLE,), ("completion",), {"beta": ("completion",)}),
    ),
)


def of(*scenarios: object) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(one.client, one.kind, one.requirements) for one in predicted(scenarios, TABLE)]  # type: ignore[arg-type]


def test_a_client_is_predicted_to_break_where_most_faults_with_this_finding_break_it() -> None:
    assert of(scenario("stream", stream(), ROLE)) == [("alpha", "stream", (ROLE,))]


def test_what_breaks_a_client_in_one_kind_of_answer_says_nothing_of_others() -> None:
    assert of(scenario("stream-usage", stream(), ROLE)) == []
    assert of(scenario("completion", completion(), ROLE)) == [("beta", "completion", (ROLE,))]


def test_an_answer_without_findings_breaks_nobody() -> None:
    assert of(scenario("stream", stream())) == []


RESET = "transport.body-complete"
TOGETHER = FaultTable(
    {"alpha": "1"},
    (
        FaultRow("plain", (ROLE,), ("stream",), {}),
        FaultRow("by reset", (ROLE, RESET), ("stream",), {"alpha": ("stream",)}),
        FaultRow("and by reset", (ROLE, RESET), ("stream",), {"alpha": ("stream",)}),
    ),
)


def test_a_fault_that_also_breaks_what_the_run_keeps_says_nothing_where_another_can_be_asked() -> None:
    assert predicted([scenario("stream", stream(), ROLE)], TOGETHER, {RESET}) == ()
    assert len(predicted([scenario("stream", stream(), ROLE)], TOGETHER)) == 1


def test_where_every_fault_breaks_what_the_run_keeps_all_are_asked() -> None:
    alone = FaultTable({"alpha": "1"}, TOGETHER.rows[1:])
    assert len(predicted([scenario("stream", stream(), ROLE)], alone, {RESET})) == 1


def test_half_of_the_faults_are_not_most_of_them() -> None:
    half = FaultTable({"alpha": "1"}, (FaultRow("none", (ROLE,), ("stream",), {}), TOGETHER.rows[1]))
    assert predicted([scenario("stream", stream(), ROLE)], half) == ()

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

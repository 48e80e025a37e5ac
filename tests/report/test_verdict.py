"""The verdict on a run follows from its outcomes by the rules, and says why."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.contract.model import Level
from conformance.report import decide
from conformance.suite.outcome import Outcome, Verdict


@dataclass(frozen=True)
class Row:
    id: str
    level: Level
    outcome: Outcome
    messages: tuple[str, ...] = ()
    blocked_by: str | None = None
    leniency: bool = False
    lacks: str | None = None


def rows(*short: str) -> list[Row]:
    return [
        Row(f"stream.row-{number}", Level(level), Outcome(outcome))
        for number, (level, outcome) in enumerate(text.split() for text in short)
    ]


@pytest.mark.parametrize(
    ("outcomes", "strict", "verdict", "reason"),
    [
        (["MUST passed", "SHOULD passed"], False, "conformant", "The one MUST requirement that applies passed."),
        (["MUST passed", "MUST passed"], False, "conformant", "All 2 MUST requirements that apply passed."),
        (["MUST failed", "MUST passed"], False, "nonconformant", "1 MUST requirement failed: stream.row-0."),
        (["MUST failed", "MUST untested"], False, "nonconformant", "1 MUST requirement failed: stream.row-0."),
        (["MUST passed", "MUST waived"], False, "conformant", "is broken and waived: stream.row-1."),
        (["MUST passed", "MUST skipped"], False, "conformant", "The one MUST requirement that applies passed."),
        (
            ["MUST passed", "MUST inconclusive"],
            False,
            "inconclusive",
            "could not be decided (no reason is known): stream.row-1.",
        ),
        (["MUST passed", "MUST untested"], False, "inconclusive", "1 MUST requirement was not tested: stream.row-1."),
        (["MUST passed", "SHOULD untested"], False, "conformant", "that applies passed."),
        (["MUST passed", "SHOULD inconclusive"], False, "conformant", "that applies passed."),
        (["MUST passed", "SHOULD warning"], False, "conformant", "that applies passed."),
        (["MUST passed", "SHOULD warning"], True, "nonconformant", "a strict run counts this as a failure."),
        (["MUST passed", "SHOULD waived"], True, "conformant", "that applies passed."),
        (["MUST passed", "SHOULD untested"], True, "conformant", "that applies passed."),
        ([], False, "inconclusive", "No requirement was judged."),
        ([], True, "inconclusive", "No requirement was judged."),
        (["SHOULD passed"], False, "inconclusive", "nothing binding was decided."),
        (["MUST skipped", "SHOULD passed"], False, "inconclusive", "so nothing was shown."),
        (["MUST waived"], False, "inconclusive", "so nothing was shown."),
    ],
)
def test_the_verdict_follows_from_the_outcomes(outcomes: list[str], strict: bool, verdict: str, reason: str) -> None:
    decided, reasons = decide(rows(*outcomes), strict=strict)
    assert decided == verdict
    assert reasons[0].endswith(reason)


def test_a_warning_is_reported_beside_a_conformant_verdict() -> None:
    _, reasons = decide(rows("MUST passed", "SHOULD warning"))
    assert reasons[1] == "1 recommendation is broken (warning): stream.row-1."


def test_an_interrupted_run_is_inconclusive_though_nothing_failed() -> None:
    verdict, reasons = decide(rows("MUST passed"), interrupted="the user stopped it")
    assert verdict is Verdict.INCONCLUSIVE
    assert reasons == ("The run did not finish: the user stopped it.",)


def test_a_restriction_is_named_as_the_reason_of_a_gap() -> None:
    assert "restricted to stream.*" in decide(rows("MUST passed", "MUST untested"), selection="stream.*")[1][0]
    assert decide([], selection="strem.*")[1] == ("No requirement was judged: nothing matches strem.*.",)


def test_a_nonconformant_verdict_shows_also_what_is_open() -> None:
    _, reasons = decide(rows("MUST failed", "MUST untested", "SHOULD warning"))
    assert [reason.split(":")[0] for reason in reasons] == [
        "1 MUST requirement failed", "1 MUST requirement was not tested", "1 recommendation is broken (warning)",
    ]  # fmt: skip


def test_many_ids_are_counted_instead_of_listed() -> None:
    _, reasons = decide(rows(*["MUST failed"] * 9))
    assert reasons[0].endswith("stream.row-3, stream.row-4 and 4 more.")


row = st.builds(Row, st.just("stream.row"), st.sampled_from(Level), st.sampled_from(Outcome))


@given(st.lists(row), st.booleans())
def test_no_run_conforms_without_a_must_that_passed_and_none_that_is_open(judged: list[Row], strict: bool) -> None:
    verdict, reasons = decide(judged, strict=strict)
    assert reasons
    if verdict is Verdict.CONFORMANT:
        musts = {row.outcome for row in judged if row.level is Level.MUST}
        assert Outcome.PASSED in musts
        assert musts <= {Outcome.PASSED, Outcome.SKIPPED, Outcome.WAIVED}

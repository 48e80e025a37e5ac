"""The runs of a history tell what has changed, which kind of change it is, and since when."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from watch_samples import FACTS, FIRST, JUDGED_BY, entry, row

from conformance.watch.drift import Drift, Kind
from conformance.watch.entry import Choice, Entry
from conformance.watch.tracker import Rules, Tracker, track

BROKEN = {"stream.done-once": row(2, 2, 5, 5), "stream.id": row()}
KEPT = {"stream.done-once": row(), "stream.id": row()}


def told(entries: Iterable[Entry]) -> list[Drift]:
    return [one for drift in track(entries, Rules())[1] for one in drift]


def test_a_requirement_that_breaks_is_told_once_with_the_verdict_and_its_days() -> None:
    found = told([*(entry(number, KEPT) for number in range(5)), *(entry(number, BROKEN) for number in range(5, 10))])
    assert [(one.kind, one.subject) for one in found] == [
        (Kind.VERDICT, "the verdict"),
        (Kind.REQUIREMENT, "stream.done-once"),
    ]
    for one in found:
        assert (one.since, one.until) == (FIRST + timedelta(days=5), FIRST + timedelta(days=4))
    assert found[0].after == "nonconformant"
    assert (found[1].before, found[1].after, found[1].worse) == ("kept", "broken", True)


def test_what_breaks_and_is_mended_is_told_both_times() -> None:
    days = [KEPT] * 6 + [BROKEN] * 8 + [KEPT] * 12
    found = told(entry(number, rows) for number, rows in enumerate(days))
    assert [(one.subject, one.after) for one in found] == [
        ("the verdict", "nonconformant"),
        ("stream.done-once", "broken"),
        ("the verdict", "conformant"),
        ("stream.done-once", "kept"),
    ]
    assert found[-1].since == FIRST + timedelta(days=14)


def test_a_share_of_the_answers_is_a_rate() -> None:
    days = [{"a.b": row(10)}] * 30 + [{"a.b": row(10, 3, 5, 2)}] * 5
    (one,) = (one for one in told(entry(number, rows) for number, rows in enumerate(days)) if one.subject == "a.b")
    assert one.kind is Kind.RATE
    assert one.after == "broken in 30 % of its answers"


def test_a_value_that_the_last_runs_did_not_have_is_a_change_of_the_fingerprint() -> None:
    newer = {**FACTS, "system_fingerprint": "fp_2"}
    (one,) = told([entry(0), entry(1), entry(2, facts=newer), entry(3, facts=newer)])
    assert (one.kind, one.before, one.after) == (Kind.FINGERPRINT, "fp_1", "fp_2")
    assert (one.since, one.until) == (FIRST + timedelta(days=2), FIRST + timedelta(days=1))


def test_instances_that_take_turns_are_told_once_and_a_restless_fact_no_more() -> None:
    def of(values: Iterable[str]) -> list[Drift]:
        return told(entry(number, facts={**FACTS, "via": value}) for number, value in enumerate(values))

    assert len(of(["a", "b"] * 6)) == 1
    assert len(of(str(number) for number in range(30))) == 2
    tracker = Tracker()
    for number in range(5):
        tracker.step(entry(number, facts={"via": str(number)}))
    assert tracker.facts.restless == ("via",)


def test_a_deployment_that_answers_nothing_has_not_lost_its_fingerprint() -> None:
    silent = entry(1, {}, facts={}, verdict="inconclusive")
    assert told([entry(0), silent, entry(2)]) == []


def test_a_fact_that_is_no_longer_given_is_told() -> None:
    (one,) = told([entry(0), entry(1, facts={"model": "acme-large", "system_fingerprint": "fp_1"})])
    assert (one.subject, one.after) == ("server", "not given")


def test_another_program_is_told_as_what_judges() -> None:
    judged_by = {**JUDGED_BY, "version of the suite": "0.2.0"}
    (one,) = told([entry(0), entry(1, judged_by=judged_by)])
    assert (one.kind, one.before, one.after) == (Kind.RELEASE, "0.1.0", "0.2.0")


def test_a_requirement_that_was_changed_itself_begins_anew() -> None:
    rewritten = {"stream.done-once": row(2, 2, 5, 5, digest="1" * 16)}
    assert told([*(entry(number) for number in range(5)), *(entry(number, rewritten) for number in (5, 6))]) == []


def test_a_verdict_without_a_confirmed_requirement_is_told_after_several_runs() -> None:
    days = [
        entry(0, {"a.b": row()}),
        *(entry(number, {"a.b": row()}, verdict="nonconformant") for number in range(1, 7)),
    ]
    (one,) = told(days)
    assert (one.kind, one.since) == (Kind.VERDICT, FIRST + timedelta(days=1))
    assert one.told == FIRST + timedelta(days=5)


def test_parts_and_tiers_are_followed_apart() -> None:
    part = Choice("standard", ("a.b",), 1, 3)
    days = [entry(number, {"a.b": row()}) for number in range(6)]
    days += [entry(6, {"a.b": row(4, 4, 5, 5)}, choice=part, verdict="nonconformant")]
    assert told(days) == [], "the first run of the standard tier has nothing before it"


def test_a_mistake_that_is_not_confirmed_is_suspected_by_name() -> None:
    tracker, changes = track([entry(0), entry(1), entry(2, {"stream.done-once": row(2, 1, 5, 0)})], Rules())
    assert changes[-1] == ()
    assert tracker.suspected == ("stream.done-once",)


def test_what_a_target_says_of_itself_stays_on_one_line() -> None:
    (one,) = told([entry(0), entry(1, facts={**FACTS, "server": "x\n\x1b[31m@everyone"})])
    assert "\n" not in one.sentence
    assert "\x1b" not in one.sentence

"""`verify` makes the plan again: a bundle in which a probe is missing, cheaper or another one's is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from certification import at, command, refused, verify
from forging import Lines, forged, without
from repacked_bundles import EVIDENCE, contents

from conformance.bundle import BundleError
from conformance.bundle.completeness import check_plan, every_probe
from conformance.bundle.planned_requests import PlannedRequests
from conformance.evidence import Evidence, read_evidence
from conformance.lab.targets import contract_of, targets_of
from conformance.probes import plan
from conformance.probes.delivery import DELIVERY, NOT_NEEDED
from conformance.reference import EmbeddedReference
from conformance.running.opening import open_run
from conformance.running.planned_again import PlannedAgain, planned_again
from conformance.running.pytest_session import collect
from conformance.running.run import Run, RunSettings
from conformance.targets import Target

pytestmark = pytest.mark.network


@pytest.fixture(scope="module")
def standard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of a whole run of the standard tier."""
    folder = tmp_path_factory.mktemp("standard")
    status, said = command("run", "openai", "--out", folder / "out", "--bundle", folder / "run.zip")
    assert status == 0, said
    return folder / "run.zip"


@dataclass
class Derived:
    """A run whose plan was made again once, for many changes to its evidence."""

    run: Run
    again: PlannedAgain
    lines: Lines

    def refusal(self, change: Callable[[Lines], object], folder: Path) -> str | None:
        """Why evidence whose lines were changed is refused, by its plan, its exchanges or its requests."""
        lines = json.loads(json.dumps(self.lines))
        change(lines)
        lines[-1]["count"] = sum("request" in line for line in lines)
        (folder / "exchanges.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
        return self.refusal_of(read_evidence(folder))

    @property
    def evidence(self) -> Evidence:
        assert self.run.recorded is not None
        return self.run.recorded

    def refusal_of(self, evidence: Evidence) -> str | None:
        """Why this evidence is refused, which nobody need write and read for each of hundreds of changes."""
        run = replace(self.run, recorded=evidence)
        try:
            check_plan(run, self.again)
            probes = every_probe(run, self.again)
            PlannedRequests(run.contract, self.again.target).check(evidence.exchanges, probes, self.again.asked)
        except BundleError as error:
            return str(error)
        return None


@pytest.fixture(scope="module")
def derived(standard: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Derived]:
    folder = tmp_path_factory.mktemp("evidence")
    content = contents(standard)[EVIDENCE]
    (folder / "exchanges.jsonl").write_bytes(content)
    with open_run(RunSettings("openai", replay=folder), {}) as run:
        collected, _ = collect(run)
        yield Derived(run, planned_again(run, collected.needs), [json.loads(line) for line in content.splitlines()])


# --- every probe ---------------------------------------------------------------------------------------------------


def test_what_nobody_changed_is_what_follows(derived: Derived, tmp_path: Path) -> None:
    assert derived.refusal(lambda _: None, tmp_path) is None
    assert derived.refusal_of(derived.evidence) is None


def test_each_probe_left_out_singly_is_missed(derived: Derived) -> None:
    evidence = derived.evidence
    planned = evidence.header["probes"]
    assert len(planned) > 90
    for name in [one["name"] for one in planned]:
        others = [one for one in planned if one["name"] != name]
        left = tuple(one for one in evidence.exchanges if one.probe != name)
        assert derived.refusal_of(replace(evidence, header={**evidence.header, "probes": others}, exchanges=left)) == (
            f"the plan lacks the probe {name}, which this profile and tier demand."
        )


def sent_in(evidence: Evidence) -> list[str]:
    """The names of the probes that were sent: others decided what some would show."""
    return [one["name"] for one in evidence.header["probes"] if one["name"] not in evidence.unsent]


def test_each_exchange_left_out_singly_is_missed(derived: Derived) -> None:
    evidence = derived.evidence
    for name in sent_in(evidence):
        left = tuple(one for one in evidence.exchanges if one.probe != name)
        assert derived.refusal_of(replace(evidence, exchanges=left)) == (
            f"the exchange of the probe {name} is missing from the evidence."
        )


def test_each_exchange_swapped_for_that_of_the_smallest_request_is_seen(derived: Derived) -> None:
    evidence = derived.evidence
    by_probe = {one.probe: one for one in reversed(evidence.exchanges)}
    smallest = by_probe["completion/plain"]
    alike = {"robustness/health"}  # the same request, at another time
    for name in sent_in(evidence):
        own = by_probe[name]
        if own.request == smallest.request or name in alike:
            continue
        other = replace(smallest, id=own.id, probe=own.probe)
        swapped = tuple(other if one.id == own.id else one for one in evidence.exchanges)
        problem = derived.refusal_of(replace(evidence, exchanges=swapped))
        assert problem is not None, name
        # What was drawn and is served is narrowed, so that smaller requests are missed first.
        narrowed = name.startswith("drawn/") and problem.endswith("is missing from the evidence.")
        # With another answer in its place, what it made needless would have been sent.
        is_due = problem.endswith(tuple(NOT_NEEDED))
        # And what a busy machine had sent, since no stream came quickly, would not have been.
        is_needless = problem.startswith(f"the exchange {DELIVERY}") and problem.endswith("was not planned.")
        own_request = problem.startswith(f"the request of the exchange {own.id} is not that of its probe: ")
        assert narrowed or is_due or is_needless or own_request, problem


# --- one of each kind ----------------------------------------------------------------------------------------------


def on_request(name: str, **parts: Any) -> Callable[[Lines], None]:
    def change(lines: Lines) -> None:
        next(line for line in lines if line.get("probe") == name)["request"] |= parts

    return change


def in_request(name: str, part: str, old: str, new: str) -> Callable[[Lines], None]:
    def change(lines: Lines) -> None:
        request = next(line for line in lines if line.get("probe") == name)["request"]
        assert old in json.dumps(request[part])
        request[part] = json.loads(json.dumps(request[part]).replace(old, new))

    return change


def masked(name: str) -> Callable[[Lines], None]:
    def change(lines: Lines) -> None:
        line = next(line for line in lines if line.get("probe") == name)
        line["request"]["body"] = "*" * len(line["request"]["body"].encode())
        line["redactions"].append(["api-key", "plain", "request"])

    return change


def masked_in(name: str, text: str) -> Callable[[Lines], None]:
    def change(lines: Lines) -> None:
        line = next(line for line in lines if line.get("probe") == name)
        line["request"]["body"] = line["request"]["body"].replace(text, "*" * len(text))
        line["redactions"].append(["api-key", "plain", "request"])

    return change


def not_sent(lines: Lines) -> None:
    """A probe that was not sent because of something that the target is said to lack."""
    lines[1:] = [line for line in lines[1:] if line.get("probe") != "stream/plain"]
    lines[-1]["unsent"]["stream/plain"] = "the target lacks streaming"


def attempts(lines: Lines) -> None:
    """A first attempt that failed, and a second one that did not."""
    place = next(number for number, line in enumerate(lines) if line.get("probe") == "stream/plain")
    again = {**lines[place], "id": "stream/plain#2", "attempt": 2}
    lines[place] = {**lines[place], "last": False}
    lines.insert(place + 1, again)


def twice_last(lines: Lines) -> None:
    attempts(lines)
    next(line for line in lines if line.get("id") == "stream/plain#1")["last"] = True


CHANGES: dict[str, tuple[Callable[[Lines], object], str]] = {
    "another method": (on_request("completion/plain", method="GET"), "its method is 'GET', and POST was planned"),
    "another host": (on_request("completion/plain", url="http://other/v1/chat/completions"), "its URL is "),
    "a header less": (in_request("completion/plain", "headers", "Accept-Encoding", "Accept"), "its header is not"),
    "a key where none was planned": (
        in_request("access/no-key", "headers", "User-Agent", "Authorization"),
        "its header is not the planned one",
    ),
    "a body of masks": (masked("stream/plain"), "more is masked in the requests of the evidence than a key"),
    "a mask on a number": (masked_in("completion/plain", ":16"), "shows what is masked in another"),
    "another way to write": (on_request("completion/plain", steps=[["head", 0]]), "it was not written in the planned"),
    "a second attempt for no reason": (attempts, "the exchange stream/plain#1 decides, but the probe was sent again."),
    "two last attempts": (twice_last, "the evidence does not say which attempt at the probe stream/plain is the last."),
    "an intent": (lambda lines: lines[0]["probes"][5].update(intent="either"), "the plan has another probe "),
    "a plan in another order": (lambda lines: lines[0]["probes"].reverse(), "the plan has its probes in another order"),
    "a probe twice": (
        lambda lines: lines[0]["probes"].append(lines[0]["probes"][0]),
        "the plan has its probes in another order, or one of them twice.",
    ),
    "a probe of nobody": (
        lambda lines: lines[0]["probes"].append({"name": "x\n::error::", "about": "", "intent": "either"}),
        'the plan has the probe x\\n::error::, which this profile and tier do not have.',
    ),
    "a probe that was not sent": (
        not_sent,
        "1 probes were not sent, among them stream/plain: the target lacks streaming",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_that_makes_the_run_easier_is_seen(name: str, derived: Derived, tmp_path: Path) -> None:
    change, problem = CHANGES[name]
    found = derived.refusal(change, tmp_path)
    assert found is not None
    assert problem in found


def test_a_cheaper_body_is_seen(derived: Derived, tmp_path: Path) -> None:
    def change(lines: Lines) -> None:
        request = next(line for line in lines if line.get("probe") == "completion/plain")["request"]
        assert ":16" in request["body"]
        request["body"] = request["body"].replace(":16", ":15")

    found = derived.refusal(change, tmp_path)
    assert found is not None
    assert found.endswith("its body is not the planned one.")


# --- through the command line, with all else made to fit ------------------------------------------------------------


def test_what_is_judged_and_packed_anew_without_a_change_holds(standard: Path, tmp_path: Path) -> None:
    status, said = verify(forged(standard, tmp_path / "b.zip"))
    assert status == 0, said


@pytest.mark.parametrize("name", ["completion/plain", "stream/plain", "access/wrong-key"])
def test_a_forger_with_the_suite_cannot_leave_a_probe_out(name: str, standard: Path, tmp_path: Path) -> None:
    assert "the plan lacks the probe " in refused(verify(forged(standard, tmp_path / "b.zip", without(name))))


def refuses_streams(lines: Lines) -> None:
    """Claims that the target refuses streaming, as its first line would then say."""
    lines[0]["target"]["dialect"]["refused"] = ["streaming"]


def test_a_capability_that_no_answer_refuses_is_not_lacking(standard: Path, tmp_path: Path) -> None:
    said = refused(verify(forged(standard, tmp_path / "b.zip", refuses_streams)))
    assert said.startswith("the evidence does not show that the target takes requests as its first line says")


# --- deployments that take less ------------------------------------------------------------------------------------


def run_of(fault_id: str, folder: Path, *options: object) -> tuple[Path, str]:
    fault = next(one for one in targets_of("openai") if one.id == fault_id)
    deployment = EmbeddedReference("openai", hooks=fault.hooks, contract=contract_of("openai"))
    arguments = ("--tier", "smoke", *options, "--out", folder / "out", "--bundle", folder / "run.zip")
    _, said = at(deployment, "openai", *arguments)
    return folder / "run.zip", said


def test_plans_are_the_same_for_targets_that_are_declared_alike() -> None:
    contract = contract_of("openai")
    one = plan(contract, Target("http://a", model="m"), ["*"], contract.requirements[0].tier)
    other = plan(contract, Target("http://b", api_key="x", model="m"), ["*"], contract.requirements[0].tier)
    assert one == other

"""`verify` says what a bundle shows and what it does not, refuses less than is demanded, and prints what cannot act."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from certification import Keys, Said, at, refused, verify
from forging import Lines, forged
from repacked_bundles import careful, contents, in_json

from conformance.bundle import fingerprint, public_key
from conformance.bundle.answer import answer
from conformance.bundle.scope import LeftOut
from conformance.lab.targets import contract_of, targets_of
from conformance.reference import EmbeddedReference
from conformance.report import read_results
from conformance.suite.outcome import Waiver

pytestmark = pytest.mark.network

WAIVERS = (Waiver("*", "we are\n::error::\x1b[2J fine", "the vendor\u202e", datetime.date(2999, 1, 1)),)


def of_fault(fault_id: str, folder: Path, *options: object) -> Path:
    """The bundle of a smoke run against the reference with a fault or a variation."""
    fault = next(one for one in targets_of("openai") if one.id == fault_id)
    deployment = EmbeddedReference("openai", hooks=fault.hooks, contract=contract_of("openai"))
    bundle = folder / "run.zip"
    at(deployment, "openai", "--tier", "smoke", *options, "--out", folder / "out", "--bundle", bundle)
    return bundle


def lines_of(said: Said) -> list[str]:
    assert said[0] == 0, said[1]
    return said[1].splitlines()


# --- what it says --------------------------------------------------------------------------------------------------


def test_it_names_what_was_run_and_what_is_not_proven(plain: Path) -> None:
    said = lines_of(verify(plain))
    assert said[1] == "Conformant: loop-health, smoke tier."
    assert any(line.startswith("Note: only the smoke tier was run, which leaves ") for line in said)
    assert "Note: the target is the reference deployment of the suite itself." in said
    assert any(
        line.startswith("Profile: loop-health ") and "scored by no release; smoke tier." in line for line in said
    )
    assert any(line.startswith("Target: http://127.0.0.1:") for line in said)
    assert any(line.startswith("Run: started 20") for line in said)
    assert "Waivers: none." in said
    assert said[-1].startswith("Not proven: that the target sent these answers")


def test_it_names_the_key_by_its_fingerprint(signed: Path, keys: Keys) -> None:
    said = lines_of(verify(signed, "--public-key", keys.public))
    assert f"Signature: it is signed by the given key (sha256 {fingerprint(public_key(keys.public))})." in said


def test_a_vendor_that_waives_itself_is_shown_to(tmp_path: Path) -> None:
    bundle = forged(of_fault("stream-end.done-missing", tmp_path), tmp_path / "forged.zip", waivers=WAIVERS)
    said = lines_of(verify(bundle))
    assert said[1].startswith("Conformant: openai, smoke tier")
    assert said[2].startswith("Note: 1 MUST requirement is broken, and waived by who made the run: stream.done-once.")
    assert r"  *: by the vendor\u202e until 2999-01-01, because: we are\n::error::\x1b[2J fine" in said
    assert refused(verify(bundle, "--no-waivers")) == "it does not meet --no-waivers: it was judged with 1 waiver."


def test_what_the_target_refused_is_told_from_what_was_declared(tmp_path: Path) -> None:
    bundle = of_fault("dialect.no-streams", tmp_path, "--without", "seed")
    line = next(line for line in verify(bundle)[1].splitlines() if line.startswith("Left out: "))
    assert "seed (the operator declared that the target lacks it)" in line
    assert "streaming (the target refused it in its answers)" in line
    assert refused(verify(bundle, "--require-all")) == "it does not meet --require-all: it leaves out seed."


@pytest.mark.parametrize(
    "variation",
    ["dialect.max-completion-tokens", "dialect.least-limit", "dialect.thinking", "dialect.one-at-a-time",
     "dialect.fields-refused", "dialect.no-streams"],
)  # fmt: skip
def test_a_deployment_with_a_dialect_of_its_own_can_be_certified(variation: str, tmp_path: Path) -> None:
    said = verify(of_fault(variation, tmp_path), "--require-all", "--no-waivers", "--require-tier", "smoke")
    assert said[0] == 0, said[1]


# --- what is demanded ----------------------------------------------------------------------------------------------


def test_what_is_met_is_not_refused(plain: Path) -> None:
    url = json.loads(contents(plain)["results.json"])["target"]["base_url"]
    options = ("--require-tier", "smoke", "--no-waivers", "--require-all", "--target", f"{url}/")
    status, said = verify(plain, *options, "--not-before", "2024-01-01", "--not-after", "2999-12-31")
    assert status == 0, said


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--require-tier", "standard"), "--require-tier standard: it shows a run of the smoke tier only."),
        (("--target", "https://api.vendor.example/v1"), "it shows a run against http://127.0.0.1:"),
        (("--not-before", "2999-01-01"), "--not-before 2999-01-01: the run started at 20"),
        (("--not-after", "2025-01-01"), "--not-after 2025-01-01: the run started at 20"),
    ],
)
def test_what_is_not_met_is_refused_in_a_sentence(options: tuple[str, ...], problem: str, plain: Path) -> None:
    said = refused(verify(plain, *options))
    assert said.startswith("it does not meet --")
    assert problem in said


@pytest.mark.parametrize("day", ["yesterday", "2026-02-30", "2026-11-29T00:00:00Z", "29.11.2026"])
def test_a_day_that_is_none_is_wrong_usage(day: str, plain: Path) -> None:
    status, said = verify(plain, "--not-before", day)
    assert status == 2
    assert said.startswith(f"chat-conformance: --not-before {day} is not a day; give one like ")


# --- times that cannot be ------------------------------------------------------------------------------------------


def later(seconds: float) -> Callable[[Lines], None]:
    """Moves the start of an exchange."""

    def change(lines: Lines) -> None:
        began = datetime.datetime.fromisoformat(lines[3]["started"]) + datetime.timedelta(seconds=seconds)
        lines[3]["started"] = began.isoformat()

    return change


def read_at(head: float, body: float) -> Callable[[Lines], None]:
    """Gives the head of an answer, and what followed it, these times."""

    def change(lines: Lines) -> None:
        answer = next(line["answer"] for line in lines if line.get("answer") and line["answer"]["reads"])
        answer["headers_at"], answer["reads"][0][0] = head, body

    return change


def started(text: str) -> Callable[[Lines], None]:
    return lambda lines: lines[0].update(started=text)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (later(3600), "ended after the run."),
        (later(-3600), "began before the run."),
        (read_at(-1.0, 0.1), "has a time before that of what came before it."),
        (read_at(9.0, 8.0), "has a time before that of what came before it."),
        (read_at(0.1, 9.0), "ended before its answer did."),
        (lambda lines: lines[3]["ending"].update(at=-1), "cannot have ended -1 s after it began."),
        (lambda lines: lines[3]["ending"].update(at=1e300), "cannot have ended 1e+300 s after it began."),
    ],
)
def test_a_time_that_cannot_be_is_refused(
    change: Callable[[Lines], object], problem: str, plain: Path, tmp_path: Path
) -> None:
    assert problem in refused(verify(forged(plain, tmp_path / "b.zip", change, judging=False)))


@pytest.mark.parametrize(
    ("moment", "problem"),
    [
        ("2199-01-01T00:00:00+00:00", "which is still to come."),
        ("1999-01-01T00:00:00+00:00", "the run cannot have started at"),
    ],
)
def test_a_run_of_another_age_is_refused(moment: str, problem: str, plain: Path, tmp_path: Path) -> None:
    bundle = forged(plain, tmp_path / "b.zip", started(moment), started=moment)
    assert problem in refused(verify(bundle))


def test_a_run_longer_than_since_it_started_is_refused(plain: Path, tmp_path: Path) -> None:
    bundle = careful(plain, tmp_path / "b.zip", {"results.json": in_json(lambda one: one.update(duration_s=9e9))})
    assert "longer than since it started" in refused(verify(bundle))


# --- reports -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["compliance.html", "junit.xml", "ctrf.json", "results.sarif", "exchanges.har", "badge.json", "badge.svg"]
)
@pytest.mark.parametrize("share", [1.0, 0.01])
def test_no_byte_of_a_report_may_be_a_mask(name: str, share: float, plain: Path, tmp_path: Path) -> None:
    def masked(content: bytes) -> bytes:
        kept = len(content) - max(1, int(len(content) * share))
        return content[:kept] + b"*" * (len(content) - kept)

    said = refused(verify(careful(plain, tmp_path / "b.zip", {name: masked})))
    assert said == f"{name} is not the report that results and evidence make; it was changed."


# --- what is printed -----------------------------------------------------------------------------------------------

ACTING = (
    "http://host/v1\nSignature: it is signed by the given key.\r\n::error::owned\x1b[2J\x9b2J\u202e\u2028##[error]x"
)


def nothing_acts(printed: str) -> None:
    assert not any(character in printed for character in "\r\x1b\x9b\u202e\u2028\u2029\x85")
    assert "##[" not in printed
    for line in printed.split("\n"):
        assert not line.lstrip().startswith("::")
        assert not line.startswith("Signature: it is signed by the given key.\\")


def test_a_record_cannot_print_lines_of_its_own(plain: Path, tmp_path: Path) -> None:
    def change(results: dict[str, Any]) -> None:
        results["target"].update(base_url=ACTING, model=ACTING)
        results["profile"].update(version=ACTING)

    (tmp_path / "results.json").write_bytes(in_json(change)(contents(plain)["results.json"]))
    results = read_results(tmp_path / "results.json")
    left = [LeftOut(ACTING, ACTING)]
    said = answer(ACTING, results, left, ACTING)
    nothing_acts("\n".join(said))
    assert sum(line.startswith("Signature: ") for line in said) == 1


@pytest.mark.parametrize(
    ("member", "change"),
    [
        ("results.json", in_json(lambda one: one.update(interrupted=ACTING))),
        ("results.json", in_json(lambda one: one.update(selection=ACTING))),
        ("results.json", in_json(lambda one: one["profile"].update(name=ACTING))),
        ("results.json", in_json(lambda one: one.update(tier=ACTING))),
        ("manifest.json", in_json(lambda one: one["suite"].update(version=ACTING))),
        ("contract/requirements.json", in_json(lambda one: one.update(document=ACTING.replace("/", "")))),
    ],
)
def test_a_refusal_is_one_line_whatever_it_quotes(
    member: str, change: Callable[[bytes], bytes], plain: Path, tmp_path: Path
) -> None:
    status, said = verify(careful(plain, tmp_path / "b.zip", {member: change}))
    assert status == 1
    assert said.count("\n") == 1
    nothing_acts(said)

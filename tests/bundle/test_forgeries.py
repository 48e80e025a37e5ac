"""`verify` names whatever was done to a bundle, by a forger who is careless or one who makes all of it fit."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from certification import Keys, make_keys, refused, verify
from repacked_bundles import EVIDENCE, careful, careless, contents, in_json, in_lines, packed

import conformance
from conformance.bundle import verified_payload

pytestmark = pytest.mark.network

# --- what does not hold, by a forger who changes one thing ---------------------------------------------------------


def one_byte(content: bytes) -> bytes:
    at = content.index(b'"finish_reason\\":') if b'"finish_reason\\":' in content else len(content) // 2
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def test_one_byte_of_evidence(plain: Path, tmp_path: Path) -> None:
    problem = refused(verify(careless(plain, tmp_path / "b.zip", EVIDENCE, one_byte)))
    assert problem.startswith(f"{EVIDENCE} was changed, or its line in manifest.json")


def test_an_exchange_removed(plain: Path, tmp_path: Path) -> None:
    gone = careless(plain, tmp_path / "b.zip", EVIDENCE, in_lines(lambda lines: lines.pop(3)))
    assert refused(verify(gone)).startswith(f"{EVIDENCE} was changed: it is ")


def test_an_outcome_edited(plain: Path, tmp_path: Path) -> None:
    edited = careless(plain, tmp_path / "b.zip", "results.json", lambda text: text.replace(b'"passed"', b'"failed"', 1))
    assert refused(verify(edited)).startswith("results.json was changed")


@pytest.mark.parametrize("name", ["compliance.html", "junit.xml", "contract/requirements.json", "exchanges.har"])
def test_any_other_file_edited(plain: Path, tmp_path: Path, name: str) -> None:
    assert refused(verify(careless(plain, tmp_path / "b.zip", name, one_byte))).startswith(f"{name} was changed")


def test_a_manifest_line_edited(plain: Path, tmp_path: Path) -> None:
    def edit(manifest: dict[str, Any]) -> None:
        row = next(row for row in manifest["files"] if row["path"] == EVIDENCE)
        row["sha256"] = "0" * 64

    problem = refused(verify(careless(plain, tmp_path / "b.zip", "manifest.json", in_json(edit))))
    assert problem.startswith(f"{EVIDENCE} was changed, or its line in manifest.json")


def test_a_manifest_written_in_other_words(plain: Path, tmp_path: Path) -> None:
    problem = refused(verify(careless(plain, tmp_path / "b.zip", "manifest.json", in_json(lambda _: None))))
    assert problem == "the statement is about a different manifest.json than the one in the archive."


def test_the_wrong_key(signed: Path, tmp_path: Path) -> None:
    other = make_keys(tmp_path, "other")
    assert refused(verify(signed, "--public-key", other.public)).startswith("the signature is not by this key")


def test_a_statement_edited_inside_its_envelope(signed: Path, keys: Keys, tmp_path: Path) -> None:
    def edit(envelope: dict[str, Any]) -> None:
        payload = base64.b64decode(envelope["payload"]).replace(b"PASSED", b"FAILED")
        envelope["payload"] = base64.b64encode(payload).decode()

    bent = careless(signed, tmp_path / "b.zip", "statement.dsse.json", in_json(edit))
    assert refused(verify(bent, "--public-key", keys.public)).startswith("the signature is not by this key")
    assert refused(verify(bent)) == "the statement does not agree with results.json: predicate differs."


def test_a_signature_taken_off(signed: Path, keys: Keys, tmp_path: Path) -> None:
    files = contents(signed)
    payload = verified_payload(files.pop("statement.dsse.json").decode(), None)
    bare = packed({**files, "statement.json": payload.encode()}, tmp_path / "b.zip")
    assert verify(bare)[0] == 0
    assert refused(verify(bare, "--public-key", keys.public)) == (
        "it is not signed, but --public-key asks for a signature."
    )


# --- by a forger who makes manifest and statement fit --------------------------------------------------------------


def edit_outcome(results: dict[str, Any]) -> None:
    """Whitewash or blacken one requirement, with the figures that follow."""
    row = next(row for row in results["requirements"] if row["id"] == "stream.done-once")
    row["outcome"] = "skipped"
    for counts in (
        results["counts"]["total"], results["counts"]["levels"][row["level"]], results["counts"]["sections"]["stream"]
    ):  # fmt: skip
        counts["passed"] -= 1
        counts["skipped"] = counts.get("skipped", 0) + 1


def passed_fewer(statement: dict[str, Any]) -> None:
    statement["predicate"]["passedTests"].remove("stream.done-once")


def last_answer_cut(lines: list[dict[str, Any]]) -> None:
    answer = next(line["answer"] for line in lines if line.get("probe") == "stream/plain")
    answer["body"] = answer["body"].replace("data: [DONE]", "data: [DONO]")


CHANGES: Mapping[str, tuple[Mapping[str, Callable[[bytes], bytes]], str]] = {
    "an outcome": (
        {"results.json": in_json(edit_outcome), "statement.json": in_json(passed_fewer)},
        "stream.done-once: results.json says skipped, and judging the evidence again gives passed.",
    ),
    "an outcome, but not the statement": (
        {"results.json": in_json(edit_outcome)},
        "the statement does not agree with results.json: predicate differs.",
    ),
    "a byte of an answer": (
        {EVIDENCE: in_lines(last_answer_cut)},
        "stream.json: results.json says passed, and judging the evidence again gives warning.",
    ),
    "an exchange removed": (
        {EVIDENCE: in_lines(lambda lines: lines.remove(next(x for x in lines if x.get("probe") == "stream/plain")))},
        "the exchange of the probe stream/plain is missing from the evidence.",
    ),
    "an exchange twice": (
        {EVIDENCE: in_lines(lambda lines: lines.insert(2, lines[1]))},
        "the evidence is broken: evidence/exchanges.jsonl:3: the exchange ",
    ),
    "an exchange of no probe": (
        {EVIDENCE: in_lines(lambda lines: lines.insert(2, {**lines[1], "id": "x#1", "probe": "x"}))},
        "the exchange x#1 is of a probe that was not planned.",
    ),
    "the end of the evidence": (
        {EVIDENCE: lambda content: content[: content.rindex(b"\n", 0, -1) + 1]},
        "the evidence is incomplete: the run did not finish.",
    ),
    "half a line": ({EVIDENCE: lambda content: content[:-200]}, "the evidence is incomplete"),
    "garbage in the evidence": ({EVIDENCE: lambda content: b"\xff\n" + content}, "the evidence is broken: "),
    "another reason": (
        {"results.json": in_json(lambda results: results.update(reasons=["All is well."]))},
        "results.json says reasons ",
    ),
    "another profile's digest": (
        {"results.json": in_json(lambda results: results["profile"].update(sha256="0" * 64))},
        "the statement does not agree with results.json: predicate differs.",
    ),
    "another document": (
        {"contract/loop-health.openapi.yaml": lambda content: content + b"\n"},
        "contract/loop-health.openapi.yaml is not the document that results.json names by its digest.",
    ),
    "a requirement less": (
        {"contract/requirements.json": in_json(lambda one: one["requirements"].pop("stream.done-once"))},
        "contract/requirements.json does not list what this installation requires of loop-health",
    ),
    "a document elsewhere": (
        {"contract/requirements.json": in_json(lambda one: one.update(document="../../etc/passwd"))},
        "contract/requirements.json names a document outside the bundle.",
    ),
    "a page": (
        {"compliance.html": lambda content: content.replace(b"Conformant", b"Conformant!", 1)},
        "compliance.html is not the report that results and evidence make; it was changed.",
    ),
    "a figure of a page": (
        {"compliance.html": lambda content: content.replace(b"passed</span>", b"failed</span>", 1)},
        "compliance.html is not the report that results and evidence make; it was changed.",
    ),
    "a badge": (
        {"badge.svg": lambda content: content.replace(b"MUST", b"ALL ")},
        "badge.svg is not the report that results and evidence make; it was changed.",
    ),
    "a report for programs": (
        {"junit.xml": lambda content: content.replace(b'failures="0"', b'failures="1"', 1)},
        "junit.xml is not the report that results and evidence make; it was changed.",
    ),
    "results that are no record": (
        {"results.json": lambda _: b"[]"},
        "results.json cannot be used: results.json: /: ",
    ),
    "a selection": (
        {"results.json": in_json(lambda results: results.update(selection="stream.*"))},
        "the run was restricted to stream.*; a part of the contract does not show the whole.",
    ),
    "an interruption": (
        {"results.json": in_json(lambda results: results.update(interrupted="it was interrupted"))},
        "the run did not finish (it was interrupted)",
    ),
    "a filter in the evidence": (
        {EVIDENCE: in_lines(lambda lines: lines[0].update(only=["stream.*"]))},
        "the evidence is of a restricted run",
    ),
    "a probe that was not sent": (
        {EVIDENCE: in_lines(lambda lines: lines[-1].update(unsent={"stream/plain": "the budget ran out"}))},
        "1 probes were not sent, among them stream/plain: the budget ran out",
    ),
    "evidence of another run": (
        {EVIDENCE: in_lines(lambda lines: lines[0].update(started="2026-01-01T00:00:00+00:00"))},
        "evidence and results are not of the same run: the start is 2026-01-01T00:00:00+00:00 and ",
    ),
    "another version": (
        {"manifest.json": in_json(lambda manifest: manifest["suite"].update(version="99.0"))},
        f"it was made by chat-conformance 99.0, and this is {conformance.__version__}.",
    ),
    "a newer manifest": (
        {"manifest.json": in_json(lambda manifest: manifest.update(format=2))},
        "manifest.json does not follow specs/bundle.schema.json",
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_forgery_that_fits_in_itself(plain: Path, tmp_path: Path, change: str) -> None:
    changes, problem = CHANGES[change]
    assert refused(verify(careful(plain, tmp_path / "b.zip", changes))).startswith(problem)

"""A soak by its command: what one stream in five does is found with its interval, and the evidence shows it again."""

from __future__ import annotations

import gc
import json
import weakref
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from certification import command
from soak_samples import soak_mixture, soak_run

from conformance.contract import load_contract
from conformance.evidence import Redactor, read_evidence
from conformance.probes.canaries import numbered_word
from conformance.reference import EmbeddedReference
from conformance.reference.faults import composed
from conformance.shipped import specs_directory
from conformance.soak.judging import AnswerJudge
from conformance.soak.mixture import Mixture
from conformance.wire.exchange import EndKind, Read

pytest.importorskip("scipy")
pytest.importorskip("hdrh")
pytestmark = [pytest.mark.network, pytest.mark.slow]
REQUESTS = 80


@dataclass(frozen=True)
class Soak:
    folder: Path
    status: int
    printed: str
    key: str

    @property
    def record(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "soak.json").read_text())
        return found

    def told(self, exchange: str) -> set[str]:
        """The requirements that an exchange is a finding of."""
        rows = self.record["requirements"]
        return {row["id"] for row in rows if any(one["exchange"] == exchange for one in row["findings"])}

    def row(self, name: str) -> dict[str, Any]:
        (found,) = [one for one in self.record["requirements"] if one["id"] == name]
        assert isinstance(found, dict)
        return found


@pytest.fixture(scope="module")
def soak(tmp_path_factory: pytest.TempPathFactory) -> Soak:
    folder = tmp_path_factory.mktemp("soak") / "out"
    contract = load_contract("openai")
    hooks = composed(contract, ["stream-end.truncated@stream and success and one-in = 5"])
    with (
        EmbeddedReference("openai", hooks=hooks, contract=contract) as reference,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("CONFORMANCE_API_KEY", reference.api_key)
        patch.setenv("CONFORMANCE_MODEL", str(reference.model))
        options = ("--base-url", reference.base_url, "--users", 8, "--requests", REQUESTS, "--ramp", "0.1s")
        status, printed = command("soak", "openai", *options, "--out", folder)
    return Soak(folder, status, printed, reference.api_key)


def test_a_fault_now_and_then_is_found_with_its_interval(soak: Soak) -> None:
    assert soak.status == 1, soak.printed
    whole, done = soak.row("transport.body-complete"), soak.row("stream.done-once")
    streams = soak.record["streams"]
    assert whole["judged"] == REQUESTS
    assert done["judged"] == streams["count"]
    assert whole["broken"] == done["broken"] == streams["cut"]["broken"] > 0
    assert streams["cut"]["low"] < 1 / 5 < streams["cut"]["high"]
    assert streams["foreign"]["broken"] == 0
    assert f"streams cut: {streams['cut']['broken']} of {streams['count']}" in soak.printed


def test_every_request_is_counted_once_and_the_record_keeps_to_its_schema(soak: Soak) -> None:
    record = soak.record
    jsonschema.validate(record, json.loads((specs_directory() / "soak.schema.json").read_text(encoding="utf-8")))
    requests = record["requests"]
    assert requests["sent"] == requests["answered"] == sum(requests["by_probe"].values()) == REQUESTS
    assert record["ended"] is None
    totals = [one["count"] for one in record["times"] if one["what"] == "total"]
    assert sum(totals) == REQUESTS
    assert "stream.equivalent" in record["left_out"]


def test_no_file_has_the_key_and_the_page_shows_how_to_see_it_again(soak: Soak) -> None:
    files = {path.name: path.read_text() for path in soak.folder.rglob("*") if path.is_file()}
    assert not [name for name, text in files.items() if soak.key in text]
    assert "transport.body-complete" in files["soak.html"]
    assert "curl " in files["soak.html"]


@pytest.fixture(scope="module")
def judging(soak: Soak) -> tuple[AnswerJudge, Mixture]:
    mixture = soak_mixture(soak.record["load"]["seed"])
    return AnswerJudge(soak_run(), mixture), mixture


def test_the_evidence_of_each_finding_shows_it_again(soak: Soak, judging: tuple[AnswerJudge, Mixture]) -> None:
    judge, mixture = judging
    kept = {one.id: one for one in read_evidence(soak.folder / "evidence").exchanges}
    named = {one["exchange"] for row in soak.record["requirements"] for one in row["findings"]}
    assert kept.keys() == named
    for exchange in kept.values():
        number = exchange.attempt - 1
        found = judge.judge(mixture.request(number), number, Redactor({}).exchange(exchange))
        again = {row.id for row, _ in found.broken}
        assert soak.told(exchange.id) <= again


def test_what_is_asked_for_without_an_end_is_refused_in_a_sentence() -> None:
    status, printed = command("soak", "openai", "--users", 2)
    assert (status, printed) == (2, "chat-conformance: give --for, --requests, or both: a soak has an end.\n")


def test_nothing_is_kept_of_an_answer_that_was_judged(soak: Soak, judging: tuple[AnswerJudge, Mixture]) -> None:
    judge, mixture = judging
    first, *_, last = read_evidence(soak.folder / "evidence").exchanges
    seen = weakref.ref(judge.judge(mixture.request(first.attempt - 1), first.attempt - 1, first).observations)
    judge.judge(mixture.request(last.attempt - 1), last.attempt - 1, last)
    gc.collect()
    assert seen() is None


def test_what_times_decide_is_left_open_where_the_sender_was_late(
    soak: Soak, judging: tuple[AnswerJudge, Mixture]
) -> None:
    judge, mixture = judging
    exchange = next(one for one in read_evidence(soak.folder / "evidence").exchanges if one.answer is not None)
    number = exchange.attempt - 1
    ended = replace(exchange, ending=replace(exchange.ending, kind=EndKind.COMPLETE, at=60.0))
    assert exchange.answer is not None
    whole = replace(ended, answer=replace(exchange.answer, reads=(Read(0.1, b"data: [DONE]\n\n"),)))
    waited_here = replace(whole, held_up=0.3)
    in_time, late = (judge.judge(mixture.request(number), number, one) for one in (whole, waited_here))
    assert "stream.ends" in {row.id for row, _ in in_time.broken}
    assert "stream.ends" not in late.decided


def test_words_of_another_request_are_found_and_its_owner_is_named(
    soak: Soak, judging: tuple[AnswerJudge, Mixture]
) -> None:
    judge, mixture = judging
    exchange = read_evidence(soak.folder / "evidence").exchanges[0]
    own, other = exchange.attempt - 1, exchange.attempt + 10
    assert exchange.answer is not None
    choice = {"index": 0, "delta": {"content": numbered_word(mixture.seed, other)}, "finish_reason": None}
    chunk = {"id": "a", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    event = f"data: {json.dumps(chunk)}\n\n".encode()
    swapped = replace(exchange, answer=replace(exchange.answer, reads=(Read(0.1, event),)))
    found = judge.judge(mixture.request(own), own, swapped)
    assert found.foreign is True
    (finding,) = [finding for row, finding in found.broken if row.id == "stream.own-answer"]
    assert mixture.name_of(other) in finding.actual

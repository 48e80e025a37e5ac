"""`chat-conformance clients`: one command from a finished run to who survives it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import report_sample as sample
from click.testing import CliRunner, Result
from client_samples import client, completion, error, stream

from conformance.cli.main import commands
from conformance.clients import catalogue, prediction
from conformance.clients.catalogue import Client
from conformance.clients.evidence_of_run import read_run
from conformance.clients.prediction import FaultRow, FaultTable
from conformance.evidence import EvidenceError, EvidenceWriter, Redactor
from conformance.report import write_results
from conformance.wire.exchange import Exchange

BROKEN = "stream.done-once"
READS = """
for one in SCENARIOS:
    if one == "stream" and BREAKS: say(scenario=one, failed={"class": "TypeError", "message": "no role"})
    elif one == "stream": say(scenario=one, understood={"text": ["Hello."], "finish_reason": ["stop"]})
    else: say(scenario=one, understood={"text": [json.loads(ask(one))["choices"][0]["message"]["content"]]})
"""


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run with a whole answer and a stream, which has a finding."""
    folder = tmp_path / "run"
    results = sample.sample_results()
    found = next(one for row in results.requirements if row.id == BROKEN for one in row.findings)
    write_results(results, folder)
    return recorded(folder, {}, completion(), stream(name=str(found.exchange).partition("#")[0]))


def recorded(folder: Path, header: dict[str, Any], *exchanges: Exchange) -> Path:
    with EvidenceWriter(folder / "evidence", Redactor({}), header) as writer:
        for one in exchanges:
            writer.append(one)
        writer.finish()
    return folder


def test_what_was_served_although_it_had_to_be_refused_is_not_shown(tmp_path: Path) -> None:
    write_results(sample.sample_results(), tmp_path)
    refused = [{"name": name, "about": "", "intent": "refused"} for name in ("served", "drawn", "said-no")]
    header = {"probes": [{"name": "valid", "about": "", "intent": "served", "instead": refused}]}
    served = stream(name="served"), stream(name="drawn/shrunk/1")
    recorded(tmp_path, header, completion("valid"), *served, error(400, "no", "said-no"))
    shown = [(one.kind, one.exchange.probe) for one in read_run(tmp_path).chosen.scenarios]
    assert shown == [("completion", "valid"), ("error-400", "said-no")]


def test_an_error_with_the_status_200_is_shown_whatever_was_asked(tmp_path: Path) -> None:
    write_results(sample.sample_results(), tmp_path)
    said = stream('{"error": {"message": "no"}}', name="said-no")
    recorded(tmp_path, {"probes": [{"name": "said-no", "about": "", "intent": "refused"}]}, said)
    assert [one.kind for one in read_run(tmp_path).chosen.scenarios] == ["stream"]


def test_evidence_with_a_broken_list_of_probes_is_named(tmp_path: Path) -> None:
    write_results(sample.sample_results(), tmp_path)
    recorded(tmp_path, {"probes": [{"name": "without an intent"}]}, completion())
    with pytest.raises(EvidenceError, match="the list of probes is broken"):
        read_run(tmp_path)


def installed(monkeypatch: pytest.MonkeyPatch, *clients: Client) -> None:
    monkeypatch.setattr(catalogue, "shipped_clients", lambda: clients)


def called(*arguments: object) -> Result:
    return CliRunner().invoke(commands, ["clients", *map(str, arguments)], standalone_mode=False)


def stub(folder: Path, *, breaks: bool) -> Client:
    return client(folder, READS.replace("BREAKS", str(breaks)))


@pytest.mark.process
@pytest.mark.network
def test_a_client_that_breaks_is_shown_with_the_finding_that_explains_it(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(monkeypatch, stub(tmp_path, breaks=True))
    called_once = called(run)
    assert called_once.return_value == 1
    assert "TypeError: no role" in called_once.output
    assert f"findings: {BROKEN}" in called_once.output
    assert "Clients: 0 of 1 survive." in called_once.output
    document = json.loads((run / "clients.json").read_text(encoding="utf-8"))
    assert [BROKEN in one["explained_by"] for one in document["scenarios"]] == [False, True]


@pytest.mark.process
@pytest.mark.network
def test_where_all_is_understood_the_exit_status_is_0(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(monkeypatch, stub(tmp_path, breaks=False))
    assert called(run, "--out", tmp_path / "out").return_value == 0
    assert (tmp_path / "out" / "clients.json").is_file()
    assert not (run / "clients.json").exists()


@pytest.mark.process
@pytest.mark.network
def test_a_client_that_cannot_be_started_leaves_the_question_open(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(monkeypatch, client(tmp_path, "", driver_is_gone=True))
    ended = called(run)
    assert ended.return_value == 3
    assert "its driver did not start" in ended.output
    assert "survive" not in ended.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--client", "stubb"), "did you mean stub?"),
        (("--client", "gone"), "the command no-such-program is not there"),
        ((), "no client is installed"),
    ],
)
def test_what_cannot_be_run_is_said_in_one_sentence(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: Sequence[str], words: str
) -> None:
    missing = [client(tmp_path, "", name=name, needs=("no-such-program",)) for name in ("stub", "gone")]
    installed(monkeypatch, *missing)
    ended = called(run, *arguments)
    assert ended.return_value == 2
    assert words in ended.output


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    ended = called(tmp_path)
    assert ended.return_value == 2
    assert "results.json: cannot be read" in ended.output


def test_without_a_run_the_command_says_what_it_needs() -> None:
    ended = called()
    assert (ended.return_value, "clients needs RUN" in ended.output) == (2, True)


def test_clients_are_listed_with_what_they_are_installed_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, client(tmp_path, "", needs=("no-such-program",)))
    ended = called("--list")
    assert ended.return_value == 0
    assert "stub  the command no-such-program is not there" in ended.output


def test_clients_that_would_break_are_named_without_running_any(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = FaultRow("x", (BROKEN,), ("stream",), {"alpha": ("stream",)})
    monkeypatch.setattr(prediction, "shipped_table", lambda: FaultTable({"alpha": "1"}, (row,)))
    ended = called(run, "--predict")
    assert ended.return_value == 1
    assert f"alpha would break on `stream`, by the lab's table: {BROKEN}" in ended.output

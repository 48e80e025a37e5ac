"""clients.json keeps to its schema, and the page and the matrix show what it says."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import jsonschema
import pytest
import report_sample as sample

from conformance.commands.matrix import show_matrix
from conformance.report import ResultsError, write_results
from conformance.report.client_results import (
    FILE_NAME,
    ClientResult,
    ClientResults,
    Difference,
    Prediction,
    Quirk,
    ScenarioResult,
    ShownScenario,
    Understanding,
    client_results_text,
    read_client_results,
)
from conformance.report.clients_on_page import with_clients
from conformance.report.page import compliance_page
from conformance.shipped import specs_directory

BROKEN = "stream.done-once"
"""A requirement with findings in the sample."""
SCENARIOS = (
    ShownScenario("stream", "stream", "stream/plain#1", (BROKEN,)),
    ShownScenario("completion", "completion", "c"),
)
HOSTILE = "</script><script>alert(1)</script><!--/clients--> \x1b[31m"


def client(name: str, *results: ScenarioResult, quirks: tuple[Quirk, ...] = ()) -> ClientResult:
    return ClientResult(name, name.upper(), "python", "1.0", ("a==1",), "", 1.5, results, quirks)


def results(**more: object) -> ClientResults:
    broke = ScenarioResult("stream", Understanding.BROKE, f"TypeError: {HOSTILE}", (), 3, (0.5, 1.0))
    otherwise = ScenarioResult("stream", Understanding.OTHERWISE, "", (Difference("usage", "none", HOSTILE),))
    fine = ScenarioResult("completion", Understanding.SAME)
    clients = (
        client("alpha", broke, fine, quirks=(Quirk("off", "Alpha(stream=False)", ("stream",)),)),
        client("beta", otherwise, fine),
        client("gamma", replace(fine, scenario="stream"), fine),
        ClientResult("delta", "DELTA", "node", why="it is not installed"),
    )
    shown = ClientResults(
        "0.1", "openai", "http://x", sample.STARTED, sample.STARTED, "fast", "Alone.", SCENARIOS, clients
    )
    return replace(shown, **more)  # type: ignore[arg-type] # members of the record


def test_what_is_written_keeps_to_the_schema_and_is_read_back_without_loss(tmp_path: Path) -> None:
    text = client_results_text(results(predicted=(Prediction("alpha", "stream", (BROKEN,)),)))
    schema = json.loads((specs_directory() / "client-results.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(text), schema)
    path = tmp_path / FILE_NAME
    path.write_text(text, encoding="utf-8")
    assert client_results_text(read_client_results(path)) == text
    assert json.loads(text)["totals"] == {
        "clients": 3,
        "survive": 2,
        "broke": 1,
        "otherwise": 1,
        "same": 1,
        "not run": 1,
    }


@pytest.mark.parametrize("text", ["{", "[]", '{"format": 2}'])
def test_a_file_that_cannot_be_used_is_refused_in_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE_NAME).write_text(text, encoding="utf-8")
    with pytest.raises(ResultsError, match=FILE_NAME):
        read_client_results(tmp_path / FILE_NAME)


@cache
def page() -> str:
    return compliance_page(sample.sample_results(), sample.exchanges(), curl=sample.curl)


def test_the_page_says_which_clients_survive_and_which_requirement_breaks_which_client() -> None:
    shown = with_clients(page(), results())
    assert "<strong>Clients: 2 of 3 survive</strong>" in shown
    assert '<a href="#clients">Clients</a>' in shown
    assert f'<a href="#{BROKEN}"><code>{BROKEN}</code></a>' in shown.partition('<section id="clients"')[2]
    assert "<dt>Breaks</dt><dd>ALPHA" in shown.partition(f'id="{BROKEN}"')[2]
    assert "Alpha(stream=False)" in shown


def test_what_a_client_said_is_text_on_the_page() -> None:
    before, after = page(), with_clients(page(), results())
    assert after.count("<script") == before.count("<script")
    assert "\x1b" not in after


def test_all_else_on_the_page_stays_as_it_is_and_newer_results_replace_older_ones() -> None:
    once = with_clients(page_once := page(), results())
    again = with_clients(once, results(clients=(client("gamma", ScenarioResult("stream", Understanding.SAME)),)))
    assert "ALPHA" not in again
    assert "1 of 1 survive" in again
    assert with_clients(again, results()) == with_clients(page_once, results())


def test_predictions_are_shown_where_no_client_was_run() -> None:
    shown = with_clients(page(), results(clients=(), predicted=(Prediction("alpha", "stream", (BROKEN,)),)))
    assert "1 client would break" in shown
    assert "<dt>Would break</dt><dd>alpha" in shown


def test_the_matrix_has_both_axes_for_a_run_with_clients(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    write_results(sample.sample_results(), run)
    (run / FILE_NAME).write_text(client_results_text(results()), encoding="utf-8")
    show_matrix([run], tmp_path / "out")
    assert "MUST broken; clients: 2 of 3 survive" in capsys.readouterr().out
    document = json.loads((tmp_path / "out" / "matrix.json").read_text(encoding="utf-8"))
    assert document["runs"][0]["clients"] == {"run": 3, "survive": 2}
    schema = json.loads((specs_directory() / "matrix.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(document, schema)
    assert "clients: 2 of 3 survive" in (tmp_path / "out" / "matrix.html").read_text(encoding="utf-8")


def test_the_clients_of_an_earlier_run_in_a_folder_are_not_those_of_the_run_there_now(tmp_path: Path) -> None:
    write_results(sample.sample_results(), tmp_path)
    earlier = results(started="2020-01-01T00:00:00Z")
    (tmp_path / FILE_NAME).write_text(client_results_text(earlier), encoding="utf-8")
    show_matrix([tmp_path], tmp_path / "out")
    assert "clients" not in json.loads((tmp_path / "out" / "matrix.json").read_text(encoding="utf-8"))["runs"][0]

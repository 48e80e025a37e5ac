"""results.json says what the run found, is valid against its schema, and is refused when it could mislead."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import report_sample as sample
from hypothesis import given
from hypothesis import strategies as st

from conformance.report import Results, ResultsError, read_results, write_results
from conformance.report.record import FORMAT, LARGEST, results_document, results_text
from conformance.report.results import AgainstBaseline, Fingerprint, Gate, GateStatus, Tries
from conformance.shipped import specs_directory

DOCUMENT = json.loads(results_text(sample.sample_results(3)))


def test_the_record_is_valid_against_the_published_schema() -> None:
    schema = json.loads((specs_directory() / "results.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
    for results in (sample.sample_results(), sample.green_results()):
        assert not list(validator.iter_errors(json.loads(json.dumps(results_document(results)))))


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    results = sample.green_results()
    assert read_results(write_results(results, tmp_path)) == results


def test_what_version_2_adds_is_read_back(tmp_path: Path) -> None:
    plain = sample.sample_results(3)
    rows = (replace(plain.requirements[0], tries=Tries(broken=1, of=3)), *plain.requirements[1:])
    results = replace(
        plain,
        requirements=rows,
        gate=Gate(GateStatus.FAILED, ("A waiver has expired.",)),
        baseline=AgainstBaseline("2026-01-01T00:00:00+00:00", "http://a", known=("stream.done-once",)),
        fingerprint=Fingerprint({"server": "a"}, {"server": "b"}, ("The server changed.",)),
        waivers=tuple(replace(waiver, probe="stream/*") for waiver in plain.waivers),
    )
    read = read_results(write_results(results, tmp_path))
    for name in ("gate", "baseline", "fingerprint"):
        assert getattr(read, name) == getattr(results, name)
    assert read.requirements[0].tries == Tries(broken=1, of=3)
    assert {waiver.probe for waiver in read.waivers} == {"stream/*"}


def test_a_record_of_version_1_is_read(tmp_path: Path) -> None:
    document = copy.deepcopy(DOCUMENT)
    document["format"] = 1
    for name in ("gate", "baseline", "fingerprint"):
        del document[name]
    for row in document["requirements"]:
        del row["tries"]
    for waiver in document["waivers"]:
        del waiver["probe"]
    file = tmp_path / "results.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    assert read_results(file).requirements[0].id == DOCUMENT["requirements"][0]["id"]


def test_a_lone_surrogate_becomes_visible_text_that_strict_readers_accept(tmp_path: Path) -> None:
    path = write_results(sample.sample_results(), tmp_path)
    text = path.read_bytes().decode("utf-8")
    assert "\\\\ud83d" in text
    messages = [message for row in read_results(path).requirements for message in row.messages]
    assert any("\\ud83d" in message for message in messages)
    assert not any("\ud83d" in message for message in messages)


def test_the_folder_is_made_and_an_old_record_replaced(tmp_path: Path) -> None:
    directory = tmp_path / "a" / "b"
    write_results(sample.sample_results(0), directory)
    write_results(sample.green_results(), directory)
    assert read_results(directory / "results.json").verdict == "conformant"
    assert [path.name for path in directory.iterdir()] == ["results.json"]


def _edit(path: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        *parents, last = [int(part) if part.isdigit() else part for part in path.strip("/").split("/")]
        place: Any = document
        for part in parents:
            place = place[part]
        if value is ...:
            del place[last]
        else:
            place[last] = value

    return change


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("/format", FORMAT + 1, f"/format: is version {FORMAT + 1}"),
        ("/verdict", "great", '/verdict: "great" is not one of'),
        ("/verdict", ..., '/: "verdict" is a required property'),
        ("/started", "yesterday", '/started: "yesterday" is not a "date-time"'),
        ("/requirements/1/id", "Not An Id", "/requirements/1/id: "),
        ("/requirements/0/outcome", "warning", "/requirements/0"),
        ("/requirements/0/outcome", "failed", "/counts: does not agree"),
        ("/requirements/1/id", DOCUMENT["requirements"][0]["id"], "/requirements/1/id: .* a second time"),
        ("/counts/total/passed", 1, "/counts: does not agree"),
        ("/extra", 1, "/: Additional properties are not allowed"),
        ("/waivers/0/expires", "2026-02-30", "/waivers/0/expires: "),
        ("/waivers/0/expires", "0000-01-01", "/waivers: '0000-01-01' is not a day"),
        ("/started", "2016-12-31T23:59:60Z", "/started: '2016-12-31T23:59:60Z' is not a date and time"),
    ],
)
def test_an_edited_record_is_refused_with_file_and_place(
    tmp_path: Path, path: str, value: object, message: str
) -> None:
    document = copy.deepcopy(DOCUMENT)
    _edit(path, value)(document)
    file = tmp_path / "results.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(ResultsError, match=message) as caught:
        read_results(file)
    assert str(caught.value).startswith(f"{file}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b'{"format": NaN}', b"[" * 100_000, b'"text"'])
def test_what_is_no_record_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "results.json"
    file.write_bytes(content)
    with pytest.raises(ResultsError):
        read_results(file)


@pytest.mark.parametrize("size", [LARGEST + 1, 10 * LARGEST])
def test_a_record_that_is_too_large_is_not_read(tmp_path: Path, size: int) -> None:
    file = tmp_path / "results.json"
    with file.open("wb") as opened:
        opened.truncate(size)
    with pytest.raises(ResultsError, match=r"is larger than 15 MB, the most that is read\); give the results\.json"):
        read_results(file)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "results.json")
    with pytest.raises(ResultsError, match="it is not a regular file"):
        read_results(tmp_path / "results.json")


def test_what_never_ends_is_not_read_to_its_end() -> None:
    with pytest.raises(ResultsError, match="it is not a regular file"):
        read_results(Path("/dev/zero"))


@pytest.mark.slow
def test_a_record_with_a_million_errors_is_refused_at_the_first(tmp_path: Path) -> None:
    document = json.dumps(DOCUMENT | {"requirements": []})
    file = tmp_path / "results.json"
    file.write_text(document.replace('"requirements": []', f'"requirements": [{"[]," * 400_000}[]]'))
    with pytest.raises(ResultsError, match="/requirements/"):
        read_results(file)


def test_a_record_of_too_many_values_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text(f"[{'[],' * 600_000}[]]")
    with pytest.raises(ResultsError, match="it has more than 1,000,000 values"):
        read_results(tmp_path / "results.json")


def test_a_name_twice_is_refused(tmp_path: Path) -> None:
    file = write_results(sample.sample_results(0), tmp_path)
    file.write_text(file.read_text("utf-8").replace('"verdict":', '"verdict": "conformant", "verdict":', 1), "utf-8")
    with pytest.raises(ResultsError, match="the name 'verdict' twice in one object"):
        read_results(file)


def test_a_missing_file_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"cannot be read \(No such file"):
        read_results(tmp_path / "results.json")


def _paths(value: object, path: str = "") -> list[str]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in items for found in (f"{path}/{key}", *_paths(item, f"{path}/{key}"))]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)
SMALL = json.loads(json.dumps(results_document(replace(sample.sample_results(0), requirements=()))))
SMALL["requirements"] = DOCUMENT["requirements"][:2] + DOCUMENT["requirements"][8:9]
SMALL["counts"] = {"total": {}, "levels": {}, "sections": {}}


@given(st.sampled_from(_paths(SMALL)), JSON | st.just(...))
def test_no_edit_of_a_record_gives_anything_but_results_or_one_error(
    tmp_path_factory: pytest.TempPathFactory, path: str, value: object
) -> None:
    document = copy.deepcopy(SMALL)
    _edit(path, value)(document)
    file = tmp_path_factory.getbasetemp() / "edited.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    try:
        outcome: object = read_results(file)
    except ResultsError as error:
        outcome = str(error).startswith(f"{file}: ")
    assert outcome is True or isinstance(outcome, Results)

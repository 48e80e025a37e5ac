"""Waivers: which violations are accepted until when, and what is wrong with a waiver file, and where."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance.contract import ContractError
from conformance.gate.waivers import load_waivers
from conformance.suite.outcome import Waiver

IDS = ("stream.done-once", "stream.media-type", "error.envelope")
DAY = datetime.date(2027, 1, 31)
GOOD = "- {requirement: stream.done-once, reason: Known., owner: the platform team, expires: 2027-01-31}\n"


def _load(path: Path, text: str) -> tuple[Waiver, ...]:
    path.write_text(text, encoding="utf-8")
    return load_waivers(path, IDS)


def _refusal(path: Path, text: str) -> str:
    with pytest.raises(ContractError) as caught:
        _load(path, text)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message.removeprefix(str(path))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "waivers.yaml"


def test_a_waiver_is_read(path: Path) -> None:
    assert _load(path, GOOD) == (Waiver("stream.done-once", "Known.", "the platform team", DAY),)


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "[]", "---\n"])
def test_a_file_without_waivers_waives_nothing(path: Path, text: str) -> None:
    assert _load(path, text) == ()


def test_a_date_may_stand_in_quotes(path: Path) -> None:
    assert _load(path, GOOD.replace("2027-01-31", "'2027-01-31'"))[0].expires == DAY


def test_a_waiver_may_be_for_single_probes(path: Path) -> None:
    (waiver,) = _load(path, GOOD.replace("reason:", "probe: 'stream/*', reason:"))
    assert waiver.probe == "stream/*"
    assert waiver.about == "stream.done-once on stream/*"
    assert waiver.fits("stream/plain#2")
    assert not waiver.fits("completion/plain#1")
    assert not waiver.fits(None)


def test_a_file_that_is_not_there_is_named(path: Path) -> None:
    with pytest.raises(ContractError, match=r"waivers\.yaml: there is no such file"):
        load_waivers(path, IDS)
    with pytest.raises(ContractError, match="the file cannot be read because it is a directory"):
        load_waivers(path.parent, IDS)


@pytest.mark.parametrize(("text", "line"), [("- {a: 1\n- b", 3), ("- a\n- 'b\n", 3), ("ok: [1\n\n]]", 3)])
def test_what_is_not_yaml_is_refused_with_its_line(path: Path, text: str, line: int) -> None:
    assert _refusal(path, text).startswith(f":{line}: this is not YAML")


def test_what_is_not_text_is_refused(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ContractError, match="the file is not UTF-8"):
        load_waivers(path, IDS)


@pytest.mark.parametrize("text", ["requirement: stream.done-once\n", "a text", "7", "true"])
def test_what_is_no_list_is_refused(path: Path, text: str) -> None:
    assert "is not of types" in _refusal(path, text)


@pytest.mark.parametrize("row", ["- stream.done-once", "- [a]", "- null"])
def test_a_row_that_is_no_mapping_is_refused_with_its_line(path: Path, row: str) -> None:
    assert _refusal(path, GOOD + row).startswith(":2: row 2: ")


@pytest.mark.parametrize("field", ["requirement", "reason", "owner", "expires"])
def test_a_missing_field_is_named_with_its_line(path: Path, field: str) -> None:
    row = {name: value for name, value in yaml.safe_load(GOOD)[0].items() if name != field}
    message = _refusal(path, GOOD + yaml.safe_dump([row]))
    assert message.startswith(":2: row 2: ")
    assert f'"{field}" is a required property' in message


@pytest.mark.parametrize("field", ["requirement", "reason", "owner", "probe", "expires"])
@pytest.mark.parametrize("value", ["[a, b]", "{a: b}", "7", "true", "'  '", "''", "null"])
def test_a_field_that_is_no_text_is_refused_with_its_line(path: Path, field: str, value: str) -> None:
    fields = {"requirement": "stream.done-once", "reason": "Known.", "owner": "us", "expires": "2027-01-31"}
    lines = [f"  {name}: {text}" for name, text in {**fields, field: value}.items()]
    line = next(number for number, text in enumerate(lines, start=1) if f" {field}:" in text)
    assert _refusal(path, "- " + "\n".join(lines)[2:]).startswith(f":{line}: row 1: ")


def test_an_unknown_field_is_named(path: Path) -> None:
    message = _refusal(path, GOOD.replace("owner:", "ticket: A-1, owner:"))
    assert message.startswith(":1: row 1: ")
    assert "'ticket' was unexpected" in message


@pytest.mark.parametrize("expires", ["2027-02-30", "tomorrow", "'31.01.2027'", "20270131", "2027-01-31T12:00:00"])
def test_a_bad_date_is_shown(path: Path, expires: str) -> None:
    message = _refusal(path, GOOD.replace("2027-01-31", expires))
    assert expires.strip("'") in message
    assert message.startswith(":1: row 1: ")


@pytest.mark.parametrize("requirement", ["stream.done-twice", "'stream.*.x'", "STREAM.DONE-ONCE", "stream"])
def test_an_id_or_glob_that_fits_no_requirement_is_named(path: Path, requirement: str) -> None:
    message = _refusal(path, GOOD + GOOD.replace("stream.done-once", requirement))
    assert message == f":2: waiver 2 names {yaml.safe_load(requirement)!r}, which is not a requirement of this profile."


def test_a_waiver_holds_through_its_last_day() -> None:
    waiver = Waiver("stream.done-once", "Known.", "us", DAY)
    day_after = DAY + datetime.timedelta(days=1)
    assert not waiver.expired(DAY)
    assert waiver.expired(day_after)


def test_a_waiver_names_what_its_glob_fits() -> None:
    glob = Waiver("stream.*", "Known.", "us", DAY)
    assert glob.names("stream.done-once")
    assert not glob.names("error.envelope")
    assert not glob.names("Stream.done-once")


_SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.dates() | st.sampled_from(IDS)
_ROWS = st.dictionaries(
    st.sampled_from(["requirement", "reason", "owner", "expires", "other"]) | _SCALARS.filter(lambda key: key != "="),
    _SCALARS | st.lists(_SCALARS, max_size=2),
    max_size=5,
)


def _waivers_or_one_sentence(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    try:
        waivers = load_waivers(path, IDS)
    except ContractError as error:
        printed = str(error)
    else:
        assert all(type(waiver.expires) is datetime.date for waiver in waivers)
        return
    assert printed.startswith(str(path))
    assert "\n" not in printed


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(max_size=60).map(str.encode) | st.binary(max_size=40))
def test_any_text_gives_waivers_or_a_sentence(path: Path, content: bytes) -> None:
    _waivers_or_one_sentence(path, content)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(_ROWS, max_size=3))
def test_any_rows_give_waivers_or_a_sentence(path: Path, rows: list[dict[object, object]]) -> None:
    _waivers_or_one_sentence(path, yaml.safe_dump(rows).encode())


@pytest.mark.parametrize(
    "text",
    [
        "- !!timestamp 2027-99-99",
        "- 2027-13-45",
        "- !!int x",
        "- !!int ''",
        "- !!bool x",
        "- !!timestamp x",
        "- {? [a]: b}",
        "&a [*a]",
        "- !!python/name:os",
        "[" * 3000,
    ],
)
def test_yaml_that_trips_its_reader_gives_a_sentence(path: Path, text: str) -> None:
    _refusal(path, text)


def test_no_more_waivers_are_read_than_anybody_could_answer_for(path: Path) -> None:
    assert len(_load(path, GOOD * 1000)) == 1000
    assert "there are more than 1000 waivers" in _refusal(path, GOOD * 1001)

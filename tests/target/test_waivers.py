"""Waivers: which violations are accepted until when, and what is wrong with a waiver file, and where."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance.target import TargetError, Waiver, load_waivers, waiver_for

IDS = ("stream.done-once", "stream.media-type", "error.envelope")
DAY = datetime.date(2027, 1, 31)
GOOD = "- {requirement: stream.done-once, reason: Known., owner: the platform team, expires: 2027-01-31}\n"


def _load(path: Path, text: str) -> tuple[Waiver, ...]:
    path.write_text(text, encoding="utf-8")
    return load_waivers(path, IDS)


def _refusal(path: Path, text: str) -> str:
    with pytest.raises(TargetError) as caught:
        _load(path, text)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert message.endswith(".")
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


def test_a_file_that_is_not_there_is_named(path: Path) -> None:
    with pytest.raises(TargetError, match=r"waivers\.yaml: the waiver file cannot be read \(No such file"):
        load_waivers(path, IDS)
    with pytest.raises(TargetError, match=r"the waiver file cannot be read \(Is a directory"):
        load_waivers(path.parent, IDS)


@pytest.mark.parametrize(("text", "line"), [("- {a: 1\n- b", 2), ("- a\n- 'b\n", 3), ("ok: [1\n\n]]", 3)])
def test_what_is_not_yaml_is_refused_with_its_line(path: Path, text: str, line: int) -> None:
    assert _refusal(path, text) == f":{line}: the waiver file is not YAML; write a list of waivers."


def test_what_is_not_text_is_refused(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TargetError, match="the waiver file is not YAML"):
        load_waivers(path, IDS)


@pytest.mark.parametrize("text", ["requirement: stream.done-once\n", "a text", "7", "true"])
def test_what_is_no_list_is_refused(path: Path, text: str) -> None:
    assert _refusal(path, text) == (
        ": the waiver file must be a list of mappings with requirement, reason, owner, expires."
    )


@pytest.mark.parametrize("row", ["- stream.done-once", "- [a]", "- null"])
def test_a_row_that_is_no_mapping_is_refused_by_its_number(path: Path, row: str) -> None:
    assert _refusal(path, GOOD + row) == ": waiver 2 is not a mapping with requirement, reason, owner, expires."


@pytest.mark.parametrize("field", ["requirement", "reason", "owner", "expires"])
@pytest.mark.parametrize("value", [..., None, ""])
def test_a_missing_or_empty_field_is_named(path: Path, field: str, value: object) -> None:
    row = {**yaml.safe_load(GOOD)[0], field: value}
    if value is ...:
        del row[field]
    message = _refusal(path, GOOD + yaml.safe_dump([row]))
    assert message == f": waiver 2 lacks {field}; it needs requirement, reason, owner, expires and nothing else."


@pytest.mark.parametrize("field", ["requirement", "reason", "owner"])
@pytest.mark.parametrize("value", ["[a, b]", "{a: b}", "7", "true", "'  '"])
def test_a_field_that_is_no_text_is_refused(path: Path, field: str, value: str) -> None:
    row = {**yaml.safe_load(GOOD)[0], field: yaml.safe_load(value)}
    assert f"waiver 1: {field} must be a text" in _refusal(path, yaml.safe_dump([row]))


def test_an_unknown_field_is_named(path: Path) -> None:
    message = _refusal(path, GOOD.replace("owner:", "ticket: A-1, owner:"))
    assert message.startswith(": waiver 1 has unknown fields: ticket;")


@pytest.mark.parametrize("expires", ["2027-02-30", "tomorrow", "'31.01.2027'", "20270131", "[2027-01-31]", "true"])
def test_a_bad_date_is_shown_with_an_example(path: Path, expires: str) -> None:
    message = _refusal(path, GOOD.replace("2027-01-31", expires))
    assert message.startswith(": waiver 1: expires must be a date like 2027-01-31, not ")


def test_a_moment_is_no_date(path: Path) -> None:
    assert "must be a date like 2027-01-31" in _refusal(path, GOOD.replace("2027-01-31", "2027-01-31T12:00:00"))


@pytest.mark.parametrize("requirement", ["stream.done-twice", "'stream.*.x'", "STREAM.DONE-ONCE", "stream"])
def test_an_id_or_glob_that_fits_no_requirement_is_named(path: Path, requirement: str) -> None:
    message = _refusal(path, GOOD + GOOD.replace("stream.done-once", requirement))
    assert message == f": waiver 2 names {yaml.safe_load(requirement)!r}, which is no requirement of this profile."


def test_a_waiver_holds_through_its_last_day() -> None:
    waiver = Waiver("stream.done-once", "Known.", "us", DAY)
    day_after = DAY + datetime.timedelta(days=1)
    assert not waiver.expired(DAY)
    assert waiver.expired(day_after)
    assert waiver_for("stream.done-once", [waiver], DAY) is waiver
    assert waiver_for("stream.done-once", [waiver], day_after) is None


def test_a_waiver_accepts_what_its_glob_fits_and_the_first_in_force_counts() -> None:
    expired = Waiver("stream.*", "Old.", "us", DAY - datetime.timedelta(days=1))
    glob = Waiver("stream.*", "Known.", "us", DAY)
    exact = Waiver("stream.done-once", "Known.", "us", DAY)
    assert waiver_for("stream.done-once", [expired, glob, exact], DAY) is glob
    assert waiver_for("error.envelope", [expired, glob, exact], DAY) is None
    assert waiver_for("Stream.done-once", [glob], DAY) is None


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
    except TargetError as error:
        told = str(error)
    else:
        assert all(type(waiver.expires) is datetime.date for waiver in waivers)
        return
    assert told.startswith(str(path))
    assert "\n" not in told


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

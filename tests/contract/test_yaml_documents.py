"""YAML and JSON files: what they mean, and where a mistake in them is."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from conformance.contract.documents import ContractError, parse_document, read_document
from conformance.contract.pointers import join, look_up, split
from conformance.contract.regular_files import LARGEST_DOCUMENT

FILE = Path("some.yaml")

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


class QuotingDumper(yaml.SafeDumper):
    """Writes every text in quotes: what needs none by YAML 1.1 may be a number by YAML 1.2."""


QuotingDumper.add_representer(
    str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')
)


def read(text: str) -> Any:
    return parse_document(text.encode(), FILE).data


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("no", "no"),
        ("Yes", "Yes"),
        ("2026-11-01", "2026-11-01"),
        ("12:30", "12:30"),
        ("2026.11.0", "2026.11.0"),
        ("1_000", "1_000"),
        ("010", 10),
        ("0o17", 15),
        ("0x1f", 31),
        ("1e3", 1000.0),
        ("-.5", -0.5),
        ("~", None),
        ("TRUE", True),
        ("'1'", "1"),
        ("!!str 1", "1"),
        ("!!float 1", 1.0),
        ("", None),
    ],
)
def test_plain_scalars_mean_what_the_core_schema_of_yaml_1_2_says(written: str, meant: Any) -> None:
    value = read(f"a: {written}\n")["a"]
    assert value == meant
    assert type(value) is type(meant)


def test_keys_are_text_whatever_they_look_like() -> None:
    assert read("200: a\nnull: b\ntrue: c\n") == {"200": "a", "null": "b", "true": "c"}


def test_aliases_and_merge_keys_are_followed() -> None:
    text = "base: &b {x: 1, y: 2}\none: {<<: *b, y: 3}\ntwo: *b\nthree: {<<: [{z: 1}, *b]}\n"
    assert read(text) == {
        "base": {"x": 1, "y": 2},
        "one": {"x": 1, "y": 3},
        "two": {"x": 1, "y": 2},
        "three": {"z": 1, "x": 1, "y": 2},
    }


def test_an_anchor_may_be_set_again() -> None:
    assert read("a: &x 1\nb: *x\nc: &x 2\nd: *x\n") == {"a": 1, "b": 1, "c": 2, "d": 2}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "stands twice (first in line 1)"),
        ("a:\n  - {x: 1, x: 2}\n", 2, "stands twice"),
        ("a: 1\n---\nb: 2\n", 2, "more than one YAML document"),
        ("a: 1\nb: [1, 2\n", 3, "not YAML"),
        ("a: &x [1, *x]\n", 1, "stands inside what it names"),
        ("a: *nothing\n", 1, "names nothing above it"),
        ("a: 1\nb: .nan\n", 2, "not a JSON number"),
        ("a: -.inf\n", 1, "not a JSON number"),
        ("a: 1e999\n", 1, "too large"),
        (f"a: {'9' * 5000}\n", 1, "too large"),
        (f"a: {'9' * 310}\n", 1, "too large"),
        (f"a: 0x{'f' * 100_000}\n", 1, "too large"),
        (f'? "{"k" * 10_001}"\n: 1\n', 1, "names that lead to this value have more than 10000 characters"),
        ("".join(f"{' ' * depth}{'k' * 200}:\n" for depth in range(60)), 50, "more than 10000 characters"),
        ("a: !!binary aGk=\n", 1, "does not fit this value"),
        ("a: !thing {}\n", 1, "does not fit this value"),
        ("a: !!int x\n", 1, "does not fit this value"),
        ("a: 1\nb: !!int true\n", 2, "does not fit this value"),
        ("? [1]\n: 2\n", 1, "a key must be text"),
        ("a: {<<: 3}\n", 1, "merges objects only"),
        ("[" * 100_000, 1, "nested more than"),
        ("{a: " * 200 + "1" + "}" * 200, 1, "nested more than"),
        ("- " * 5000 + "1\n", 1, "nested more than"),
        ("a: &a " + "[" * 60 + "]" * 60 + "\nb: " + "[" * 60 + "*a" + "]" * 60, 2, "nested more than"),
    ],
)
def test_what_is_no_document_is_refused_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(ContractError, match=re.escape(words)) as caught:
        read(text)
    assert caught.value.path == FILE
    assert caught.value.line == line
    assert str(caught.value).startswith(f"some.yaml:{line}: ")


def test_aliases_that_multiply_are_refused() -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
    with pytest.raises(ContractError, match="once its aliases are followed"):
        read(bomb)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"a": 1,\n "a": 2}', "stands twice"),
        (b'{"a": 1,\n "b": }', "not JSON"),
        (b'{"a": NaN}', "not a JSON number"),
        (b'{"a": 1e999}', "too large"),
        (b"[" * 50_000, "nested more than"),
        (b'{"a": ' * 150 + b"1" + b"}" * 150, "nested more than"),
        (b"a: 1", "not JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "too large"),
        (b'{"a": -' + b"9" * 310 + b"}", "too large"),
        (b"[" + b"0," * 1_000_000 + b"0]", "more than 1000000 values"),
        (b'{"a": {' + b"".join(b'"%d": 0, ' % n for n in range(50_000)) + b'"49999": 0}}', "`49999` stands twice"),
    ],
)
def test_a_json_file_is_read_strictly(content: bytes, words: str) -> None:
    with pytest.raises(ContractError, match=re.escape(words)):
        parse_document(content, Path("some.json"))


def test_a_json_mistake_has_its_line() -> None:
    with pytest.raises(ContractError) as caught:
        parse_document(b'{"a": 1,\n "b": }', Path("some.json"))
    assert caught.value.line == 2


def test_bytes_that_are_not_utf_8_are_refused_with_their_line() -> None:
    with pytest.raises(ContractError, match="UTF-8") as caught:
        parse_document(b"a: 1\nb: \xff\n", FILE)
    assert caught.value.line == 2


def test_a_missing_file_and_a_folder_are_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="no such file"):
        read_document(tmp_path / "absent.yaml")
    with pytest.raises(ContractError, match="cannot be read because it is a directory"):
        read_document(tmp_path)


def test_large_numbers_that_a_double_holds_are_read() -> None:
    largest = "1" + "0" * 308
    assert read(f"a: {largest}\nb: 0xff\n") == {"a": 10**308, "b": 255}
    assert parse_document(f'{{"a": -{largest}}}'.encode(), Path("some.json")).data == {"a": -(10**308)}


def test_commas_and_brackets_in_strings_are_not_values() -> None:
    text = json.dumps({"a": "[,{" * 400_000, "b": '\\"[,' * 3})
    assert parse_document(text.encode(), Path("some.json")).data["b"] == '\\"[,' * 3


def test_lines_are_kept_for_as_many_values_as_there_is_room_for() -> None:
    deep = {"k" * 90: {"l" * 90: [0] * 1000}}
    few, many = (parse_document(f"a: {json.dumps([deep] * times)}".encode(), FILE) for times in (1, 400))
    assert len(few.lines) > 1000
    assert 49_000_000 < sum(map(len, many.lines)) <= 50_000_000
    assert many.line("/a/399/kkk") == 1


def test_a_file_that_is_larger_than_any_document_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    with path.open("wb") as file:
        file.truncate(LARGEST_DOCUMENT + 1)
    with pytest.raises(ContractError, match="cannot be read because it is larger than 16 MB, the most that is read"):
        read_document(path)


def test_lines_are_known_for_every_pointer_and_for_what_is_below_an_alias() -> None:
    document = parse_document(b"a: &x\n  b: 1\nc:\n  - d\n  - *x\n", FILE)
    assert document.line("") == 1
    assert document.line("/a/b") == 2
    assert document.line("/c/0") == 4
    assert document.line("/c/1/b") == 5
    assert document.line("/nowhere") == 1


def test_json_has_lines_too() -> None:
    document = parse_document(b'{"a": 1,\n "b": [\n  {"c": 2}]}', Path("some.json"))
    assert document.line("/b/0/c") == 3


@given(json_values)
def test_json_and_yaml_texts_of_a_value_mean_that_value(value: Any) -> None:
    assert parse_document(json.dumps(value).encode(), Path("x.json")).data == value


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), json_values, max_size=4))
def test_block_yaml_of_a_value_means_that_value(value: Any) -> None:
    assert read(yaml.dump(value, Dumper=QuotingDumper, default_flow_style=False)) == value


def error_of(content: bytes, name: str) -> ContractError | None:
    """The error of a text; None when its value is one that JSON can say."""
    try:
        json.dumps(parse_document(content, Path(name)).data, allow_nan=False)
    except ContractError as error:
        return error
    return None


@given(st.text(alphabet=st.sampled_from("ab:&*<-[]{}!?|>'\"# \n\t0.~,%@"), max_size=60))
def test_no_text_gives_anything_but_a_value_or_a_contract_error(text: str) -> None:
    error = error_of(text.encode(), "x.yaml")
    assert error is None or "\n" not in str(error)


@given(st.binary(max_size=40), st.sampled_from(["x.yaml", "x.json"]))
def test_no_bytes_give_anything_but_a_value_or_a_contract_error(content: bytes, name: str) -> None:
    error = error_of(content, name)
    assert error is None or error.path == Path(name)


@given(json_values, st.data())
def test_every_part_of_a_value_is_found_by_its_pointer(value: Any, data: st.DataObject) -> None:
    pointer, at = "", value
    while isinstance(at, (dict, list)) and at:
        step = data.draw(st.sampled_from(list(at) if isinstance(at, dict) else list(range(len(at)))))
        pointer, at = join(pointer, step), at[step]
    assert look_up(value, pointer) == at
    assert join("", *split(pointer)) == pointer

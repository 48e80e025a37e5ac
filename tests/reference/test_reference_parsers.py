from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from conformance.reference.body import check_media_type
from conformance.reference.errors import ProviderError, Refusal
from conformance.reference.json_body import parse_object
from conformance.reference.provider import CallPiece, Ended
from conformance.reference.providers.key_gate import KeyGate
from conformance.reference.providers.upstream_answer import AnswerReader


def outcome(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function returns, or the refusal that it raises; any other exception is a failure."""
    try:
        return function(*arguments)
    except (Refusal, ProviderError) as refusal:
        return refusal


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), VALUES, max_size=4), st.booleans())
def test_any_json_object_is_read_as_it_was_written(value: dict[str, Any], ascii_only: bool) -> None:
    assert parse_object(json.dumps(value, ensure_ascii=ascii_only).encode(), 64) == value


@given(st.binary() | st.text(alphabet='{}[]",:\\ud80019.eE+-aNIf \t\n').map(str.encode))
@example(b'{"a":' * 100)
@example(b'{"a": "\\')
@example(b'{"a": 1' + b"0" * 401 + b"}")
def test_bytes_are_a_json_object_or_refused(body: bytes) -> None:
    value = outcome(parse_object, body, 20)
    if isinstance(value, Refusal):
        assert value.status == 400
    else:
        assert json.loads(body) == value


@given(st.binary(max_size=60))
def test_a_media_type_is_json_or_refused(declared: bytes) -> None:
    refusal = outcome(check_media_type, [(b"content-type", declared)])
    if refusal is not None:
        assert refusal.status == 415
    else:
        assert declared.strip().lower().startswith(b"application/json")


PIECES = st.sampled_from(
    [
        b"data: ",
        b"\n\n",
        b"[DONE]",
        b'{"choices":[{"delta":{"content":"x"}}]}',
        b'{"choices":[{"delta":{"tool_calls":[{"function":{"name":"f","arguments":"{"}}]}}]}',
        b'{"choices":[{"delta":{"reasoning":"x","refusal":"<think>"},"finish_reason":"tool_calls"}]}',
        b"null",
        b"[",
        b"\r",
        b"\xff",
        b'{"error":1}',
        b'{"choices":[{"finish_reason":{}}],"usage":{"completion_tokens":1e400}}',
        b'{"choices":[[]],"usage":[]}',
        b"9" * 5000,
    ]
)


@given(st.lists(st.lists(PIECES | st.binary(max_size=5)).map(b"".join)), st.booleans())
def test_whatever_an_upstream_sends_is_text_or_a_provider_error(reads: list[bytes], whole: bool) -> None:
    said = outcome(read_answer, reads, whole)
    if isinstance(said, ProviderError):
        assert said.message.startswith("The provider")
    else:
        texts, ended = said
        assert ended.reason in {"stop", "length", "content_filter", "tool_calls"}
        for text in texts:
            assert isinstance(text, CallPiece) or (text if isinstance(text, str) else text.text).encode()


def read_answer(reads: list[bytes], whole: bool) -> tuple[list[Any], Ended]:
    reader = AnswerReader()
    if whole:
        texts = list(reader.whole(b"".join(reads)))
    else:
        texts = [text for read in reads for text in reader.feed(read)] + list(reader.end())
    return texts, reader.ended()


KEY = "k7Qm2xZp9Lw4"
PARTS = [KEY, KEY[:5], KEY[5:], KEY[:-1], KEY[::-1]]


@given(st.lists(st.sampled_from([*PARTS, "word", "A sentence.", " ", "7", "-"])))
def test_a_secret_is_never_shown_however_the_text_is_cut(pieces: list[str]) -> None:
    gate = KeyGate(KEY)
    shown = "".join([*map(gate.feed, pieces), gate.flush()])
    assert KEY not in shown.replace(" ", "").replace("-", "")
    assert KEY[::-1] not in shown
    assert len(shown) == len("".join(pieces))
    if not set(PARTS) & set(pieces):
        assert shown == "".join(pieces)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
@given(
    before=st.text("abc .,", max_size=20),
    coded=st.sampled_from([KEY, KEY[::-1], KEY.upper(), " ".join(KEY), KEY.encode().hex(), "-".join(KEY)]),
    after=st.text("abc .,", max_size=20),
)
def test_a_secret_in_pieces_of_a_few_characters_is_not_shown(size: int, before: str, coded: str, after: str) -> None:
    text, gate = before + coded + after, KeyGate(KEY)
    shown = "".join(gate.feed(text[at : at + size]) for at in range(0, len(text), size)) + gate.flush()
    assert len(shown) == len(text)
    inside = shown[len(before) : len(before) + len(coded)]
    # Behind a letter, the first one of a spaced key may be the end of a word, and has been sent.
    assert sum(character.isalnum() for character in inside) <= 1, shown


@pytest.mark.parametrize("secret", [None, ""])
def test_without_a_secret_everything_is_shown(secret: str | None) -> None:
    assert KeyGate(secret).feed("abab") == "abab"

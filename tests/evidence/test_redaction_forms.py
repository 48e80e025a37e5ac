"""A key is held, or what may hold it is withheld, in every form that software has for it; and in any two of them."""

from __future__ import annotations

import base64
import gzip
import string
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path

import pytest
from echo_codings import CODINGS, STACKED, pieces
from echo_forms import (
    FORMS,
    HELD,
    NOT_PROMISED,
    WITHHELD,
    Form,
    another_key,
    chunk,
    differences,
    document,
    raw,
    said,
    shown,
    stream,
    table,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from key_scanner import pieces_shown

from conformance.evidence import Redactor
from conformance.wire.exchange import Exchange

KEY = "sk-q7Tz-4mWp9XkR2vLs8_NdJ6hYeG5tFuH3rQyZw1"
OTHER = another_key(KEY, keep=3)
PROMISED = [form for form in FORMS if form.fate != NOT_PROMISED]
PAGE = Path(__file__).parents[2] / "docs" / "redaction.md"


def redacted(value: Exchange, key: str) -> Exchange:
    return Redactor({"api-key": key}).exchange(value)


@pytest.mark.parametrize("form", PROMISED, ids=attrgetter("label"))
def test_nothing_tells_one_key_from_another(form: Form) -> None:
    assert differences(form.make(KEY), form.make(OTHER)) > 0
    one, other = redacted(form.make(KEY), KEY), redacted(form.make(OTHER), OTHER)
    assert differences(one, other) <= form.stays
    withheld = any("withheld" in redaction.form for redaction in one.redactions)
    assert (WITHHELD if withheld else HELD) == form.fate


@pytest.mark.parametrize("form", PROMISED, ids=attrgetter("label"))
def test_another_key_in_the_same_form_is_left_alone(form: Form) -> None:
    if form.fate == HELD:
        made = form.make(OTHER)
        assert shown(redacted(made, KEY))[4:] == shown(made)[4:]


def test_there_are_many_forms_each_with_a_name() -> None:
    assert len({form.label for form in FORMS}) == len(FORMS) >= 120


def test_the_page_says_what_becomes_of_each() -> None:
    assert table() in PAGE.read_text("utf-8")


KEYS = st.builds(
    lambda prefix, body: prefix + body + "7qZ",
    st.sampled_from(["sk-", "sk-proj-", "gsk_", ""]),
    st.text(string.ascii_letters + string.digits, min_size=17, max_size=60)
    | st.text("0123456789abcdef", min_size=29, max_size=61),
)
PLACES: dict[str, Callable[[str], Exchange]] = {
    "a message": said,
    "a plain body": lambda text: raw(text.encode()),
    "a list": lambda text: document(pieces(text, 7)),
    "deltas": lambda text: stream(*(chunk(content=piece) for piece in pieces(text, 5))),
    "alternating deltas": lambda text: stream(
        *(chunk(**{("content", "reasoning_content")[at % 2]: piece}) for at, piece in enumerate(pieces(text, 6)))
    ),
    "a header field": lambda text: raw(b"{}", ("X-Echo", text)),
}


@pytest.mark.slow
@given(
    key=KEYS,
    inner=st.sampled_from(STACKED),
    outer=st.sampled_from(STACKED),
    place=st.sampled_from(sorted(PLACES)),
    around=st.sampled_from(["{}", "The key {} is wrong.", "{}, again: {}"]),
)
@settings(deadline=None, max_examples=40)
def test_two_codings_over_one_another_hide_nothing(key: str, inner: str, outer: str, place: str, around: str) -> None:
    coded = CODINGS[outer](CODINGS[inner](key))
    cleaned = redacted(PLACES[place](around.replace("{}", coded)), key)
    for part in shown(cleaned):
        assert not pieces_shown(part, key, prefix=len(key) - len(key.removeprefix("sk-proj-")))


@pytest.mark.parametrize("outer", STACKED)
@pytest.mark.parametrize("inner", STACKED[::5])
def test_the_scanner_sees_what_is_not_redacted(inner: str, outer: str) -> None:
    if outer == "gzip in base64" == inner:
        return
    assert any(pieces_shown(part, KEY) for part in shown(said(CODINGS[outer](CODINGS[inner](KEY)))))


@pytest.mark.parametrize(
    "text",
    [
        "the chat-conformance reference deployment",
        "chat-conformance",
        "a demo key of the second tenant",
        "deployment-of-the-reference",
        "conformance reference deployment",
    ],
)
def test_ordinary_words_of_a_key_are_left_alone(text: str) -> None:
    redactor = Redactor(
        {
            "api-key": "demo-key-of-the-chat-conformance-reference-deployment",
            "other-api-key": "demo-key-of-the-second-tenant-of-the-reference-deployment",
        }
    )
    assert redactor.text(f"see {text} here") == f"see {text} here"


@pytest.mark.parametrize("length", [8, 12, 20, len(KEY) - 9])
def test_a_run_of_a_key_is_not_shown(length: int) -> None:
    text = Redactor({"api-key": KEY}).text(f"see {KEY[8 : 8 + length]} here")
    assert not any(char.isalnum() for char in text[4:-5])


@pytest.mark.slow
@pytest.mark.parametrize(
    "body",
    [
        b"%" * 1_000_000,
        b"\\" * 1_000_000,
        b"\\u0073" * 160_000,
        b"%2573&#x73;=73\\163" * 50_000,
        b"QUJD" * 250_000,
        b"7362" * 250_000,
        b"115, 107, " * 100_000,
        b'{"a":' * 150_000,
        b'["a",' * 150_000,
        b'"s","k",' * 120_000,
        b"data: {}\n\n" * 100_000,
        b": k\n\n" * 200_000,
        b"H4sIAAAA" * 120_000,
        b"\x1f\x8b\x08" * 300_000,
        b"<b>" * 300_000,
        KEY[:-1].encode() * 20_000,
    ],
    ids=lambda body: repr(body[:12]),
)
def test_what_is_looked_at_is_bounded_by_the_size_of_a_body(body: bytes) -> None:
    redactor = Redactor({"api-key": KEY})
    redactor.exchange(raw(body))
    assert redactor.work < 40 * len(body)


def test_what_has_too_many_codings_is_withheld() -> None:
    redactor = Redactor({"api-key": KEY})
    cleaned = redactor.exchange(raw(KEY[:-1].encode() * 20_000))
    assert any("withheld: too much to search" in one.form for one in cleaned.redactions)
    assert not pieces_shown(shown(cleaned)[-1], KEY)


@pytest.mark.parametrize("false", ["eJx", "H4sI", "eJxAAAAAAAAAAAA"])
def test_what_looks_like_a_beginning_of_compressed_data_hides_no_other(false: str) -> None:
    coded = CODINGS["gzip in base64"](KEY)
    text = Redactor({"api-key": KEY}).text(f"{false} {coded} {false} {coded}")
    assert coded not in text


@given(words=st.lists(st.sampled_from([KEY, "a word", "", "abc=", "line\\", "\x00"])))
def test_strings_of_a_value_are_redacted_like_each_alone(words: list[str]) -> None:
    redactor = Redactor({"api-key": KEY})
    assert redactor.value({"words": words}) == {"words": [redactor.text(word) for word in words]}


def test_a_report_that_shows_many_bombs_is_not_withheld() -> None:
    bomb = base64.b64encode(gzip.compress(bytes(4_000_000), mtime=0)).decode()
    report = " ".join(f"{bomb} {'a few words more ' * 2000}" for _ in range(16))
    assert Redactor({"api-key": KEY}).report(report) == report

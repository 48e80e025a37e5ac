"""No secret stays in what is kept, in whatever form a target echoes it, and nothing else is touched."""

from __future__ import annotations

import base64
import gzip
import html
import json
import time
import tracemalloc
from urllib.parse import quote, quote_plus

import pytest
from exchange_samples import EXCHANGES, KEY, SECRETS, body_of, delta, events, exchange, forms
from hypothesis import example, given, settings
from hypothesis import strategies as st

from conformance.evidence import Redactor
from conformance.evidence.jsonl import dump_line, exchange_to_json
from conformance.targets.keys import changed_key, extended_key, varied_keys
from conformance.wire.exchange import Exchange, Redaction

REDACTOR = Redactor(SECRETS)
B = KEY.encode()


def written(value: Exchange) -> bytes:
    return dump_line(exchange_to_json(value))


def percent(data: bytes, form: str) -> bytes:
    return "".join(f"%{byte:{form}}" for byte in data).encode()


@pytest.mark.parametrize(
    ("form", "encoded"),
    [
        ("plain", B),
        ("case-changed", B.upper()),
        ("case-changed", B.lower()),
        ("url-encoded", quote(KEY, safe="").encode()),
        ("url-encoded", quote(quote(KEY, safe=""), safe="").encode()),
        ("url-encoded", quote_plus(KEY).lower().encode()),
        ("url-encoded", percent(B, "02x")),
        ("url-encoded", percent(B, "02X")),
        ("json-escaped", "".join(f"\\u{ord(char):04x}" for char in KEY).encode()),
        ("json-escaped", "".join(f"\\u{ord(char):04X}" if at % 3 else char for at, char in enumerate(KEY)).encode()),
        ("json-escaped", B.replace(b"/", b"\\/")),
        ("json-escaped", B.replace(b"/", b"\\\\\\/")),
        ("json-escaped", "".join(f"\\x{byte:02x}" for byte in B).encode()),
        ("html-escaped", B.replace(b"+", b"&#43;").replace(b"/", b"&#x2F;")),
        ("html-escaped", html.escape("".join(f"&#{ord(char)};" for char in KEY)).encode()),
        ("base64", base64.b64encode(B)),
        ("base64", base64.urlsafe_b64encode(B)),
        ("base64", base64.b64encode(b"Bearer " + B)),
        ("base64", base64.b64encode(b"u:" + B + b":trailing")),
        ("base64", base64.b64encode(b"abc" + B)),
        ("base64", quote(base64.b64encode(b"?" + B).decode(), safe="").encode()),
        ("hex", B.hex().encode()),
        ("hex", B.hex().upper().encode()),
        ("reversed", B[::-1]),
    ],
)
def test_each_form_is_found_and_nothing_moves(form: str, encoded: bytes) -> None:
    before, after = b'{"error": "no such key ', b'."}'
    cleaned, found = REDACTOR.data(before + encoded + after)
    assert found == (("api-key", form),)
    assert len(cleaned) == len(before + encoded + after)
    assert cleaned.startswith(before)
    assert cleaned.endswith(after)
    masked = cleaned[len(before) : -len(after)]
    assert masked.count(b"*") >= len(encoded) - 16  # of base64, what stood before and after the key may stay
    if form != "base64":
        assert set(masked) == {ord("*")}


NEIGHBOURS = st.lists(st.sampled_from(b"xyz\0\xff"), max_size=7).map(bytes)


@given(prefix=NEIGHBOURS, suffix=NEIGHBOURS)
def test_base64_is_found_at_every_alignment(prefix: bytes, suffix: bytes) -> None:
    cleaned, _ = REDACTOR.data(base64.b64encode(prefix + B + suffix))
    rest = cleaned.replace(b"*", b"A")
    decoded = base64.b64decode(rest)
    assert all(B[at : at + 1] not in decoded for at in range(len(B)))


@given(
    text=st.text(max_size=40),
    at=st.integers(0, 40),
    secret=st.text(st.characters(codec="utf-8"), min_size=6, max_size=30).map("k-".__add__),
)
@settings(deadline=None)
@example(text="", at=0, secret='"\\/<>&%\'"')
@example(text="", at=0, secret="пароль-ключ")
@example(text="", at=0, secret="k-000\\\x1f0")
@example(text="", at=0, secret="k-\\\\\U0001f600\\-é/")
def test_json_stays_json_and_loses_the_secret(text: str, at: int, secret: str) -> None:
    redactor = Redactor({"key": secret})
    for ascii_only in (True, False):
        try:
            echoed = json.dumps({"a": text[:at] + secret + text[at:]}, ensure_ascii=ascii_only).encode()
        except UnicodeEncodeError:
            continue
        cleaned, found = redactor.data(echoed)
        assert found
        assert secret not in json.loads(cleaned)["a"]


@given(st.binary(max_size=200))
def test_what_holds_no_secret_is_not_touched(data: bytes) -> None:
    assert REDACTOR.data(data) == (data, ())


@pytest.mark.parametrize("text", ["sk-Test", "sk-Test+012", "", "Authorization: Bearer"])
def test_a_part_of_a_secret_within_a_text_is_not_redacted(text: str) -> None:
    assert REDACTOR.text(f"see {text} here") == f"see {text} here"


def test_text_for_messages() -> None:
    assert REDACTOR.text(f"key {KEY} — no") == f"key {'*' * len(KEY)} — no"


def test_values_for_reports() -> None:
    value = {"a": [KEY, 1, None, {"b": f"x{KEY}"}]}
    assert REDACTOR.value(value) == {"a": ["*" * len(KEY), 1, None, {"b": "x" + "*" * len(KEY)}]}


def test_a_short_secret_is_only_taken_between_boundaries() -> None:
    redactor = Redactor({"api-key": "test", "other": ""})
    assert redactor.text("test latest testing a-test (test) Test") == "**** latest testing a-test (****) Test"


def test_several_secrets_are_named_apart() -> None:
    redactor = Redactor({"api-key": KEY, "other-api-key": "other-secret-key"})
    _, found = redactor.data(b"other-secret-key and " + B)
    assert set(found) == {("api-key", "plain"), ("other-api-key", "plain")}


def test_every_part_of_an_exchange_is_cleaned() -> None:
    redacted = REDACTOR.exchange(
        exchange(
            b'{"key": "' + B + b'"}',
            headers=(("X-Echo", f"a {KEY}"), (f"X-{KEY}", "1")),
            request_headers=(("Authorization", f"Bearer {KEY}"), ("X-Other", KEY)),
            url=f"http://host/v1?api_key={quote(KEY, safe='')}",
            request_body=B,
            reason=f"No {KEY}",
            detail=f"illegal header line: {KEY}",
        )
    )
    assert B not in written(redacted)
    assert quote(KEY, safe="").encode() not in written(redacted)
    places = {redaction.where for redaction in redacted.redactions}
    assert places == {
        "request",
        "status",
        "header",
        "header X-Echo",
        f"header X-{'*' * len(KEY)}",
        "body",
        "ending",
    } - {f"header X-{'*' * len(KEY)}"}
    assert redacted.request.headers[0] == ("Authorization", "Bearer " + "*" * len(KEY))


@pytest.mark.parametrize(
    ("value", "kept", "name"),
    [
        (f"Bearer {KEY}", "Bearer " + "*" * len(KEY), "api-key"),
        ("Bearer never-issued", "Bearer ************", "credential"),
        (f"Basic {KEY}", "Basic " + "*" * len(KEY), "api-key"),
        ("just-a-key", "**********", "credential"),
        ("Bearer", "Bearer", None),
        ("", "", None),
    ],
)
def test_a_credential_header_never_stays(value: str, kept: str, name: str | None) -> None:
    redacted = REDACTOR.exchange(exchange(b"{}", request_headers=(("authorization", value),)))
    assert redacted.request.headers == (("authorization", kept),)
    assert redacted.redactions == ((Redaction(name, "credential header", "request"),) if name else ())


def test_another_credential_header_can_be_named() -> None:
    redactor = Redactor({}, credential_headers=["X-Token"])
    redacted = redactor.exchange(exchange(b"{}", request_headers=(("x-token", "abc"),)))
    assert redacted.request.headers == (("x-token", "***"),)


@pytest.mark.parametrize("cut", range(1, len(KEY)))
def test_a_key_across_two_reads_is_found(cut: int) -> None:
    redacted = REDACTOR.exchange(exchange(b'{"k":"' + B[:cut], B[cut:] + b'"}'))
    assert redacted.answer is not None
    assert [len(read.data) for read in redacted.answer.reads] == [6 + cut, len(B) - cut + 2]
    assert [read.at for read in redacted.answer.reads] == [0.1, 0.2]
    assert body_of(redacted) == b'{"k":"' + b"*" * len(B) + b'"}'


@pytest.mark.parametrize("length", [8, 12, len(KEY) - 1])
def test_a_key_that_was_cut_by_the_end_is_found(length: int) -> None:
    redacted = REDACTOR.exchange(exchange(b'{"k":"' + B[:length], detail=f"illegal line: {KEY[:length]}"))
    assert body_of(redacted) == b'{"k":"' + b"*" * length
    assert redacted.ending.detail == "illegal line: " + "*" * length


@pytest.mark.parametrize("size", [1, 2, 5, 9])
def test_a_key_split_over_deltas_is_found(size: int) -> None:
    pieces = [KEY[at : at + size] for at in range(0, len(KEY), size)]
    body = events(delta("Your key: "), *map(delta, pieces), delta(" is it"), "[DONE]")
    redacted = REDACTOR.exchange(exchange(body, headers=(("Content-Type", "text/event-stream"),)))
    documents = [line[6:] for line in body_of(redacted).decode().split("\n\n") if line.startswith("data: {")]
    texts = [json.loads(document)["choices"][0]["delta"]["content"] for document in documents]
    assert "".join(texts) == "Your key: " + "*" * len(KEY) + " is it"
    assert len(body_of(redacted)) == len(body)
    assert "spread over events" in forms(redacted)


def test_a_key_split_over_members_that_hold_a_number_in_another_event() -> None:
    pieces = [KEY[at : at + 3] for at in range(0, len(KEY), 3)]
    redacted = REDACTOR.exchange(exchange(events('{"t":65}', *(f'{{"t":"{piece}"}}' for piece in pieces))))
    assert not any(piece.encode() in body_of(redacted) for piece in pieces)
    assert "spread over events" in forms(redacted)


def test_a_key_split_over_deltas_of_choices_that_take_turns() -> None:
    documents = [
        delta(piece, index) for pair in zip(KEY, "x" * len(KEY), strict=True) for index, piece in enumerate(pair)
    ]
    redacted = REDACTOR.exchange(exchange(events(*documents)))
    assert body_of(redacted).count(b"*") == len(KEY)


@pytest.mark.parametrize(
    "encode", [lambda text: base64.b64encode(text.encode()).decode(), lambda text: quote(text, safe=""), str.upper]
)
def test_an_encoded_key_split_over_deltas(encode: object) -> None:
    encoded: str = encode(KEY)  # type: ignore[operator]
    body = events(*(delta(encoded[at : at + 3]) for at in range(0, len(encoded), 3)))
    assert body_of(REDACTOR.exchange(exchange(body))).count(b"*") >= len(encoded) - 2


def test_an_escaped_key_split_over_deltas() -> None:
    escaped = [f'{{"t":"\\u{ord(char):04x}"}}' for char in KEY]
    redacted = REDACTOR.exchange(exchange(events(*escaped)))
    lines = [json.loads(line[6:]) for line in body_of(redacted).decode().split("\n\n") if line]
    assert lines == [{"t": "******"}] * len(KEY)


def test_a_key_split_over_events_of_plain_text() -> None:
    redacted = REDACTOR.exchange(exchange(b"".join(b"data: %c\r\n\r\n" % char for char in B)))
    assert body_of(redacted) == b"data: *\r\n\r\n" * len(B)


def test_a_key_split_over_plain_text_with_escapes_is_found_where_it_is() -> None:
    pieces = ["a\\u0041\\n", *KEY[:5], "", KEY[5:], "\\u00e9 end"]
    redacted = REDACTOR.exchange(exchange(events(*pieces)))
    cleaned = ["a\\u0041\\n", *"*" * 5, "", "*" * len(KEY[5:]), "\\u00e9 end"]
    assert body_of(redacted) == events(*cleaned)


@pytest.mark.slow
def test_a_key_at_the_end_of_a_long_stream_takes_no_more_memory_than_a_few_times_its_size() -> None:
    body = events(*(delta(f"a piece of text {number} ") for number in range(6_000)), *map(delta, KEY))
    value = exchange(body)
    tracemalloc.start()
    try:
        redacted = REDACTOR.exchange(value)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert body_of(redacted).count(b"*") == len(KEY)
    assert peak < 8 * len(body), f"{peak / len(body):.1f} times"


def test_a_stream_without_the_key_is_the_same_object() -> None:
    plain = exchange(events(*(delta(word) for word in ("sk-", "Test", "ing"))), request_headers=())
    assert REDACTOR.exchange(plain).answer is not None
    assert REDACTOR.exchange(plain) == plain


@pytest.mark.parametrize("varied", sorted(varied_keys(KEY)))
def test_a_key_that_is_varied_is_redacted(varied: str) -> None:
    body = f'{{"error": "no such key: {varied}"}}'.encode()
    redacted = REDACTOR.exchange(exchange(body, request_headers=(("Authorization", f"Bearer {varied}"),)))
    assert KEY[4:].lower() not in written(redacted).decode().lower()
    names = {redaction.secret for redaction in redacted.redactions if redaction.where == "request"}
    assert names == {"api-key, varied"}


@pytest.mark.parametrize("nearly", [KEY[:-1], changed_key(KEY), extended_key(KEY)], ids=["cut", "changed", "extended"])
def test_a_key_that_is_nearly_right_is_redacted(nearly: str) -> None:
    body = f'{{"error": "no such key: {nearly}"}}'.encode()
    redacted = REDACTOR.exchange(exchange(body, request_headers=(("Authorization", f"Bearer {nearly}"),)))
    assert KEY[:6] not in written(redacted).decode()
    names = {redaction.secret for redaction in redacted.redactions if redaction.where == "request"}
    assert names == {"api-key, but for one character"}


@pytest.mark.parametrize("mask", ["***", "...", "…", "\\u2026", "xxxx", "••••", "[REDACTED]", "####"])
def test_what_a_mask_leaves_of_a_key_is_found(mask: str) -> None:
    redacted = REDACTOR.exchange(exchange(f"bad key {KEY[:7]}{mask}{KEY[-4:]} here".encode()))
    assert forms(redacted) == {"masked"}
    assert body_of(redacted).decode() == f"bad key *******{mask}**** here"


HEXADECIMAL_KEY = "sk-2f0b7c19e8d3a645917c0d2be4f8a613"


@pytest.mark.parametrize(
    ("shown", "form"),
    [
        ("a3c54f8b-19e8-d3a6-8877-4f6f2a90c1de", "perhaps by chance"),  # eight digits of the middle, in an identifier
        ("40bc719546a3f4", "perhaps by chance"),  # nine of them, backwards
        ("19e8d3a645917c0d", "masked"),
        ("2f0b7c19", "masked"),  # where a key begins, and nothing more: cut, or as somebody names it
        ("e4f8a613", "masked"),
        (HEXADECIMAL_KEY, "plain"),
    ],
)
def test_a_piece_in_random_digits_is_taken_out_and_not_told_as_the_key(shown: str, form: str) -> None:
    redactor = Redactor({"api-key": HEXADECIMAL_KEY})
    redacted = redactor.exchange(exchange(f'{{"id": "{shown}"}}'.encode()))
    assert {one.form for one in redacted.redactions if one.where == "body"} == {form}
    assert b"********" in body_of(redacted).replace(b"-", b"")


@pytest.mark.parametrize("shown", ["sk-...EFGH", f"sk-***{KEY[-5:]}", "sk-Te***GH", "***", f"{KEY[:5]}…", "a...b"])
def test_a_mask_that_hides_enough_is_left_alone(shown: str) -> None:
    redacted = REDACTOR.exchange(exchange(f"bad key {shown}".encode()))
    assert body_of(redacted).decode() == f"bad key {shown}"
    assert forms(redacted) == set()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (json.dumps({"error": {"message": f"the key {KEY} is wrong"}}).encode(), ("Content-Type", "application/json")),
        (events(*(delta(part) for part in KEY)), ("Content-Type", "text/event-stream")),
        (gzip.compress(KEY.encode()), ("Content-Encoding", "gzip")),
        (gzip.compress(b"nothing"), ("Content-Encoding", "an-unknown-one")),
        (b"nothing", ("Content-Type", "text/plain")),
    ],
)
def test_a_body_that_comes_again_is_cleaned_as_at_first(body: bytes, field: tuple[str, str]) -> None:
    redactor = Redactor(SECRETS)
    redactor.exchange(exchange(body, headers=(field,)))
    halves = exchange(body[: len(body) // 2], body[len(body) // 2 :], headers=(field,))
    searched = redactor.work
    assert redactor.exchange(halves) == Redactor(SECRETS).exchange(halves)
    assert redactor.work - searched < _work_of(halves)


def _work_of(value: Exchange) -> int:
    fresh = Redactor(SECRETS)
    fresh.exchange(value)
    return fresh.work


@given(EXCHANGES)
def test_redacting_an_exchange_twice_changes_nothing_more(value: Exchange) -> None:
    once = REDACTOR.exchange(value)
    assert REDACTOR.exchange(once).answer == once.answer
    if value.answer is not None and not any(name.lower() == "content-encoding" for name, _ in value.answer.headers):
        assert once.answer is not None
        assert [len(read.data) for read in once.answer.reads] == [len(read.data) for read in value.answer.reads]


@pytest.mark.parametrize(
    "body",
    [
        events(*(delta(f"word{number} \\ % & s S") for number in range(5_000))),
        b"s" * 1_000_000 + b"\\u",
        b"\\" * 1_000_000 + b"u",
        b"%25" * 300_000,
        b"&amp;" * 300_000,
        b"&#0" * 300_000,
        b"sk-Test+0123/abcdEFG" * 50_000,
        b"sk-Test+***EFGH" * 50_000,
        b"." * 1_000_000,
    ],
)
def test_no_body_makes_cleaning_slow(body: bytes) -> None:
    began = time.process_time()
    REDACTOR.exchange(exchange(body))
    assert time.process_time() - began < 2

"""The table of errors tells what came for each condition, and nothing of a target's own text acts in it."""

from __future__ import annotations

from conformance.report.error_table import error_rows
from conformance.wire.exchange import Answer, Ending, EndKind, Exchange, Read, SentRequest

JSON = (("Content-Type", "application/json; charset=utf-8"), ("X-Request-Id", "r1"), ("Allow", "POST"))


def exchange(probe: str, body: bytes = b"", headers: tuple[tuple[str, str], ...] = JSON, status: int = 400) -> Exchange:
    answer = Answer(status, "", "HTTP/1.1", headers, 0.0, (Read(0.1, body),) if body else ())
    request = SentRequest("POST", "http://host/v1/chat/completions", (), b"{}")
    return Exchange(f"{probe}#1", probe, 1, "2026-01-01T00:00:00Z", request, answer, Ending(EndKind.COMPLETE, at=0.2))


def test_each_condition_has_a_row_of_its_own() -> None:
    printed = b'{"error":{"message":"No.","type":"x","param":null,"code":null}}'
    rows = error_rows([exchange("error/json-cut", printed), exchange("access/no-key", b"Unauthorized", (), 401)])
    assert [(row.condition, row.status, row.media_type, row.headers) for row in rows] == [
        ("error/json-cut", "400", "application/json", "allow, x-request-id"),
        ("access/no-key", "401", "", ""),
    ]
    assert rows[0].body == "error.code, error.message, error.param, error.type"
    assert rows[1].body == "not JSON, 12 bytes"


def test_keywords_that_are_answered_alike_share_a_row() -> None:
    probes = [f"request.{name}.type/enforced/string" for name in ("n", "stop", "stream")]
    rows = error_rows([exchange(probe, b'{"detail":[]}', status=422) for probe in probes])
    assert [(row.alike, row.status, row.body) for row in rows] == [(3, "422", "detail")]


def test_completions_and_attempts_that_were_repeated_are_left_out() -> None:
    assert error_rows([exchange("completion/plain", b"{}", status=200)]) == []


def test_what_is_no_error_object_is_said_so() -> None:
    bodies = {b"": "no body", b"[]": "a JSON list", b'"x"': "a JSON str", b"{}": "an empty object"}
    for body, printed in bodies.items():
        assert error_rows([exchange("error/json-cut", body)])[0].body == printed


def test_a_targets_text_is_short_and_on_one_line() -> None:
    hostile = b'{"' + b"a\\n\\u001b" * 500 + b'": 1}'
    row = error_rows([exchange("error/json-cut", hostile, (("Content-Type", "x/\x1b[31m" + "y" * 500),))])[0]
    assert all(character.isprintable() for character in row.body + row.media_type)
    assert max(len(row.body), len(row.media_type)) <= 120

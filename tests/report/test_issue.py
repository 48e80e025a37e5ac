"""An issue says what is broken and how to see it, and nothing that a target sent does anything in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from comparable_runs import requirement, run_of
from exchange_samples import KEY, exchange
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from conformance.contract.model import Basis, Source
from conformance.evidence import Redactor
from conformance.reading.secret_forms import masked_forms
from conformance.report import Results, TargetView
from conformance.report.curl import curl_for
from conformance.report.issue import NoIssueError, issue_markdown
from conformance.report.neutral_markdown import block_of, command_block, is_unseen, prose_of, span_of
from conformance.suite.outcome import Finding, Outcome
from conformance.wire.exchange import Exchange

ID = "stream.done-once"
MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
PLAIN = re.compile(r"[\w .,;:?()'\"/-]*")
"""What may stand outside of code: neither a mention nor a reference can be written with these, see below."""
REFERENCE = re.compile(r"[@#!$%~^&*_<>\[\]\\|`]|\w-\d|://|www\.|\b[0-9a-f]{7,40}\b")

ACTING = (
    *(
        "@octocat",
        "@org/team",
        "#1",
        "GH-1",
        "org/repo#1",
        "org/repo@deadbeef",
        "!1",
        "$1",
        "%1",
        "&1",
        "~bug",
        "AB-12",
    ),
    *(
        "fixes #1",
        "closes https://github.com/a/b/issues/1",
        "https://evil.example",
        "www.evil.example",
        "a@evil.example",
    ),
    *("<img src=x onerror=alert(1)>", "<!-- hidden -->", "<details>", "</code>", "&lt;", "&#64;octocat", "[a](b)"),
    *("![a](b)", "`", "``", "```", "````\n", "~~~", "```sh\n", "\n/close\n", "/close", "\n# heading", "\n- [ ] task"),
    *("\n> quote", "***", "| a | b |\n| - | - |", "\r/merge", "\u2028/close", "[x]: http://evil.example", "$$x$$"),
    *("$`x`$", ":smile:", "\\", "* * *", "\u202egnirts", "a\u200bb", "\u2060", "\U000e0041", "\ufe01", "\U000e0101"),
    *("\u3164", "\u115f", "\u034f", "\u00ad", "\x1b[2J", "deadbeefdeadbeefdeadbeefdeadbeefdeadbeef", "defaced"),
    *("\x00", "\x85/close", "\x0b/close", "javascript:alert(1)"),
)
HOSTILE = st.lists(st.sampled_from(ACTING) | st.text(max_size=12) | st.just(" "), max_size=6).map("".join)


def tokens(text: str) -> Iterator[Token]:
    for token in MARKDOWN.parse(text):
        yield token
        yield from token.children or ()


def structure(text: str) -> list[str]:
    """The blocks of a Markdown text."""
    return [token.type for token in MARKDOWN.parse(text)]


def assert_harmless(text: str) -> None:
    kinds = {token.type for token in tokens(text)}
    assert kinds.isdisjoint({"html_inline", "html_block", "link_open", "image", "em_open", "strong_open", "s_open"})
    for token in tokens(text):
        if token.type == "text":
            assert PLAIN.fullmatch(token.content), token.content
            assert not REFERENCE.search(token.content), token.content
    unseen = [char for char in text if is_unseen(char) and char not in "\n\u200c\u200d"]
    assert unseen == []


# --- the parts -----------------------------------------------------------------------------------------------------


@given(HOSTILE)
def test_a_span_is_one_piece_of_code(text: str) -> None:
    written = f"Came: {span_of(text)} at last"
    assert_harmless(written)
    (paragraph,) = [token for token in MARKDOWN.parse(written) if token.type == "inline"]
    assert [one.type for one in paragraph.children or ()] == ["text", "code_inline", "text"]


@given(HOSTILE)
def test_prose_is_plain_words_and_code(text: str) -> None:
    written = f"It says: {prose_of(text)}"
    assert_harmless(written)
    assert structure(written) == ["paragraph_open", "inline", "paragraph_close"]


@given(st.lists(HOSTILE, min_size=1, max_size=5), st.sampled_from(["< ", ""]))
def test_a_block_ends_where_we_end_it(lines: list[str], prefix: str) -> None:
    written = f"{block_of(lines, prefix)}\n\nAfter it"
    assert structure(written) == ["fence", "paragraph_open", "inline", "paragraph_close"]
    assert_harmless(written)
    inside = MARKDOWN.parse(written)[0].content
    assert all(line.startswith(prefix) for line in inside.splitlines())


@given(HOSTILE)
def test_a_command_is_shown_exactly_or_not_at_all(text: str) -> None:
    written = command_block(f"curl -d '{text}'")
    if written is None:
        return
    assert structure(written) == ["fence"]
    assert MARKDOWN.parse(written)[0].content == f"curl -d '{text}'\n"
    assert not any(line.lstrip().startswith(("/", "@", "```", "~~~")) for line in text.split("\n")[1:])


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Write `data: [DONE]` once.", "Write `data: [DONE]` once."),
        ("A stream that succeeds ends.", "A stream that succeeds ends."),
        ("ask @octocat about #1", "ask `@octocat` about `#1`"),
        ("ends (`[DONE]`), or `null`.", "ends (`[DONE]`), or `null`."),
        ("it sends `a``b`", "it sends `a` `b`"),
        ("with up to 20 choices, or none", "with up to 20 choices, or none"),
    ],
)
def test_prose_can_be_read(text: str, written: str) -> None:
    assert prose_of(text) == written


# --- the whole -----------------------------------------------------------------------------------------------------


def redact(text: str) -> str:
    return masked_forms(Redactor({"api-key": KEY}).text(text))


def found(actual: str, *, on: str | None = "plain#1", offset: int | None = None, expected: str = "x") -> Finding:
    return Finding(ID, on, expected, actual, offset=offset)


def run(*findings: Finding, **more: Any) -> Results:
    return run_of(requirement(ID, Outcome.FAILED, findings=findings, **more))


def issue(results: Results, *exchanges: Exchange, requirement_id: str = ID) -> str:
    return issue_markdown(results, requirement_id, exchanges, curl=curl_for, redact=redact)


def test_it_says_what_is_required_what_came_how_to_see_it_and_why_that_matters() -> None:
    body = b"data: {}\n\n"
    headers = (("Content-Type", "text/event-stream"), ("Set-Cookie", "session=abc"))
    one = exchange(body, headers=headers, request_headers=(("Authorization", "Bearer ********"),))
    text = issue(
        run(found("a stream that ends without it", offset=len(body), expected="[DONE] as the last event")), one
    )
    assert_harmless(text)
    assert text.startswith("# Broken: ")
    assert "- Expected: `[DONE] as the last event`\n- Came: `a stream that ends without it`" in text
    assert "< HTTP/1.1 200 OK\n< Content-Type: text/event-stream\n< Set-Cookie: [not shown]\n< \n< data: {}" in text
    assert "[here something is missing]" in text
    assert '```sh\ncurl -isSN http://host/v1/chat/completions \\\n  -H "Authorization: Bearer $' in text
    assert "## What breaks\n\nWhy it matters: Clients wait for the sentinel" in text
    assert "## How to fix it\n\nIn short: Write `data: [DONE]` once" in text
    assert "- Suite: `chat-conformance 0.1.0`" in text
    assert text.endswith("`\n")


def test_it_shows_the_smallest_command_of_all_findings() -> None:
    large = exchange(b"{}", name="large", request_body=b'{"messages": ["' + b"x" * 500 + b'"]}')
    small = exchange(b"{}", name="small", request_body=b'{"n": 1}')
    text = issue(run(found("first", on="large#1"), found("second", on="small#1")), large, small)
    assert "- Came: `second`" in text
    assert "also in 1 other exchange of the run" in text
    assert "xxxx" not in text


def test_a_command_that_cannot_be_shown_is_in_the_report() -> None:
    for body in (b'{"x": "' + b"y" * 20_000 + b'"}', b'{"x":\n"\n/close"}'):
        text = issue(run(found("odd")), exchange(b"{}", request_body=body))
        assert "The report of the run (compliance.html) has it under the exchange `plain#1`." in text
        assert "```sh" not in text


def test_an_answer_is_cut_and_binary_is_not_poured_out() -> None:
    text = issue(run(found("long")), exchange(b"z" * 100_000))
    assert "left out]" in text
    assert len(text) < 8_000
    text = issue(run(found("binary")), exchange(bytes(range(256)) * 50))
    assert len(text) < 12_000
    assert_harmless(text)


@given(HOSTILE, HOSTILE, HOSTILE)
def test_nothing_that_a_target_sent_acts(actual: str, header: str, body: str) -> None:
    hostile = exchange(body.encode("utf-8", "replace"), headers=(("X-Note", header), (header, "1")), reason=header)
    hostile = replace(hostile, ending=replace(hostile.ending, detail=actual))
    source = Source(actual, body, Basis.STATED, header, f"javascript:{body}")
    results = run(found(actual, offset=3, expected=body), statement=f"It holds {actual}", source=source)
    results = replace(results, target=TargetView(f"https://host/{header}", model=actual, server=body))
    text = issue(results, hostile)
    assert_harmless(text)
    usual = issue(run(found("a", offset=3, expected="b")), exchange(b"{}"))
    kinds = [
        token.type for token in MARKDOWN.parse(text) if token.type in ("heading_open", "fence", "bullet_list_open")
    ]
    assert kinds == [t.type for t in MARKDOWN.parse(usual) if t.type in ("heading_open", "fence", "bullet_list_open")]


def test_keys_and_what_looks_like_keys_are_masked_wherever_they_stand() -> None:
    other = "sk-proj-A1b2C3d4E5f6G7h8I9j0K1l2"
    said = f"key {KEY} and {other} and postgres://admin:hunter22@db/x"
    one = exchange(
        said.encode(), headers=(("X-Key", KEY), ("X-Other", other)), request_body=f'{{"u":"{other}"}}'.encode()
    )
    text = issue(run(found(said, expected=said), statement=said), one)
    for secret in (KEY, other, "hunter22"):
        assert secret not in text
    assert "X-Key: ****" in text


@pytest.mark.parametrize(
    ("outcome", "said"),
    [(Outcome.PASSED, "is passed in this run, so there is nothing to report."), (Outcome.SKIPPED, "is skipped")],
)
def test_what_is_not_broken_is_not_reported(outcome: Outcome, said: str) -> None:
    with pytest.raises(NoIssueError, match=said):
        issue(run_of(requirement(ID, outcome)))


def test_what_cannot_be_seen_names_what_to_report() -> None:
    row = requirement(ID, Outcome.BLOCKED, blocked_by="stream.json")
    with pytest.raises(NoIssueError, match=r"since stream\.json is broken; report that one\."):
        issue(run_of(row))
    with pytest.raises(NoIssueError, match="knows no requirement 'nothing'"):
        issue(run_of(row), requirement_id="nothing")


def test_findings_without_an_exchange_are_said_in_words() -> None:
    text = issue(run(found("two answers that contradict each other", on=None)))
    assert "no single request shows it." in text
    assert_harmless(text)

"""The compliance page shows everything, needs nothing from outside, and runs nothing that a target sent."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
import report_sample as sample

from conformance.report import Judgement, PlainTimelineRow, Results, build_results, compliance_page
from conformance.report.results import AgainstBaseline, Fingerprint, Gate, GateStatus, Scope, Tries
from conformance.suite.outcome import Finding, Outcome
from conformance.wire.exchange import Exchange

VOID = {"meta", "input", "br", "rect"}


class Page(HTMLParser):
    """The page as elements: tag and attributes in order, the text of each script and style, and all visible text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.raw: dict[str, str] = {}
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in {"script", "style"}:
            name = self.elements[-1][1].get("id") or self.open[-1]
            self.raw[name] = self.raw.get(name, "") + data
        else:
            self.text += data

    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        return [(tag, tuple(attributes)) for tag, attributes in self.elements]

    def exchange(self, name: str) -> dict[str, Any]:
        index = json.loads(self.raw["exchange-index"])
        number = [entry[0] for entry in index].index(name)
        view: dict[str, Any] = json.loads(self.raw[f"exchange-{number}"])
        return view


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(compliance_page(sample.sample_results(), sample.exchanges(), curl=sample.curl))


def test_a_hostile_target_adds_no_element_and_no_attribute(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "HOSTILE", "alert(1) nothing but words")
    plain = Page(compliance_page(sample.sample_results(), sample.exchanges(), curl=sample.curl))
    assert page.shape() == plain.shape()
    assert page.open == []


def test_hostile_text_is_there_to_be_read(page: Page) -> None:
    assert "</script><script>alert(1)</script>" in page.text
    assert "\\x1b[31mred" in page.text
    assert "\\u202egnirts" in page.text
    assert not set(page.html) & set("\x00\x1b\x85\u202e\u2028")
    page.html.encode("utf-8")


def test_only_the_pages_own_style_and_script_are_allowed_to_act(page: Page) -> None:
    policy = next(
        attributes["content"] or ""
        for tag, attributes in page.elements
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    )
    digests = {
        name: "sha256-" + base64.b64encode(hashlib.sha256(page.raw[name].encode()).digest()).decode()
        for name in ("style", "script")
    }
    assert policy == (
        f"default-src 'none'; style-src '{digests['style']}'; script-src '{digests['script']}';"
        " base-uri 'none'; form-action 'none'"
    )
    acting = [attributes for tag, attributes in page.elements if tag == "script" and "type" not in attributes]
    assert len(acting) == 1


def test_nothing_is_loaded_from_outside(page: Page) -> None:
    for tag, attributes in page.elements:
        assert not {"src", "srcset", "action", "style", "data", "poster"} & set(attributes), tag
        assert not [name for name in attributes if name.startswith("on")], tag
        assert tag not in {"link", "img", "iframe", "object", "embed", "base", "form-action"}
    links = {attributes["href"] for tag, attributes in page.elements if tag == "a"}
    assert all((link or "").startswith(("#", "https://")) for link in links)
    assert "url(" not in page.raw["style"]
    assert "@import" not in page.raw["style"]


def test_a_source_that_is_no_web_address_is_not_a_link(page: Page) -> None:
    assert 'href="https://html.spec.whatwg.org/multipage/server-sent-events.html"' in page.html
    assert "javascript:alert(4)" not in page.html


def test_every_requirement_has_a_deep_link_and_can_be_filtered(page: Page) -> None:
    rows = {
        attributes["id"]: attributes
        for tag, attributes in page.elements
        if tag == "details" and "requirement" in (attributes["class"] or "")
    }
    results = sample.sample_results()
    assert set(rows) == {row.id for row in results.requirements}
    for row in results.requirements:
        assert rows[row.id]["data-outcome"] == row.outcome
        assert rows[row.id]["data-level"] == row.level
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {attributes["href"] for tag, attributes in page.elements if tag == "a"}
    assert {link[1:] for link in targets if link and link.startswith("#")} <= set(ids)


def test_without_a_script_verdict_findings_and_gaps_are_readable(page: Page) -> None:
    for words in (
        "Nonconformant",
        "5 MUST requirements failed",
        "one event [DONE]",
        "2 events [DONE]",
        "event 65, byte 12,809, 886.0 ms",
        "The connection was reset before an answer came.",
        "The budget of 20 requests ran out.",
        "judged by the exhaustive tier",
        "Storage cannot be seen from outside.",
        "Vendor ticket 4711",
        "2,214 completion tokens",
        "412.7 kB",
        sample.DIGEST,
        "1 exchange",
    ):
        assert words in page.text
    assert "<mark>data: [DONE]</mark>" in page.html


def test_an_exchange_is_embedded_once_and_only_if_a_requirement_names_it(page: Page) -> None:
    names = [entry[0] for entry in json.loads(page.raw["exchange-index"])]
    assert sorted(names) == sorted({exchange.id for exchange in sample.exchanges()} - {"never/used#1"})
    assert sum(1 for name in page.raw if re.fullmatch(r"exchange-\d+", name)) == len(names)


def test_an_exchange_shows_request_answer_and_ending(page: Page) -> None:
    view = page.exchange("stream/cut#1")
    assert view["curl"].startswith("curl --request POST")
    assert view["answer"]["line"] == "HTTP/1.1 200 OK"
    assert view["answer"]["headers"][0] == ["Content-Type", "text/event-stream"]
    assert view["ending"]["kind"] == "truncated"
    assert page.exchange("access/no-key#1")["answer"] is None
    assert page.exchange("error/invalid#1")["redactions"] == ["api-key (base64) in body"]


def test_a_long_body_is_cut_and_the_offending_part_still_shown(page: Page) -> None:
    answer = page.exchange("error/invalid#1")["answer"]
    assert answer["size"] > 60_000
    assert sum(len(part.get("text", "")) for part in answer["parts"]) < 35_000
    assert 45_000 in [part.get("mark") for part in answer["parts"]]
    assert sum(part.get("omitted", 0) for part in answer["parts"]) > 25_000
    assert page.exchange("error/gzip#1")["answer"]["binary"] is True


def test_a_stream_has_a_timeline_with_the_findings_at_their_events(page: Page) -> None:
    stream = page.exchange("stream/plain#1")["stream"]
    assert stream["count"] == 66
    assert stream["rows"][-1]["note"] == "stream.done-once: 2 events [DONE]"
    assert stream["rows"][0]["note"] == "stream.role-first: no role"
    assert stream["rows"][1]["note"] == ""
    assert stream["rows"][0]["ms"] == 118.0
    assert stream["arrivals"][-1][1] == page.exchange("stream/plain#1")["answer"]["size"]
    assert page.exchange("completion/plain#1")["stream"] is None


def test_a_long_stream_keeps_its_ends_and_counts_the_rest(page: Page) -> None:
    stream = page.exchange("stream/long#1")["stream"]
    assert stream["count"] == 1501
    assert [row for row in stream["rows"] if "omitted" in row] == [{"omitted": 1501 - 160}]
    assert len(stream["arrivals"]) == 240


def test_the_timeline_of_a_reading_is_taken_where_it_is_given() -> None:
    def timeline(exchange: Exchange) -> Sequence[PlainTimelineRow]:
        return [PlainTimelineRow(1.0, 0, f"event of {exchange.id}", "wrong"), PlainTimelineRow(2.0, 12_000, "[DONE]")]

    made = Page(compliance_page(sample.sample_results(), sample.exchanges(), curl=sample.curl, timeline=timeline))
    rows = made.exchange("stream/plain#1")["stream"]["rows"]
    assert rows[0]["text"] == "event of stream/plain#1"
    assert rows[0]["note"].startswith("wrong; stream.id-constant: ")
    assert rows[1]["note"] == "stream.done-once: 2 events [DONE]"


def test_the_page_is_the_same_for_the_same_run() -> None:
    first, second = (compliance_page(sample.sample_results(), sample.exchanges(), curl=sample.curl) for _ in "12")
    assert first == second


def test_redaction_reaches_all_but_the_pages_own_style_and_script() -> None:
    made = Page(
        compliance_page(sample.sample_results(), sample.exchanges(), curl=sample.curl,
                        redact=lambda text: text.replace("kodexa-large", "************").replace("var(", "****"))
    )  # fmt: skip
    assert "kodexa-large" not in made.html
    assert "var(" in made.raw["style"]


def test_code_is_shown_as_code_and_nothing_else_is() -> None:
    results = sample.sample_results(0)
    hostile = "`<img src=x>` is not `stop`, nor `a <b> c`"
    rows = tuple(
        replace(row, statement=hostile, messages=(hostile,)) if row.id == "stream.done-once" else row
        for row in results.requirements
    )
    made = Page(written(replace(results, requirements=rows)))
    assert "<code>&lt;img src=x&gt;</code> is not <code>stop</code>, nor <code>a &lt;b&gt; c</code>" in made.html
    assert "`" not in made.text
    assert "img" not in [tag for tag, _ in made.elements]


def test_what_is_blocked_stands_once_below_what_blocks_it() -> None:
    results = sample.sample_results(0)
    rows = tuple(
        replace(row, outcome=Outcome.BLOCKED, blocked_by="stream.done-once", findings=())
        if row.id in {"stream.utf8", "error.status-invalid"}
        else row
        for row in results.requirements
    )
    made = Page(written(replace(results, requirements=rows)))
    below = made.html.index('<details class="requirement row failed" id="stream.done-once"')
    places = [made.html.index(f'id="{name}"', below) for name in ("stream.utf8", "error.status-invalid")]
    assert made.html.index("cannot be seen until", below) < min(places)
    assert max(places) < made.html.index('<details class="requirement', max(places))
    ids = [attributes["id"] for _, attributes in made.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert "Blocks 2 requirements that cannot be seen until then" in " ".join(made.text.split())


def test_a_cause_says_what_was_expected_what_came_and_the_fix() -> None:
    html = written(sample.sample_results(0))
    causes = html[html.index('<section id="fix"') : html.index('<section id="tested"')]
    for words in ("one event [DONE]", "2 events [DONE]", "exactly one [DONE] event", "<strong>Fix</strong>"):
        assert words in causes


def test_the_verdict_carries_its_scope() -> None:
    results = sample.sample_results(0)
    shown = written(replace(results, scope=Scope(("n", "stop"), ("one tenant",), ("second_tenant",))))
    assert "<title>Nonconformant: kodexa, standard tier, without n, stop, one tenant at " in shown
    assert '<span class="scope">kodexa, standard tier, without n, stop, one tenant</span>' in shown
    assert "(not configured: second_tenant)" in shown


def test_on_paper_each_page_names_the_run_and_its_number(page: Page) -> None:
    style = page.raw["style"]
    assert "counter(page)" in style
    (footer,) = re.findall(r'@page { @bottom-left { content: "([^"]*)"; } }', style)
    assert re.fullmatch(rf"chat-conformance: kodexa, run [0-9a-f]{{12}}, {re.escape(sample.STARTED)}", footer)
    assert footer.split()[3].rstrip(",") in page.text


def test_the_footer_of_paper_says_nothing_that_could_end_it() -> None:
    results = sample.sample_results(0)
    named = replace(results, profile=replace(results.profile, name='own"; } </style><script>alert(1)</script>'))
    made = Page(written(named))
    assert [tag for tag, _ in made.elements].count("style") == 1
    assert "</style><script>alert" not in made.html


@pytest.mark.parametrize("command", ["curl " + "x" * 40_000, "curl --data '\u202e'"])
def test_a_command_that_cannot_be_shown_as_typed_is_not_shown(command: str) -> None:
    made = Page(compliance_page(sample.sample_results(0), sample.exchanges(), curl=lambda _: command))
    assert made.exchange("stream/plain#1")["curl"] is None


def test_an_empty_run_makes_a_page_that_says_so() -> None:
    contract = sample.contract(0)
    empty = build_results(replace(contract, requirements=()), (), sample.facts(selection="nothing.*", waivers=()))
    made = Page(compliance_page(empty, (), curl=sample.curl))
    assert "Inconclusive" in made.text
    assert "No requirement was judged: nothing matches nothing.*." in made.text
    assert "No waiver was in force." in made.text


@pytest.mark.slow
def test_two_thousand_requirements_with_20_mb_of_evidence_stay_usable() -> None:
    contract = sample.contract(1980)
    body = b'{"error": "' + b"<&\xe2\x82\xac\x00 words " * 3100 + b'"}'
    evidence = [sample.exchange(f"request/p{number}", 400, "application/json", [body]) for number in range(500)]
    assert sum(len(row.answer.body) for row in evidence if row.answer) > 20_000_000
    judged = []
    for number, row in enumerate(row for row in contract.requirements if not row.excluded and row.level == "MUST"):
        name = evidence[number % len(evidence)].id
        failed = number % 3 == 0
        finding = (Finding(row.id, name, "refused", sample.HOSTILE, 40_000),) if failed else ()
        outcome = Outcome.FAILED if failed else Outcome.PASSED
        judged.append(Judgement(row, outcome, (), tuple(exchange.id for exchange in evidence[:60]), finding))
    html = compliance_page(build_results(contract, judged, sample.facts()), evidence, curl=sample.curl)
    assert html.count('<details class="requirement') > 1990
    assert len(html.encode()) < 40_000_000


def test_the_gate_the_baseline_the_fingerprint_and_the_tries_are_reported() -> None:
    results = sample.sample_results(0)
    rows = tuple(
        replace(row, tries=Tries(1, 3)) if row.id == "stream.done-once" else row for row in results.requirements
    )
    printed = replace(
        results,
        requirements=rows,
        gate=Gate(GateStatus.FAILED, ("A waiver of <b>somebody</b> has expired.",)),
        baseline=AgainstBaseline("2026-01-01T00:00:00Z", "https://old.example.test", ("a.b",), ("c.d", "e.f"), ()),
        fingerprint=Fingerprint({"server": "nginx <i>"}, {"server": "caddy"}, ("The server changed.",)),
    )
    text = written(printed)
    assert "Gate: failed" in text
    assert "A waiver of &lt;b&gt;somebody&lt;/b&gt; has expired." in text
    assert "https://old.example.test" in text
    assert "1 known, 2 new, 0 fixed" in text
    assert "nginx &lt;i&gt;" in text
    assert "The server changed." in text
    assert "broken in 1 of 3" in text
    assert "(flaky)" in text


def test_what_was_found_alike_on_many_exchanges_stands_there_once_with_all_of_them() -> None:
    results = sample.sample_results(0)
    found = Finding("stream.done-once", "stream/plain#1", "one [DONE], no more", "two of them", 10)
    names = ("stream/plain#1", "stream/long#1", "stream/cut#1")
    rows = tuple(
        replace(row, findings=tuple(replace(found, exchange=name) for name in names))
        if row.id == "stream.done-once"
        else row
        for row in results.requirements
    )
    text = written(replace(results, requirements=rows))
    below = text[text.index('<section id="requirements"') :]
    assert below.count("one [DONE], no more") == 1
    assert "on 2 more exchanges" in text


def written(results: Results) -> str:
    return compliance_page(results, sample.exchanges(), curl=sample.curl)

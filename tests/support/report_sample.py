"""A realistic run of a target that is wrong in several ways and hostile in all of its texts."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

from conformance.contract.model import (
    Basis,
    Contract,
    CredentialScheme,
    Keyword,
    Level,
    Operation,
    Profile,
    Requirement,
    Response,
    Section,
    Source,
    Tier,
)
from conformance.report import ExchangeTotals, Judgement, Results, RunFacts, TargetView, build_results
from conformance.suite.outcome import Finding, Outcome, Waiver
from conformance.wire.exchange import Answer, Ending, EndKind, Exchange, Read, Redaction, SentRequest

HOSTILE = (
    "</script><script>alert(1)</script><img src=x onerror=alert(2)>'\"&amp;<!-- ]]> [bold red]rich[/] "
    "\x1b[31mred\x1b[0m\x1b]0;title\x07 \u202egnirts\u202c \ud83d\x00\x85\u2028 {{ 7*7 }} :smile: javascript:alert(3)"
)
KEY = "sk-canary-0123456789abcdef"
STARTED = "2026-03-02T09:14:05Z"
DIGEST = "3f" * 32

SOURCES = {
    Section.TRANSPORT: Source(
        "rfc9110", "§8.3", Basis.REFERENCE, "HTTP Semantics", "https://www.rfc-editor.org/rfc/rfc9110"
    ),
    Section.STREAM: Source(
        "whatwg-sse",
        "9.2.6 Interpreting an event stream",
        Basis.REFERENCE,
        "HTML, server-sent events",
        "https://html.spec.whatwg.org/multipage/server-sent-events.html",
    ),
    Section.ACCESS: Source("kodexa", 'Authentication, "x-api-key"', Basis.STATED, "Kodexa API reference"),
}
DEFAULT_SOURCE = Source(
    "openai", "Create chat completion", Basis.REFERENCE, "OpenAI API reference", "javascript:alert(4)"
)

STATEMENTS = {
    Section.TRANSPORT: [
        ("media-type-json", "A completion that is not streamed is sent as application/json."),
        ("body-complete", "The body ends as its framing says it does."),
        ("length-truthful", "A Content-Length names the number of bytes that follow."),
        ("content-encoding", "No content coding is applied that the request did not accept."),
    ],
    Section.COMPLETION: [
        ("usage-sum", "The total of tokens is the sum of prompt and completion tokens."),
        ("choices-count", "As many choices come back as the request asked for."),
        ("finish-reason", "Each choice says why it ended, in a word that the contract knows."),
        ("id-unique", "No two completions have the same id."),
    ],
    Section.STREAM: [
        ("done-once", "A stream that succeeds has exactly one [DONE] event."),
        ("done-last", "Nothing follows the [DONE] event."),
        ("id-constant", "All chunks of a stream carry the same id."),
        ("finish-once", "Each choice is finished exactly once."),
        ("utf8", "The stream is valid UTF-8, however its bytes are cut."),
        ("usage-when-asked", "A stream that is asked for usage reports it once, in its last chunk."),
        ("role-first", "The first delta of a choice carries the role."),
    ],
    Section.ERROR: [
        ("envelope", "A refusal carries a JSON object with error.message and error.type."),
        ("status-invalid", "An invalid request is refused with a status from 400 to 499."),
        ("no-leak", "No error tells internals: stack traces, paths, upstream addresses."),
    ],
    Section.ACCESS: [
        ("key-required", "A request without a key is refused with 401."),
        ("key-wrong", "A request with a key that was never issued is refused with 401."),
        ("tenant-isolated", "A key of one organization does not open another."),
    ],
    Section.ROBUSTNESS: [
        ("deep-json", "A body nested 10,000 deep is refused, not a crash."),
        ("recovers", "After every refused request the next valid one is served."),
    ],
}


def contract(keywords: int = 95) -> Contract:
    """The sample's contract: the behaviours above and `keywords` derived requirements."""
    rows = [
        _requirement(f"{section.value}.{name}", section, statement)
        for section, statements in STATEMENTS.items()
        for name, statement in statements
    ]
    rows += [_derived(number) for number in range(keywords)]
    rows.append(
        replace(
            rows[0],
            id="robustness.soak",
            section=Section.ROBUSTNESS,
            tier=Tier.EXHAUSTIVE,
            statement="An hour of load changes no answer.",
        )
    )
    rows.append(
        replace(
            rows[0],
            id="access.key-stored",
            section=Section.ACCESS,
            excluded="Storage cannot be seen from outside.",
            statement="Keys are stored as digests.",
        )
    )
    operation = Operation(
        "POST",
        "/v1/chat/completions",
        {},
        True,
        (Response("200", True, True, ("application/json",)),),
        CredentialScheme("Authorization", "Bearer "),
    )
    profile = Profile("kodexa", "1.2", DIGEST, "Kodexa chat completions", "kodexa", ("openai", "rfc9110"))
    judged = tuple(row for row in rows if row.excluded is None)
    return Contract(profile, operation, judged, {}, excluded=tuple(row for row in rows if row.excluded))


def _requirement(requirement_id: str, section: Section, statement: str) -> Requirement:
    level = Level.SHOULD if requirement_id.endswith(("role-first", "no-leak", "id-unique", "deep-json")) else Level.MUST
    return Requirement(requirement_id, level, section, statement, SOURCES.get(section, DEFAULT_SOURCE), "ab" * 32)


def _derived(number: int) -> Requirement:
    name = ("temperature", "top_p", "n", "max_tokens", "presence_penalty", "stop", "seed")[number % 7]
    keyword = ("maximum", "minimum", "type", "enum")[number // 7 % 4]
    pointer = f"/properties/{name}/{keyword}"
    row_id = f"request.{name}.{keyword}" + (f"-{number // 28}" if number >= 28 else "")
    return Requirement(
        row_id,
        Level.MUST,
        Section.REQUEST,
        f"A request whose {name} breaks {keyword} is refused.",
        Source("kodexa", f"Request body, properties/{name}/{keyword}", Basis.SCHEMA, "Kodexa API reference"),
        "cd" * 32,
        keyword=Keyword("request", pointer, keyword, 2, True),
    )


def chunk_events(count: int, *, done: int = 2, hostile: bool = True) -> list[bytes]:
    events = []
    for number in range(count):
        word = HOSTILE.encode("utf-8", "replace").decode() if hostile and number == 3 else f"word{number} "
        chunk = {
            "id": "chatcmpl-8Yw3",
            "object": "chat.completion.chunk",
            "created": 1772442845,
            "model": "kodexa-large",
            "choices": [{"index": 0, "delta": {"content": word}, "finish_reason": None}],
        }
        events.append(b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n")
    return events + [b"data: [DONE]\n\n"] * done


def request(body: object, *, path: str = "/v1/chat/completions") -> SentRequest:
    return SentRequest(
        "POST",
        f"https://api.example.test{path}",
        (("Host", "api.example.test"), ("Authorization", "Bearer ***"), ("Content-Type", "application/json")),
        json.dumps(body).encode(),
    )


def exchange(
    probe: str,
    status: int,
    media_type: str,
    pieces: Sequence[bytes],
    *,
    pace: float = 0.012,
    end: EndKind = EndKind.COMPLETE,
) -> Exchange:
    reads = tuple(Read(0.118 + pace * number + 0.004 * (number % 3), piece) for number, piece in enumerate(pieces))
    headers = (("Content-Type", media_type), ("Server", "nginx/1.27 <b>"), ("X-Note", HOSTILE))
    answer = Answer(status, "OK" if status < 400 else "Bad Request", "HTTP/1.1", headers, 0.109, reads)
    body = {
        "model": "kodexa-large",
        "messages": [{"role": "user", "content": 'It\'s <hello> & "welcome"'}],
        "stream": True,
    }
    ended = Ending(end, (reads[-1].at if reads else 0.12) + 0.002, "" if end is EndKind.COMPLETE else HOSTILE)
    return Exchange(
        f"{probe}#1",
        probe,
        1,
        STARTED,
        request(body),
        answer,
        ended,
        3,
        (Redaction("api-key", "base64", "body"),) if status >= 400 else (),
    )


def exchanges() -> list[Exchange]:
    completion = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Grüße, 世界 🙂 " + "lorem ipsum " * 40},
                "finish_reason": "eos",
            }
        ],
        "usage": {"prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 20},
    }
    error = {"error": {"message": HOSTILE, "type": "invalid_request_error"}}
    unreachable = Exchange(
        "access/no-key#1",
        "access/no-key",
        1,
        STARTED,
        request({}),
        None,
        Ending(EndKind.RESET, 0.31, "connection reset by peer"),
    )
    return [
        exchange("completion/plain", 200, "application/json", [json.dumps(completion, ensure_ascii=False).encode()]),
        exchange("stream/plain", 200, "text/event-stream", chunk_events(64)),
        exchange("stream/long", 200, "text/event-stream; charset=utf-8", chunk_events(1500, done=1), pace=0.001),
        exchange(
            "stream/cut",
            200,
            "text/event-stream",
            [*chunk_events(4, done=0), b'data: {"id":"chat'],
            end=EndKind.TRUNCATED,
        ),
        exchange(
            "error/invalid", 422, "text/html", [b"<h1>" + json.dumps(error).encode() + b"\xff\xfe\x00" + b"x" * 60_000]
        ),
        exchange("error/gzip", 500, "application/json", [bytes(range(256)) * 20]),
        unreachable,
        exchange("never/used", 200, "application/json", [b"{}"]),
    ]


def judgements(source: Contract, evidence: Sequence[Exchange]) -> Iterator[Judgement]:
    stream = next(row for row in evidence if row.id == "stream/plain#1")
    assert stream.answer is not None
    second_done = stream.answer.body.rindex(b"data: [DONE]")
    hostile_place = stream.answer.body.index(b"alert(1)")
    broken = {
        "stream.done-once": Finding(
            "stream.done-once", "stream/plain#1", "one event [DONE]", "2 events [DONE]", second_done, 0.886, 65
        ),
        "stream.id-constant": Finding(
            "stream.id-constant", "stream/plain#1", "the id chatcmpl-8Yw3", HOSTILE, hostile_place, 0.154, 3
        ),
        "stream.role-first": Finding(
            "stream.role-first", "stream/plain#1", "a role in the first delta", "no role", 0, 0.118, 0
        ),
        "completion.usage-sum": Finding(
            "completion.usage-sum", "completion/plain#1", "total_tokens 21", "total_tokens 20", 680
        ),
        "completion.finish-reason": Finding(
            "completion.finish-reason", "completion/plain#1", 'one of "stop", "length"', '"eos"', 120
        ),
        "error.envelope": Finding("error.envelope", "error/invalid#1", "a JSON object", f"HTML: {HOSTILE}", 45_000),
        "error.no-leak": Finding("error.no-leak", "error/invalid#1", "no path", "/srv/app/main.py", 10**9),
        "request.temperature.maximum": Finding(
            "request.temperature.maximum", "error/gzip#1", "status 400", "status 500"
        ),
    }
    for row in source.requirements:
        if row.excluded or row.tier is Tier.EXHAUSTIVE:
            continue
        yield _judgement(row, broken.get(row.id))


def _judgement(row: Requirement, finding: Finding | None) -> Judgement:
    if row.id == "completion.finish-reason":
        return Judgement(
            row,
            Outcome.WAIVED,
            ("Accepted by a waiver.",),
            ("completion/plain#1",),
            (finding,) if finding else (),
            waiver(),
        )
    if finding is not None:
        outcome = Outcome.FAILED if row.level is Level.MUST else Outcome.WARNING
        message = f"{row.statement} The target answered: {HOSTILE}"
        return Judgement(row, outcome, (message,), (finding.exchange or "", "stream/long#1"), (finding,))
    if row.section is Section.ACCESS:
        return Judgement(
            row, Outcome.INCONCLUSIVE, ("The connection was reset before an answer came.",), ("access/no-key#1",)
        )
    if row.id == "stream.usage-when-asked":
        return Judgement(
            row, Outcome.SKIPPED, ("The target refuses stream_options, which its profile does not promise.",)
        )
    if row.id == "robustness.deep-json":
        return Judgement(row, Outcome.UNTESTED, ("The budget of 20 requests ran out.",))
    names = (
        ("stream/plain#1", "stream/long#1", "stream/cut#1")
        if row.section is Section.STREAM
        else ("completion/plain#1",)
    )
    return Judgement(row, Outcome.PASSED, (), names)


def waiver() -> Waiver:
    return Waiver("completion.finish-*", f"Vendor ticket 4711 {HOSTILE}", "platform team", datetime.date(2026, 12, 31))


def facts(**changes: object) -> RunFacts:
    target = TargetView("https://api.example.test", "staging", model="kodexa-large", server="nginx/1.27 <b>")
    usual = RunFacts(
        "0.1.0", target, Tier.STANDARD, STARTED, 4.218, ExchangeTotals(87, 81, 2214, 412_733), waivers=(waiver(),)
    )
    return replace(usual, **changes)  # type: ignore[arg-type]


def sample_results(keywords: int = 95) -> Results:
    source = contract(keywords)
    return build_results(source, judgements(source, exchanges()), facts())


def green_results() -> Results:
    source = contract()
    rows = [row for row in source.requirements if not row.excluded and row.tier is Tier.STANDARD]
    return build_results(
        source, [Judgement(row, Outcome.PASSED, (), ("completion/plain#1",)) for row in rows], facts(waivers=())
    )


def curl(seen: Exchange) -> str:
    """A stand-in for the command that evidence gives."""
    sent = seen.request
    body = sent.body.decode().replace("'", "'\\''")
    return (
        f"curl --request POST '{sent.url}' \\\n  --header \"Authorization: Bearer $CONFORMANCE_API_KEY\" \\\n"
        f"  --header 'Content-Type: application/json' \\\n  --data-binary '{body}'"
    )

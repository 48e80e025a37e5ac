"""Writes an issue about one broken requirement, for the tracker of who can fix it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from conformance.contract.explanations import explanation
from conformance.report.excerpt import Piece, excerpt, is_binary
from conformance.report.exchange_view import Curl
from conformance.report.neutral_markdown import block_of, command_block, prose_of, span_of
from conformance.report.quantities import byte_size, counted
from conformance.report.results import RequirementResult, Results
from conformance.suite.outcome import BROKEN_OR_WAIVED, Finding, Outcome
from conformance.wire.exchange import Exchange, Headers

Redact = Callable[[str], str]
_LONGEST_COMMAND = 16_000
_BODY, _BODY_BEFORE_A_PLACE, _BINARY = 1500, 600, 400
_MOST_FIELDS, _MOST_LINES, _LONGEST_LINE = 25, 60, 800
_NOT_SHOWN = frozenset({"set-cookie", "set-cookie2"})
_LONGEST_TEXT = 2000
_MOST_NAMED = 5


class NoIssueError(Exception):
    """There is nothing to report; the message is one sentence that says why."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """The finding that an issue shows, with its exchange and the command that sends it again, where there are any."""

    finding: Finding | None
    exchange: Exchange | None
    command: str | None


def issue_markdown(
    results: Results, requirement_id: str, exchanges: Iterable[Exchange], *, curl: Curl, redact: Redact, below: str = ""
) -> str:
    """The issue as Markdown. What comes from outside goes through `redact`, and is written so that it does nothing.

    `below` are the marks (`#`) of the heading that it stands under, where it is a part of another text.

    Raises:
        NoIssueError: the run did not find the requirement broken.
    """
    row = _broken(results, requirement_id)
    known = {exchange.id: exchange for exchange in exchanges}
    chosen = _smallest(row, known, curl, redact)
    parts = [*_required(row, redact), *_came(row, chosen, redact), *_reproduced(chosen)]
    parts += [*_breaks(results, row), *_versions(results, chosen, redact)]
    return "\n\n".join(f"{below}{part}" if part.startswith("#") else part for part in parts) + "\n"


def _broken(results: Results, requirement_id: str) -> RequirementResult:
    row = next((one for one in results.requirements if one.id == requirement_id), None)
    if row is None:
        raise NoIssueError(f"the run knows no requirement {requirement_id!a:.80}; `results.json` has their ids.")
    if row.outcome is Outcome.BLOCKED:
        raise NoIssueError(f"{row.id} could not be seen, since {row.blocked_by} is broken; report that one.")
    if row.outcome not in BROKEN_OR_WAIVED:
        raise NoIssueError(f"{row.id} is {row.outcome.value} in this run, so there is nothing to report.")
    return row


def _smallest(row: RequirementResult, known: Mapping[str, Exchange], curl: Curl, redact: Redact) -> _Shown:
    """The finding whose command is the shortest that can be shown; without one, the first finding."""
    best = _Shown(next(iter(row.findings), None), None, None)
    if best.finding is not None and best.finding.exchange is not None:
        best = _Shown(best.finding, known.get(best.finding.exchange), None)
    for finding in row.findings:
        exchange = known.get(finding.exchange or "")
        if exchange is None:
            continue
        command = redact(curl(exchange))
        block = command_block(command) if len(command) <= _LONGEST_COMMAND else None
        if block is not None and (best.command is None or len(block) < len(best.command)):
            best = _Shown(finding, exchange, block)
    return best


def _required(row: RequirementResult, redact: Redact) -> Iterator[str]:
    source = row.source
    yield f"# Broken: {prose_of(redact(row.statement))}"
    yield f"Requirement {span_of(row.id)} ({row.level.value}), judged by chat-conformance."
    yield "## What is required"
    yield f"It says: {prose_of(redact(row.statement), _LONGEST_TEXT)}"
    where = f"{source.title or source.document}: {source.place}"
    address = f" at {span_of(source.url)}" if source.url else ""
    yield f"That is said in {span_of(redact(where), 800)}{address} (basis: {source.basis.value})."


def _came(row: RequirementResult, chosen: _Shown, redact: Redact) -> Iterator[str]:
    yield "## What came"
    if chosen.finding is None:
        for message in row.messages[:_MOST_NAMED]:
            yield f"Found: {span_of(redact(message), 600)}"
        return
    finding = chosen.finding
    yield f"- Expected: {span_of(redact(finding.expected), 800)}\n- Came: {span_of(redact(finding.actual), 800)}"
    others = len({one.exchange for one in row.findings} - {finding.exchange})
    place = [] if finding.offset is None else [f"at byte {finding.offset} of the body"]
    place += [] if finding.event is None else [f"in event {finding.event} of the stream"]
    place += [] if row.tries is None else [f"broken in {row.tries.broken} of {row.tries.of} tries"]
    place += [f"also in {counted(others, 'other exchange')} of the run"] if others else []
    if place:
        yield f"Where, and how often: {', '.join(place)}."
    if chosen.exchange is not None:
        yield block_of(_answer_lines(chosen.exchange, finding, redact), prefix="< ", limit=_LONGEST_LINE)


def _answer_lines(exchange: Exchange, finding: Finding, redact: Redact) -> list[str]:
    answer = exchange.answer
    ended = f"[{exchange.ending.kind.value}{f': {exchange.ending.detail}' if exchange.ending.detail else ''}]"
    if answer is None:
        return [redact(f"no answer {ended}")]
    lines = [f"{answer.http_version} {answer.status} {answer.reason}".strip(), *_fields(answer.headers), ""]
    offsets = () if finding.offset is None else (finding.offset,)
    binary = is_binary(answer.body)
    for piece in excerpt(answer.body, _BINARY if binary else _BODY_BEFORE_A_PLACE if offsets else _BODY, offsets):
        lines += _piece(piece)
    if not answer.body:
        lines.append("[no body]")
    if exchange.ending.kind != "complete":
        lines.append(ended)
    if len(lines) > _MOST_LINES:
        half = _MOST_LINES // 2
        lines = [*lines[:half], f"[{len(lines) - _MOST_LINES} lines left out]", *lines[-half:]]
    return redact("\n".join(lines)).split("\n")


def _fields(headers: Headers) -> Iterator[str]:
    for name, value in headers[:_MOST_FIELDS]:
        yield f"{name}: {'[not shown]' if name.lower() in _NOT_SHOWN else value}".replace("\n", " ")
    if len(headers) > _MOST_FIELDS:
        yield f"[{counted(len(headers) - _MOST_FIELDS, 'field')} left out]"


def _piece(piece: Piece) -> Sequence[str]:
    if piece.omitted:
        return [f"[{byte_size(piece.omitted)} left out]"]
    if not piece.marked:
        return piece.text.rstrip("\n").split("\n")
    text = piece.text.rstrip("\n")
    return [f"[from byte {piece.offset} on:]", *text.split("\n")] if text else ["[here something is missing]"]


def _reproduced(chosen: _Shown) -> Iterator[str]:
    yield "## How to see it"
    if chosen.command is not None:
        yield "The smallest request that shows it; the key comes from the environment:"
        yield chosen.command
    elif chosen.exchange is not None:
        yield (
            "The command is too long for an issue, or has characters that cannot be shown here. The report of the run"
            f" (compliance.html) has it under the exchange {span_of(chosen.exchange.id)}."
        )
    else:
        yield "It follows from several answers together, or from none, so that no single request shows it."


def _breaks(results: Results, row: RequirementResult) -> Iterator[str]:
    said = explanation(row.id, row.pointer)
    blocked = [one.id for one in results.with_outcome(Outcome.BLOCKED) if one.blocked_by == row.id]
    if said is not None or blocked:
        yield "## What breaks"
    if said is not None:
        yield f"Why it matters: {prose_of(said.why, _LONGEST_TEXT)}"
    if blocked:
        more = f" and {len(blocked) - _MOST_NAMED} more" if len(blocked) > _MOST_NAMED else ""
        named = ", ".join(span_of(one) for one in blocked[:_MOST_NAMED])
        yield f"As long as it is broken, these cannot be seen: {named}{more}."
    if said is not None and said.fix:
        yield "## How to fix it"
        yield f"In short: {prose_of(said.fix, _LONGEST_TEXT)}"


def _versions(results: Results, chosen: _Shown, redact: Redact) -> Iterator[str]:
    target, profile = results.target, results.profile
    said = [
        ("Suite", f"chat-conformance {results.suite_version}"),
        ("Contract", f"{results.contract}, sha256 {profile.sha256}"),
        ("Target", target.base_url),
        ("Model", target.model),
        ("Server", target.server),
        ("Run", f"{results.started}, {results.tier.value} tier"),
        ("Exchange", None if chosen.exchange is None else f"{chosen.exchange.id}, {chosen.exchange.started}"),
    ]
    yield "## Versions"
    yield "\n".join(f"- {name}: {span_of(redact(value), 300)}" for name, value in said if value)

"""Requests that leave as a script says: in pieces, cut, chunked, several in one write; and what is recorded of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest
from byte_server import KEY, OK, OPERATION, QUICK, probe

from conformance.probes.model import Probe
from conformance.probes.script import (
    HALF_CLOSE,
    HANG_UP,
    HEAD,
    HEAD_1_0,
    RESET,
    WHOLE_BODY,
    Script,
    Step,
    StepKind,
    await_continue,
    cut_after,
    in_pieces,
)
from conformance.targets.model import Limits, Target
from conformance.wire import BY_PROXY, EndKind, Exchange, Observation, Timing, observe

pytestmark = pytest.mark.network

Connected = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[object]]
BODY = b'{"model":"m"}'


def send(connected: Connected, *probes: Probe, limits: Limits = QUICK) -> Sequence[Exchange]:
    """Send probes to a server that treats each connection so, with pauses that take no time."""

    async def main() -> Observation:
        async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await connected(reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(served, "127.0.0.1", 0)
        async with server:
            target = Target(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", api_key=KEY)
            timing = Timing(sleep=lambda _: asyncio.sleep(0))
            return await observe(probes, OPERATION, target, limits, lambda exchange: exchange, timing=timing)

    return asyncio.run(main()).exchanges


class Recording:
    """Keeps what came until the answer is due, and answers."""

    def __init__(self, until: bytes | None, answer: bytes = OK) -> None:
        self._until = until
        self._answer = answer
        self.came = b""

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while self._until is None or not self.came.endswith(self._until):
            data = await reader.read(4096)
            if not data:
                break
            self.came += data
        writer.write(self._answer)
        await writer.drain()


def scripted(*steps: Step, name: str = "scripted", **script: object) -> Probe:
    return probe(name, script=Script(*((steps,) if steps else ()), **script))  # type: ignore[arg-type]


def test_a_body_in_pieces_arrives_whole_and_each_step_is_recorded() -> None:
    server = Recording(until=BODY)
    (exchange,) = send(server, scripted(*in_pieces(3, 0.1)))
    assert exchange.ending.kind is EndKind.COMPLETE
    assert exchange.answer is not None
    assert exchange.answer.body == b"{}"
    assert server.came.endswith(b"\r\n\r\n" + BODY)
    assert f"Authorization: Bearer {KEY}\r\n".encode() in server.came
    assert exchange.request.body == BODY
    kinds = [step.kind.value for step in exchange.request.steps]
    assert kinds == ["head", "pause", "body", "pause", "body", "pause", "body"]
    assert [step.amount for step in exchange.request.steps] == [0.0, 0.1, 4, 0.1, 5, 0.1, 4]


def test_a_cut_body_is_recorded_as_far_as_it_was_sent() -> None:
    server = Recording(until=None, answer=b"HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n")
    (exchange,) = send(server, scripted(*cut_after(0.5)))
    assert server.came.endswith(b"\r\n\r\n" + BODY[:6])
    assert exchange.request.body == BODY[:6]
    assert ("Content-Length", str(len(BODY))) in exchange.request.headers
    assert exchange.request.steps[-1] == HALF_CLOSE
    assert exchange.answer is not None
    assert exchange.answer.status == 400


def test_a_chunked_body_has_a_chunk_for_each_piece_and_no_length() -> None:
    server = Recording(until=b"0\r\n\r\n")
    (exchange,) = send(server, scripted(*in_pieces(2, 0.0), chunked=True))
    assert server.came.endswith(b"\r\n\r\n6\r\n" + BODY[:6] + b"\r\n7\r\n" + BODY[6:] + b"\r\n0\r\n\r\n")
    assert b"Transfer-Encoding: chunked" in server.came
    assert b"content-length" not in server.came.lower()
    assert exchange.request.body == BODY


def test_further_fields_may_repeat_a_name() -> None:
    server = Recording(until=BODY)
    (exchange,) = send(server, scripted(fields=(("Content-Length", "4"),)))
    assert server.came.count(b"Content-Length: ") == 2
    assert [value for name, value in exchange.request.headers if name == "Content-Length"] == [str(len(BODY)), "4"]


def test_the_body_waits_for_the_interim_answer_which_stands_in_the_head() -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\n"

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(interim)
        await reader.readexactly(len(BODY))
        writer.write(OK)
        await writer.drain()

    (exchange,) = send(connected, scripted(HEAD, await_continue(5.0), WHOLE_BODY))
    assert exchange.answer is not None
    assert exchange.answer.status == 200
    assert exchange.head == interim + OK[:-2]


def test_after_an_early_answer_the_body_is_not_sent() -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 417 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        await reader.read()

    (exchange,) = send(connected, scripted(HEAD, await_continue(60.0), Step(StepKind.PAUSE, 60.0), WHOLE_BODY))
    assert exchange.answer is not None
    assert exchange.answer.status == 417
    assert exchange.ending.kind is EndKind.COMPLETE
    assert exchange.request.body in {b"", BODY}


@pytest.mark.parametrize("last", [HANG_UP, RESET], ids=lambda step: step.kind.value)
def test_a_client_that_leaves_is_an_end_of_its_own_and_not_tried_again(last: Step) -> None:
    requests = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.readuntil(b"\r\n\r\n"))

    (exchange,) = send(connected, scripted(HEAD, WHOLE_BODY, last), limits=Limits(retries=2))
    assert exchange.ending.kind is EndKind.HUNG_UP
    assert exchange.answer is None
    assert len(requests) <= 1


def pipelined() -> tuple[Probe, Probe]:
    first, second = (
        probe(name, body={"model": name}, connection="line", script=Script(pipelined=True)) for name in ("one", "two")
    )
    return first, second


def test_pipelined_requests_leave_in_one_write_and_have_an_exchange_each() -> None:
    first, second = OK.replace(b"{}", b"11"), OK.replace(b"{}", b"22")
    server = Recording(until=b'{"model":"two"}', answer=first + second)
    exchanges = send(server, *pipelined())
    assert [exchange.probe for exchange in exchanges] == ["one", "two"]
    assert [exchange.answer and exchange.answer.body for exchange in exchanges] == [b"11", b"22"]
    assert [exchange.head for exchange in exchanges] == [first[:-2], second[:-2]]
    assert [exchange.request.body for exchange in exchanges] == [b'{"model":"one"}', b'{"model":"two"}']
    assert exchanges[0].connection == exchanges[1].connection


@pytest.mark.parametrize(
    "answer",
    [OK, OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), b"HTTP/1.1 200 OK\r\n\r\n{}"],
    ids=["closed", "announced", "ended by the close"],
)
def test_a_connection_that_closes_after_the_first_of_two_leaves_the_second_without_an_answer(answer: bytes) -> None:
    exchanges = send(Recording(until=b'{"model":"two"}', answer=answer), *pipelined())
    assert exchanges[0].answer is not None
    assert exchanges[0].answer.body == b"{}"
    assert exchanges[1].answer is None
    assert exchanges[1].ending.kind is EndKind.CLOSED


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (b"", EndKind.CLOSED),
        (b"HTTP/1.1 200 OK\r\nContent-Le", EndKind.TRUNCATED),
        (OK[:-1], EndKind.TRUNCATED),
        (b"hello\r\n\r\n", EndKind.MALFORMED),
        (b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\n{}", EndKind.MALFORMED),
    ],
)
def test_a_broken_answer_has_its_kind_of_end_and_its_first_bytes(raw: bytes, kind: EndKind) -> None:
    (exchange,) = send(Recording(until=BODY, answer=raw), scripted())
    assert exchange.ending.kind is kind
    assert exchange.head == (raw[:-1] if raw == OK[:-1] else raw.removesuffix(b"{}")).removesuffix(b"{")


def test_a_server_that_never_answers_is_given_up_when_the_patience_of_the_script_ends() -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        await reader.read()

    (exchange,) = send(connected, scripted(patience=0.05), limits=Limits(retries=0))
    assert exchange.ending.kind is EndKind.FIRST_BYTE_TIMEOUT
    assert exchange.ending.at < 5.0


def test_a_held_stream_is_read_on_when_the_other_request_has_ended() -> None:
    order: list[str] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        name = "held" if b"X-Name: held" in head else "beside"
        writer.write(OK[:-1])
        await writer.drain()
        order.append(f"{name} begun")
        writer.write(b"}")
        await writer.drain()

    held = scripted(name="held", fields=(("X-Name", "held"),), hold_for="beside", hold_at_most=60.0)
    exchanges = send(connected, held, probe("beside"))
    assert {exchange.probe: exchange.ending.kind for exchange in exchanges} == {
        "held": EndKind.COMPLETE,
        "beside": EndKind.COMPLETE,
    }
    assert len(order) == 2


def test_a_large_body_that_is_refused_and_reset_at_once_has_its_answer() -> None:
    refusal = b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(refusal)
        await writer.drain()
        await reader.read()

    large = probe("large", body=b" " * 8_000_000, script=Script())
    (exchange,) = send(connected, large, limits=Limits(retries=0))
    assert exchange.answer is not None
    assert exchange.answer.status == 413


def test_what_is_scripted_is_not_sent_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> Observation:
        async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0) as proxy:
            monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}")
            monkeypatch.setenv("no_proxy", "")
            target = Target("http://deployment.test/v1", api_key=KEY, trust_environment=True)
            return await observe([scripted(), *pipelined()], OPERATION, target, QUICK, lambda exchange: exchange)

    seen = asyncio.run(main())
    assert seen.exchanges == ()
    assert seen.unsent == dict.fromkeys(("scripted", "one", "two"), BY_PROXY)


@pytest.mark.parametrize("behind", [b"", b'{"error": {}}'])
def test_what_comes_behind_an_answer_to_head_is_its_body(behind: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 405 Not Allowed\r\nContent-Length: 13\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.write(behind)

    (exchange,) = send(answer, probe("head", body=None, method="HEAD", script=Script((HEAD,))))
    assert exchange.ending.kind is EndKind.COMPLETE
    assert exchange.answer is not None
    assert exchange.answer.body == behind


def test_a_request_may_be_of_http_1_0() -> None:
    heads: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(OK)

    (exchange,) = send(answer, probe("old", body=BODY, script=Script((HEAD_1_0, WHOLE_BODY))))
    assert heads[0].startswith(b"POST /v1/chat/completions HTTP/1.0\r\n")
    assert [step.kind for step in exchange.request.steps] == [StepKind.HEAD_1_0, StepKind.BODY]

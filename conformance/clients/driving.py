"""Runs the driver of one client against a replay server, within limits, and gathers what it prints."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from conformance.clients import confined_start
from conformance.clients.catalogue import Client
from conformance.clients.environments import Environment, place_driver
from conformance.clients.replay_server import FAST, MOST_REQUESTS, ReplayServer, Requests
from conformance.quoting import one_line
from conformance.strict_json import parse
from conformance.wire.exchange import EndKind, Exchange

API_KEY: Final = "sk-made-up-for-replay"
MODEL: Final = "replayed-model"
_MORE_PATIENCE: Final = 4
_TO_START: Final = 180.0
"""Seconds until a driver's first line: large clients take long to load."""
PATIENCE: Final = 10.0
"""Seconds for one scenario, in which a client may try again twice."""
_LONGEST: Final = 600.0
"""Seconds for all scenarios of a client, where they are few."""
_LONGEST_EACH: Final = 3.0
"""Seconds for each of them on the average, where they are many."""
_LONGEST_LINE: Final = 4 * 1024 * 1024
_TAIL: Final = 2000
HANG: Final = "Hang"
"""The class of the failure of a client that did not end in time."""
_NOWHERE: Final = "http://127.0.0.1:9"
_OWN_NETWORK: Final = b"own"


@dataclass(slots=True)
class Driven:
    """What a driver printed: its client's version, a line for each scenario, and what the server saw of each."""

    version: str | None = None
    lines: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    requests: dict[str, Requests] = field(default_factory=dict)
    seconds: float = 0.0
    confined: bool = False
    """Whether it had no network but the replay server's."""
    problem: str = ""
    """Why it did not start."""
    again: set[str] = field(default_factory=set)
    """Scenarios that are run once more and with more patience, since a machine that is too busy looks like a hang."""

    def asked(self, scenario: str) -> str:
        """The recording that was asked for in a scenario: with a setting such as `stream: false`, that is another."""
        folder, slash, kind = scenario.rpartition("/")
        others = (kind.replace("stream-usage", "stream"), kind.removeprefix("stream-"), "completion")
        names = (scenario, *(name for one in others for name in (f"{folder}{slash}{one}", one)))
        return next((name for name in names if name in self.requests and self.requests[name].count), scenario)


@dataclass(frozen=True, slots=True)
class Showing:
    """What a client is shown, and how: the recordings by scenario, a schema for structured output, speed, patience."""

    recordings: Mapping[str, Exchange]
    schema: str
    speed: float = FAST
    patience: float = PATIENCE

    def limit(self, scenario: str) -> float:
        """Seconds that a client has for a scenario: more where the recorded timing takes more."""
        exchange = self.recordings.get(scenario)
        recorded = exchange.ending.at / self.speed if exchange is not None and self.speed > 0 else 0.0
        return self.patience + 3 * recorded


async def drive(
    client: Client,
    environment: Environment,
    scenarios: Sequence[str],
    showing: Showing,
    settings: Mapping[str, Any],
) -> Driven:
    """Run a driver with these scenarios; it is started again after a crash, a hang or a loop, with what is left."""
    driven, began = Driven(), time.monotonic()
    place_driver(client, environment)
    left, longest = list(scenarios), max(_LONGEST, _LONGEST_EACH * len(scenarios))
    while left and not driven.problem:
        if time.monotonic() - began > longest:
            driven.problem = f"its scenarios took more than {longest:.0f} s"
            break
        with tempfile.TemporaryDirectory(prefix="chat-conformance-client-", ignore_cleanup_errors=True) as home:
            process = _Process(client, environment, Path(home), showing, settings)
            left = await process.run(left, driven)
    driven.seconds = round(time.monotonic() - began, 2)
    return driven


class _Process:
    """One start of a driver."""

    def __init__(
        self, client: Client, environment: Environment, home: Path, showing: Showing, settings: Mapping[str, Any]
    ) -> None:
        self._client, self._environment, self._home = client, environment, home
        self._showing, self._settings = showing, settings
        self._stderr = b""

    async def run(self, left: list[str], driven: Driven) -> list[str]:
        """Take the driver's lines into `driven`; returns the scenarios that are left when it has ended."""
        server = ReplayServer(self._showing.recordings, self._showing.speed)
        process = await self._start(server, left, driven)
        watching = asyncio.create_task(self._watch(process))
        try:
            left = await self._gather(process, server, left, driven)
        finally:
            _kill(process)
            await process.wait()
            watching.cancel()
            server.stop()
        for name, seen in server.requests.items():
            if seen.count or seen.elsewhere:
                driven.requests[name] = seen
        return left

    async def _start(self, server: ReplayServer, left: Sequence[str], driven: Driven) -> asyncio.subprocess.Process:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        # Node and a browser reserve far more address space than they use; Node has a limit of its own.
        memory = 0 if self._client.on_node or self._client.language == "browser" else self._client.memory_mib
        command = [*self._environment.command, json.dumps(dict(self._settings)), *left]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", confined_start.__file__, str(theirs.fileno()), str(memory), *command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=self._home,
            env=self._variables(),
            pass_fds=(theirs.fileno(),),
            start_new_session=True,
            limit=_LONGEST_LINE,
        )
        theirs.close()
        said, listeners = await _received(ours)
        driven.confined = said == _OWN_NETWORK
        port = await server.start(listeners[0] if listeners else None)
        with contextlib.suppress(ConnectionError):
            await asyncio.get_running_loop().sock_sendall(ours, str(port).encode())
        ours.close()
        return process

    async def _gather(
        self, process: asyncio.subprocess.Process, server: ReplayServer, left: list[str], driven: Driven
    ) -> list[str]:
        assert process.stdout is not None
        started = False
        while left:
            reading = asyncio.ensure_future(process.stdout.readline())
            looping = asyncio.ensure_future(server.looping.wait())
            limit = self._limit(left[0], driven) if started else _TO_START
            await asyncio.wait({reading, looping}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            looping.cancel()
            if not reading.done():
                reading.cancel()
                if not started and not server.looping.is_set():
                    driven.problem = f"its driver said nothing within {_TO_START:.0f} s"
                    return left
                if not server.looping.is_set() and self._may_be_busy(left[0], server, driven):
                    driven.again.add(left[0])
                    return left
                why = f"more than {MOST_REQUESTS} requests" if server.looping.is_set() else f"no end in {limit:g} s"
                name = "EndlessLoop" if server.looping.is_set() else HANG
                return _broken(driven, left, name, why)
            line = _object(reading)
            if line is None:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(process.wait(), 5)
                why = f"it ended with the status {process.returncode}{self._last_words()}"
                if not started:
                    driven.problem = f"its driver did not start: {why}"
                    return left
                return _broken(driven, left, "Exit", why)
            if "client" in line:
                started, driven.version = True, one_line(str(line.get("version", "")), 40)
            elif line.get("scenario") == left[0]:
                driven.lines[left[0]] = line
                left = left[1:]
        return left

    def _limit(self, scenario: str, driven: Driven) -> float:
        return self._showing.limit(scenario) * (_MORE_PATIENCE if scenario in driven.again else 1)

    def _may_be_busy(self, scenario: str, server: ReplayServer, driven: Driven) -> bool:
        """Whether a hang may be a busy machine: not where the target was silent, nor where the client asks on."""
        exchange = self._showing.recordings[scenario]
        silent = exchange.ending.kind in (EndKind.IDLE_TIMEOUT, EndKind.DEADLINE)
        asks_on = any(one.count > 1 for name, one in server.requests.items() if name == scenario)
        return not silent and not asks_on and scenario not in driven.again

    def _last_words(self) -> str:
        words = [line for line in self._stderr.decode("utf-8", "replace").splitlines() if line.strip()]
        return f": {one_line(words[-1].strip(), 200)}" if words else ""

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        while data := await process.stderr.read(65536):
            self._stderr = (self._stderr + data)[-_TAIL:]

    def _variables(self) -> dict[str, str]:
        """All that a driver sees of an environment: no key but a made-up one, and proxies that are not there."""
        home = str(self._home)
        kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
        proxies = dict.fromkeys(("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY"), _NOWHERE)
        return {
            **kept,
            **proxies,
            **dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost"),
            "HOME": home,
            "TMPDIR": home,
            "LANG": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUTF8": "1",
            "CLIENT_API_KEY": API_KEY,
            "CLIENT_MODEL": MODEL,
            "CLIENT_SCHEMA": self._showing.schema,
            **dict(self._environment.extra),
        }


def _broken(driven: Driven, left: list[str], name: str, why: str) -> list[str]:
    """Note that the scenario under way broke the client; returns those after it."""
    driven.lines[left[0]] = {"scenario": left[0], "failed": {"class": name, "message": why}}
    return left[1:]


async def _received(control: socket.socket) -> tuple[bytes, list[socket.socket]]:
    """What a starting driver says, and the socket that it hands over, if it got a network of its own."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(control.fileno(), readable.set)
    try:
        await asyncio.wait_for(readable.wait(), _TO_START)
        said, descriptors, _, _ = socket.recv_fds(control, 256, 1)
    except TimeoutError:
        return b"", []
    finally:
        loop.remove_reader(control.fileno())
    return said, [socket.socket(fileno=one) for one in descriptors]


def _object(reading: asyncio.Future[bytes]) -> Mapping[str, Any] | None:
    """The JSON object that was read, an empty one for what is none, None at the end of the output."""
    try:
        line = reading.result()
    except ValueError:  # a line that is too long
        return None
    if not line:
        return None
    value = parse(line).value
    return value if isinstance(value, dict) else {}


def _kill(process: asyncio.subprocess.Process) -> None:
    """End a driver and whatever it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()

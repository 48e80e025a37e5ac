"""Probes for what a deployment must survive: odd uploads, hostile requests, clients that leave, many at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from conformance.contract.model import Tier
from conformance.probes import waves
from conformance.probes.access import sends_as_two_tenants
from conformance.probes.canaries import LINE_BREAKS, WORD_OF_CLIENT_THAT_LEFT, repeating, word_of
from conformance.probes.client_errors import malformed_probes, odd_text_probes
from conformance.probes.completions import LONG_ANSWER, ONE_CONNECTION
from conformance.probes.hostile import hostile_probes
from conformance.probes.model import Intent, Probe, either_probe, served_probe
from conformance.probes.request_body import CHEAP, RequestBody
from conformance.probes.script import (
    HANG_UP,
    HEAD,
    RESET,
    WHOLE_BODY,
    Script,
    Step,
    StepKind,
    await_continue,
    in_extended_chunks,
    in_pieces,
    pause,
)

CONCURRENT = 16
"""Requests at once in the exhaustive tier."""
CONCURRENT_STANDARD = 2
"""How many of these are sent beside the streams at once in the standard tier; two tenants send them anyway."""

LEAVING = f"Repeat this word thirty times, separated by single spaces: {WORD_OF_CLIENT_THAT_LEFT}"
"""The prompt of a client that leaves before it has read the answer."""
LEAVING_CLIENTS = 4
"""Clients that leave at once, each after it has requested much."""
MUCH = 128
"""Completion tokens that a client requests before it leaves."""
AFTERWARDS = 8
"""Completion tokens of the plain request afterwards."""
PAUSE = 0.1
"""Seconds between two pieces of a slow upload."""
CONTINUE_WITHIN = 2.0
"""Seconds that a client waits for 100 (Continue) before it sends its body anyway (RFC 9110 section 10.1.1)."""
HELD_AT_MOST = 10.0
"""Seconds that a stream is held open at most for the request beside it."""
HEADER_FIELDS = 100
SIZES = (8, 16, 64, 1024)
"""What intermediaries hold of a request by default, in KB."""
_KB = 1024


def robustness_probes(body: RequestBody) -> Iterator[Probe]:
    """Unusual but lawful requests, then many at once, then hostile ones, and a plain one after all of them."""
    yield from _connections(body)
    yield from _uploads(body)
    yield from _sizes(body)
    yield from _fields(body)
    yield from _at_once(body)
    yield from _held(body)
    yield from _one_after_another(body)
    yield plain_afterwards(body, "robustness/health", "a plain request after all hostile ones", wave=waves.LAST)


def plain_afterwards(body: RequestBody, name: str, about: str, *, wave: int, tier: Tier = Tier.STANDARD) -> Probe:
    """A plain request that shows whether the target is still healthy: the limit cuts its answer."""
    return served_probe(name, about, body.asking(LONG_ANSWER, tokens=AFTERWARDS), wave=wave, tier=tier)


def each_followed_by_a_plain_one(
    body: RequestBody, groups: Iterator[tuple[str, tuple[Probe, ...]]], first_wave: int, section: str, tier: Tier
) -> Iterator[Probe]:
    """Groups of probes, each in a wave of its own, and after each of them a plain request in the next wave."""
    for number, (name, probes) in enumerate(groups):
        wave = first_wave + 2 * number
        yield from (replace(probe, wave=wave) for probe in probes)
        about = f"a plain request after {probes[0].about}"
        yield plain_afterwards(body, f"{section}/health-after-{name}", about, wave=wave + 1, tier=tier)


def _connections(body: RequestBody) -> Iterator[Probe]:
    if body.has("stream"):
        request = body.asking(LEAVING, tokens=64, stream=True)
        yield Probe(
            name="robustness/hang-up",
            about="a client that hangs up in the middle of a stream",
            intent=Intent.EITHER,
            body=request if body.caller is None else {**request, body.caller: LINE_BREAKS},
            completion_tokens=64,
            disconnect_after=1,
        )
    for turn in ("first", "second"):
        # Where there are streams, they come first on this connection, and then the long answer.
        tier = Tier.EXHAUSTIVE if body.has("stream") else Tier.STANDARD
        about = f"the {turn} of two plain requests on one connection"
        name = f"robustness/{turn}-on-connection"
        yield served_probe(name, about, body.capped(CHEAP), connection=ONE_CONNECTION, tier=tier)
    for number, turn in enumerate(("first", "second")):
        yield served_probe(
            f"robustness/pipelined-{turn}",
            f"the {turn} of two pipelined requests",
            body.asking(repeating(word_of(100 + number)), tokens=16),
            connection="pipelined",
            script=Script(pipelined=True),
            tier=Tier.EXHAUSTIVE,
        )


def _uploads(body: RequestBody) -> Iterator[Probe]:
    """Bodies that are sent in pieces, in chunks, or after 100 (Continue)."""
    expect = {"Expect": "100-continue"}
    pieces = in_pieces(2, PAUSE)[1:]
    yield served_probe(
        "robustness/expect-continue",
        "a body that is sent in two pieces, after 100 (Continue)",
        body.capped(CHEAP),
        headers=expect,
        script=Script((HEAD, await_continue(CONTINUE_WITHIN), *pieces)),
    )
    yield either_probe(
        "robustness/chunked",
        "a body in the chunked coding",
        body.capped(CHEAP),
        # A gateway may decode this and write the caller's request id into its answer.
        headers={"X-Request-Id": "chat-conformance%0d%0aX-Chat-Conformance-Injected:%20yes"},
        script=Script(in_pieces(2, PAUSE), chunked=True),
    )
    yield either_probe(
        "robustness/chunk-extensions",
        "a body in the chunked coding whose chunks have an extension",
        body.capped(CHEAP),
        script=Script(in_extended_chunks(2), chunked=True),
        tier=Tier.EXHAUSTIVE,
    )
    yield served_probe(
        "robustness/slow-upload",
        "a body that comes in five pieces, over half a second",
        body.capped(CHEAP),
        script=Script(in_pieces(5, PAUSE)),
        tier=Tier.EXHAUSTIVE,
    )
    yield served_probe(
        "robustness/expect-without-waiting",
        "a body that is sent at once, without waiting for 100 (Continue)",
        body.capped(CHEAP),
        headers=expect,
        script=Script(),
        tier=Tier.EXHAUSTIVE,
    )


def _sizes(body: RequestBody) -> Iterator[Probe]:
    """Valid bodies beyond the sizes that intermediaries hold by default, padded so that serving them costs no more."""
    valid = json.dumps(body.capped(CHEAP)).encode()
    for size in SIZES:
        padded = valid[:-1] + b" " * (size * _KB + 1 - len(valid)) + b"}"
        yield either_probe(
            f"robustness/body-of-{size}-kb",
            f"a body of more than {size} KB, most of it white space",
            padded,
            completion_tokens=CHEAP,
            tier=Tier.EXHAUSTIVE,
        )


def _fields(body: RequestBody) -> Iterator[Probe]:
    many = {f"X-Chat-Conformance-{number:03}": "of no meaning" for number in range(HEADER_FIELDS)}
    about = f"{HEADER_FIELDS} small header fields without a meaning"
    yield either_probe("robustness/many-fields", about, body.capped(CHEAP), headers=many, tier=Tier.EXHAUSTIVE)
    about = "a header field with an octet beyond ASCII"
    yield either_probe("robustness/octets-in-field", about, body.capped(CHEAP), headers={"X-Title": "caf\xe9"})


def _at_once(body: RequestBody) -> Iterator[Probe]:
    standard = 0 if sends_as_two_tenants(body) else CONCURRENT_STANDARD
    for number in range(CONCURRENT):
        yield served_probe(
            f"robustness/at-once-{number}",
            "one of several requests at once, each with a word of its own",
            body.asking(repeating(word_of(number)), tokens=16),
            wave=waves.AT_ONCE,
            tier=Tier.STANDARD if number < standard else Tier.EXHAUSTIVE,
        )


def _held(body: RequestBody) -> Iterator[Probe]:
    """A stream whose client stops reading, and a plain request meanwhile."""
    if not body.has("stream"):
        return
    beside = "robustness/beside-held-stream"
    yield served_probe(
        "robustness/held-stream",
        "a stream whose client reads nothing after the first bytes until another request has ended",
        body.asking(LONG_ANSWER, tokens=MUCH, stream=True),
        script=Script(hold_for=beside, hold_at_most=HELD_AT_MOST),
        wave=waves.HELD,
        tier=Tier.EXHAUSTIVE,
    )
    yield served_probe(
        beside,
        "a plain request while another client holds a stream open",
        body.capped(CHEAP),
        script=Script((pause(PAUSE), HEAD, WHOLE_BODY)),
        wave=waves.HELD,
        tier=Tier.EXHAUSTIVE,
    )


def _one_after_another(body: RequestBody) -> Iterator[Probe]:
    malformed = iter([("malformed-json", tuple(malformed_probes(body)))])
    yield from each_followed_by_a_plain_one(body, malformed, waves.MALFORMED, "robustness", Tier.EXHAUSTIVE)
    hostile = (*odd_text_probes(body), *hostile_probes(body))
    groups = ((probe.name.rpartition("/")[2], (probe,)) for probe in hostile)
    yield from each_followed_by_a_plain_one(body, groups, waves.HOSTILE, "robustness", Tier.EXHAUSTIVE)
    yield from each_followed_by_a_plain_one(body, _leaving(body), waves.LEAVING, "robustness", Tier.EXHAUSTIVE)


def _leaving(body: RequestBody) -> Iterator[tuple[str, tuple[Probe, ...]]]:
    """Several clients that leave at once: within a request, in the middle of a stream, and before a plain answer."""
    yield "vanished-uploads", tuple(_gone_within(body, number) for number in range(LEAVING_CLIENTS))
    if body.has("stream"):
        yield (
            "vanished-streams",
            tuple(
                Probe(
                    name=f"robustness/vanished-stream-{number}",
                    about="several clients that left in the middle of a long stream",
                    intent=Intent.EITHER,
                    body=body.asking(repeating(word_of(200 + number)), tokens=MUCH, stream=True),
                    completion_tokens=MUCH,
                    disconnect_after=1,
                    tier=Tier.EXHAUSTIVE,
                )
                for number in range(LEAVING_CLIENTS)
            ),
        )
        yield (
            "vanished-before-stream",
            (_gone_early(body, 400, HANG_UP), _gone_early(body, 401, RESET)),
        )
    yield (
        "vanished",
        tuple(
            Probe(
                name=f"robustness/vanished-{number}",
                about="several clients that left before a long answer came",
                intent=Intent.EITHER,
                body=body.asking(repeating(word_of(300 + number)), tokens=MUCH),
                completion_tokens=MUCH,
                script=Script((HEAD, WHOLE_BODY, pause(PAUSE), HANG_UP)),
                tier=Tier.EXHAUSTIVE,
            )
            for number in range(LEAVING_CLIENTS)
        ),
    )


def _gone_within(body: RequestBody, number: int) -> Probe:
    """A client that leaves before its request has ended, so that nothing is generated for it."""
    return Probe(
        name=f"robustness/vanished-upload-{number}",
        about="several clients that left in the middle of their requests",
        intent=Intent.EITHER,
        body=body.capped(CHEAP),
        script=Script((HEAD, Step(StepKind.BODY, 0.5), pause(PAUSE), HANG_UP)),
    )


def _gone_early(body: RequestBody, number: int, leaving: Step) -> Probe:
    """A client that leaves before the first byte of a long stream."""
    how = "a reset" if leaving.kind is StepKind.RESET else "a close"
    return Probe(
        name=f"robustness/vanished-before-stream-by-{leaving.kind.value}",
        about=f"a client that left, by {how}, before the first byte of a long stream",
        intent=Intent.EITHER,
        body=body.asking(repeating(word_of(number)), tokens=MUCH, stream=True),
        completion_tokens=MUCH,
        script=Script((HEAD, WHOLE_BODY, leaving)),
        tier=Tier.EXHAUSTIVE,
    )

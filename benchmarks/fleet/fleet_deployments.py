"""Serves many deployments on loopback: the reference, faulty ones, a slow one, a dead one and one that hangs."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from conformance.contract import Contract, Tier, load_contract
from conformance.reference import EmbeddedReference, Tenant
from conformance.reference.faults import Fault, every_fault
from conformance.reference.hooks import Hooks
from conformance.reference.own_contract import reference_stages

VARIABLE = "FLEET_BENCHMARK_KEY"
PROFILE, MODEL = "openai", "reference-echo"
_SLOW = 0.7
"""Seconds before each answer of the slow one."""


@contextlib.contextmanager
def fleet_file(folder: Path, count: int) -> Iterator[Path]:
    """A file with so many targets, all of which are there as long as the context; their key is in the environment.

    One is slow, one is dead, one hangs; of the others, every third has a fault.
    """
    key = os.environ.setdefault(VARIABLE, f"sk-benchmark-{secrets.token_hex(24)}")
    contract = load_contract(PROFILE)
    faults = _faults(contract)
    lines = ["[fleet]", 'tiers = ["smoke"]', "", "[defaults]", f'profile = "{PROFILE}"', f'model = "{MODEL}"']
    lines += [f'api_key_env = "{VARIABLE}"', "second_tenant = false", "timeout = 5", "deadline = 20"]
    with contextlib.ExitStack() as served:
        for number in range(count):
            name, url = _serve(number, contract, faults, key, served)
            lines += ["", f"[targets.{name}]", f'base_url = "{url}"']
        file = folder / "FLEET.toml"
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        yield file


def _serve(
    number: int, contract: Contract, faults: Sequence[Fault], key: str, served: contextlib.ExitStack
) -> tuple[str, str]:
    """The name and the address of one more deployment, which is served as long as the stack."""
    if number == 1:
        return "dead", served.enter_context(_dead())
    if number == 2:
        return "hanging", served.enter_context(_hanging())
    fault = faults[number % len(faults)] if number % 3 == 0 and number > 2 else None
    tenants = Tenant("first", key), Tenant("second", f"{key}-second")
    reference = EmbeddedReference(
        PROFILE,
        contract=contract,
        hooks=None if fault is None else fault.hooks_over(Hooks(reference_stages(contract))),
        latency=_SLOW if number == 0 else 0.0,
        tenants=tenants,
    )
    served.enter_context(reference)
    name = "slow" if number == 0 else f"target-{number:02}" + ("" if fault is None else "-faulty")
    return name, reference.base_url


def _faults(contract: Contract) -> list[Fault]:
    """Faults that the smoke tier shows, and that make nobody wait."""
    smoke = {row.id for row in contract.requirements if row.tier is Tier.SMOKE}
    found = [
        one
        for one in every_fault(contract)
        if one.breaks and set(one.breaks) <= smoke and not (one.waits or one.is_variation or one.generated)
    ]
    return found[:: max(1, len(found) // 20)]


@contextlib.contextmanager
def _dead() -> Iterator[str]:
    """An address at which nobody listens, and that nobody else gets meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/v1"


@contextlib.contextmanager
def _hanging() -> Iterator[str]:
    """One that takes every connection, and never says a word."""
    connections: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:

        def take() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connections.append(listener.accept()[0])

        threading.Thread(target=take, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    for connection in connections:
        connection.close()

"""`chat-conformance clients`: lets real clients read the recorded answers of a run, and says which survive it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from conformance.clients.catalogue import Client
    from conformance.clients.evidence_of_run import FinishedRun
    from conformance.report.client_results import ClientResult, ClientResults, Prediction

UNDERSTOOD, NOT_UNDERSTOOD, UNDECIDED = 0, 1, 3
PAGE = "compliance.html"


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """The options of the command line."""

    client: tuple[str, ...] = ()
    """Names of clients; empty for all that are installed."""
    install: bool = False
    lists: bool = False
    out: Path | None = None
    speed: float | None = None
    quirks: bool = False
    predict: bool = False


def show_clients(run: Path | None, options: ClientOptions) -> int:
    """Run the clients on a run's answers and write clients.json; returns the exit status.

    Raises:
        UsageFailure: there is no such client, none is installed, or one cannot be installed.
        ResultsError, EvidenceError: the run cannot be used.
        OSError: a file cannot be written.
    """
    from conformance.clients.evidence_of_run import read_run
    from conformance.terminal.exits import UsageFailure

    clients = _named(options.client)
    if options.install:
        _install(clients)
    if options.lists or (run is None and options.install):
        click.echo(_list(clients))
        return UNDERSTOOD
    if run is None:
        raise UsageFailure("clients needs RUN, the directory that a run wrote; --list lists the clients.")
    finished = read_run(run)
    results = _predicted_only(finished) if options.predict else _shown(finished, clients, options)
    _write(results, finished, options.out or run)
    if results.any_misunderstood or results.predicted:
        return NOT_UNDERSTOOD
    return UNDERSTOOD if options.predict or results.is_complete else UNDECIDED


def _named(names: Sequence[str]) -> tuple[Client, ...]:
    import difflib

    from conformance.clients.catalogue import shipped_clients
    from conformance.terminal.exits import UsageFailure

    known = {one.name: one for one in shipped_clients()}
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else "--list lists them."
            raise UsageFailure(f"there is no client {name!r}; {hint}")
    return tuple(known[name] for name in dict.fromkeys(names)) or tuple(known.values())


def _install(clients: Sequence[Client]) -> None:
    from conformance.clients.environments import InstallError, install
    from conformance.terminal.exits import UsageFailure

    failed = []
    for client in clients:
        try:
            taken = install(client, lambda words: click.echo(words, err=True))
        except InstallError as error:
            failed.append(str(error))
            continue
        if taken.mib:
            click.echo(f"{client.title}: {taken.mib} MiB, installed in {taken.seconds:g} s", err=True)
    if failed:
        raise UsageFailure(" ".join(failed))


def _list(clients: Sequence[Client]) -> str:
    from conformance.clients.environments import cache_folder, state_of

    width = max(len(one.name) for one in clients)
    lines = [f"{one.name:<{width}}  {state_of(one):<28}  {', '.join(one.packages or one.needs)}" for one in clients]
    return "\n".join([*lines, f"Environments are in {cache_folder()}."])


def _shown(finished: FinishedRun, clients: Sequence[Client], options: ClientOptions) -> ClientResults:
    from conformance.clients.environments import environment_of
    from conformance.clients.record import results_of
    from conformance.clients.replay_server import FAST
    from conformance.clients.session import Session
    from conformance.terminal.exits import UsageFailure

    missing = {one.name: why for one in clients if isinstance(why := environment_of(one), str)}
    if options.client and missing:
        raise UsageFailure(f"{next(iter(missing))}: {next(iter(missing.values()))}.")
    if len(missing) == len(clients):
        raise UsageFailure("no client is installed; --install installs all, or with --client some of them.")
    if not finished.chosen.scenarios:
        raise UsageFailure(f"{finished.directory} has no exchange that clients can be shown.")
    session = Session.of(finished.chosen, FAST if options.speed is None else options.speed, quirks=options.quirks)
    if missing:
        click.echo(f"Not installed: {', '.join(missing)} (--install).", err=True)
    shown, confined = session.show([one for one in clients if one.name not in missing], _progress)
    return results_of(finished, session, shown, confined=confined, predicted=())


def _progress(result: ClientResult) -> None:
    if sys.stderr.isatty():
        click.echo(f"{result.title}: {result.why or result.worst.value} ({result.seconds:g} s)", err=True)


def _predicted_only(finished: FinishedRun) -> ClientResults:
    from conformance.clients.prediction import predicted, shipped_table
    from conformance.clients.record import results_of
    from conformance.clients.session import Session

    found: tuple[Prediction, ...] = predicted(finished.chosen.scenarios, shipped_table(), finished.kept)
    return results_of(finished, Session.of(finished.chosen), (), confined=True, predicted=found)


def _write(results: ClientResults, finished: FinishedRun, out: Path) -> None:
    from rich.console import Console

    from conformance.clients.console import print_clients
    from conformance.report import write_atomically
    from conformance.report.client_results import FILE_NAME, client_results_text
    from conformance.report.clients_on_page import with_clients

    print_clients(results, Console(highlight=False, soft_wrap=not sys.stdout.isatty()))
    write_atomically(out / FILE_NAME, client_results_text(results))
    click.echo(str(out / FILE_NAME))
    page = finished.directory / PAGE
    if page.is_file():
        write_atomically(out / PAGE, with_clients(page.read_text(encoding="utf-8"), results))
        click.echo(str(out / PAGE))

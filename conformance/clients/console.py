"""Prints what clients understood: a table of clients and scenarios, and below it what each did not understand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from conformance.quoting import one_line
from conformance.report.client_results import ClientResult, ClientResults, ScenarioResult, Understanding

if TYPE_CHECKING:
    from rich.console import Console

_STYLES: Final = {
    Understanding.BROKE: "bold red",
    Understanding.OTHERWISE: "yellow",
    Understanding.SAME: "green",
    Understanding.UNSUPPORTED: "dim",
    Understanding.NOT_RUN: "dim",
}
_LONGEST: Final = 160
_MOST_TOLD: Final = 12


def print_clients(results: ClientResults, console: Console) -> None:
    """Print the results on a rich console; what a target or a client said is on one line and never markup."""
    if results.ran:
        _print_table(results, console)
        for client in results.ran:
            _print_troubles(client, results, console)
    for client in results.clients:
        if client.why:
            console.print(f"{client.title}: {client.why}.", markup=False)
    for one in results.predicted:
        because = ", ".join(one.requirements)
        console.print(f"{one.client} would break on `{one.kind}`, by the lab's table: {because}", markup=False)
    for kind, why in results.left_out.items():
        console.print(f"{kind} cannot be played again: {why}", markup=False)
    if results.ran:
        console.print(f"Clients: {results.headline}.", style="bold", markup=False)
    elif not results.clients and not results.predicted:
        console.print("By the lab's table, no client breaks.", style="bold", markup=False)


def _print_table(results: ClientResults, console: Console) -> None:
    from rich import box  # noqa: PLC0415 - takes time, and only a run needs it
    from rich.table import Table  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415 - as above

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("Scenario", no_wrap=True)
    names = [str(number) for number in range(1, len(results.ran) + 1)]
    for name in names:
        table.add_column(name, justify="right", min_width=2, no_wrap=True)
    by_scenario = [{one.scenario: one for one in client.results} for client in results.ran]
    for scenario in results.scenarios:
        cells = [_cell(found.get(scenario.id)) for found in by_scenario]
        table.add_row(Text(scenario.id), *(Text(mark, style=style) for mark, style in cells))
    console.print(table)
    for name, client in zip(names, results.ran, strict=True):
        mark, style = _shown(client.worst)
        console.print(Text.assemble(f"{name:>2} ", (mark, style), f" {client.title} {client.version or ''}"))
    legend = "   ".join(f"{one.mark} {one.value}" for one in _STYLES)
    console.print(legend, style="dim", markup=False)


def _cell(result: ScenarioResult | None) -> tuple[str, str]:
    return _shown(Understanding.NOT_RUN if result is None else result.result)


def _shown(understanding: Understanding) -> tuple[str, str]:
    """The mark of a result, and its style."""
    return understanding.mark, _STYLES[understanding]


def _print_troubles(client: ClientResult, results: ClientResults, console: Console) -> None:
    troubles = [*client.of(Understanding.BROKE), *client.of(Understanding.OTHERWISE)]
    if not troubles:
        return
    explained = {one.id: one for one in results.scenarios}
    console.print(f"\n{client.title} {client.version or ''}", style="bold", markup=False)
    for one in troubles[:_MOST_TOLD]:
        mark, style = _shown(one.result)
        console.print(f"  {mark} {one.scenario}", style=style, markup=False)
        for line in _lines(one):
            console.print(f"      {one_line(line, _LONGEST)}", markup=False)
        shown = explained[one.scenario]
        because = f"; findings: {', '.join(shown.explained_by[:4])}" if shown.explained_by else ""
        console.print(f"      in {one_line(shown.exchange, _LONGEST)}{because}", style="dim", markup=False)
    if len(troubles) > _MOST_TOLD:
        console.print(f"  and {len(troubles) - _MOST_TOLD} more in clients.json", markup=False)
    for quirk in client.quirks:
        costs = f" (but not: {', '.join(quirk.costs)})" if quirk.costs else ""
        console.print(f"  helps {', '.join(quirk.helps)}{costs}:", style="green", markup=False)
        for line in quirk.snippet.splitlines():
            console.print(f"      {line}", markup=False)


def _lines(result: ScenarioResult) -> Iterator[str]:
    if result.message:
        yield result.message
    for one in result.differences:
        yield f"{one.member}: the bytes say {one.expected}; the client says {one.came}"

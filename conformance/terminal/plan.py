"""Prints the plan of a run: what would be sent, and what it may cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.probes import Plan


def print_plan(plan: Plan, base_url: str) -> None:
    """Print each probe with its intent and worst-case cost, then the totals."""
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("probe", "intent", "tokens", "sent because", box=box.SIMPLE_HEAD, pad_edge=False)
    for probe in plan.probes:
        about = f"{probe.about}; {len(probe.instead)} more if refused" if probe.instead else probe.about
        table.add_row(probe.name, probe.intent.value, str(probe.completion_tokens), escape(about))
    console = Console()
    console.print(table)
    console.print(
        f"{len(plan.probes)} requests to {escape(base_url)}; at worst {plan.worst_case_requests} requests"
        f" (without retries) and {plan.worst_case_tokens} completion tokens. Nothing was sent."
    )

"""Lines of a history that nobody had to run for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from conformance.watch.change_test import Trials
from conformance.watch.entry import Choice, Cost, Entry, Row

FIRST = date(2026, 11, 1)
JUDGED_BY = {"version of the suite": "0.1.0", "digest of the program": "a" * 16, "release": "none"}
FACTS = {"model": "acme-large", "server": "acme", "system_fingerprint": "fp_1"}


def row(exchanges: int = 2, failed: int = 0, again: int = 0, broken_again: int = 0, **more: Any) -> Row:
    """What a run says of a MUST."""
    outcome = "failed" if failed else "passed"
    fields = {"outcome": outcome, "level": "MUST", "digest": "0" * 16, **more}
    return Row(**fields, trials=Trials(exchanges, failed, again, broken_again))


def entry(number: int, rows: Mapping[str, Row] | None = None, **more: Any) -> Entry:
    """The line of the day with this number, from 0."""
    rows = {"stream.done-once": row()} if rows is None else rows
    broken = any(one.outcome == "failed" for one in rows.values())
    day = FIRST + timedelta(days=number)
    fields: dict[str, Any] = {
        "day": day,
        "started": f"{day}T03:17:00+00:00",
        "run": f"runs/{day}-smoke",
        "choice": Choice("smoke"),
        "verdict": "nonconformant" if broken else "conformant",
        "judged_by": JUDGED_BY,
        "facts": FACTS,
        "rows": rows,
        "cost": Cost(11, 28, 1.5),
        "rules": {"years": 10.0, "tolerance": 0.001},
    }
    return Entry(**{**fields, **more})

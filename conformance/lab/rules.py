"""The rules of the lab: what must hold of a kill matrix, and in which sentence it is told where it does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from conformance.lab.matrix import Matrix, Result, Row


@dataclass(frozen=True, slots=True)
class Breach:
    """One rule that does not hold: its name, the target or requirement, and a sentence."""

    rule: str
    subject: str
    sentence: str


CAUGHT = "every fault is caught through what it breaks"
CLEAN = "nothing is accused falsely"
KILLED = "every requirement is killed by a fault"
EXACT = "a fault changes what it declares, and nothing else"
WHOLE = "the suite itself does not break"
SHOWN = "evidence shows again what a run found"


def breaches(matrix: Matrix) -> tuple[Breach, ...]:
    """Every rule that does not hold; of a partial matrix, nothing is said of requirements that no fault killed."""
    found = [breach for row in matrix.rows for breach in _of_row(row)]
    if not matrix.partial:
        found += [
            Breach(KILLED, name, f"no fault was caught through {name}, so that nothing shows that its test can fail")
            for name in matrix.idle
        ]
    return tuple(found)


def _of_row(row: Row) -> Iterator[Breach]:
    for line in row.broken:
        yield Breach(WHOLE, row.id, f"{row.id}: the suite broke: {line}")
    for line in row.gaps:
        yield Breach(SHOWN, row.id, f"{row.id}: {line}")
    if row.result is Result.ACCUSED:
        told = "; ".join(f"{name}: {row.messages.get(name, row.changed[name])}" for name in row.found)
        yield Breach(CLEAN, row.id, f"{row.id} is allowed, and was accused: {told}")
    elif row.result in {Result.MISSED, Result.ASIDE}:
        assert row.fault is not None
        lacking = [name for name in row.fault.breaks if name not in row.found]
        through = f", only through {', '.join(row.found[:5])}" if row.found else ""
        yield Breach(CAUGHT, row.id, f"{row.id} was not caught through {', '.join(lacking)}{through}")
    if row.fault is None:
        unsure = [name for name, outcome in row.changed.items() if outcome == "inconclusive"]
        if unsure:
            yield Breach(CLEAN, row.id, f"{row.id}: nothing could be said of {', '.join(unsure)}")
        return
    undeclared = {
        name: outcome for name, outcome in row.undeclared.items() if not (row.fault.is_variation and name in row.found)
    }
    if undeclared:
        told = ", ".join(f"{name} ({outcome}{_why(row, name)})" for name, outcome in undeclared.items())
        yield Breach(EXACT, row.id, f"{row.id} changes what it does not declare: {told}")
    absent = {name: outcome for name, outcome in row.absent.items() if name not in row.fault.breaks}
    if absent:
        told = ", ".join(f"{name} ({outcome})" for name, outcome in absent.items())
        yield Breach(EXACT, row.id, f"{row.id} does not change what it declares: {told}")


def _why(row: Row, name: str) -> str:
    """Why nothing could be said of a requirement; a finding stands in the matrix."""
    return f": {row.messages[name]}" if row.changed[name] == "inconclusive" and name in row.messages else ""

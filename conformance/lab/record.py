"""Writes kill-matrix.json, which specs/kill-matrix.schema.json describes, and reads back what scores are made of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import conformance
from conformance.contract.locations import specs_directory
from conformance.lab.matrix import Matrix, Row
from conformance.lab.rules import breaches

FORMAT = 1
FILE_NAME = "kill-matrix.json"
SCHEMA = "kill-matrix.schema.json"


class MatrixError(Exception):
    """A kill-matrix.json cannot be used. The message is one sentence: the file and what is wrong with it."""


def matrix_text(matrix: Matrix) -> str:
    """The text of kill-matrix.json."""
    return json.dumps(matrix_document(matrix), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def matrix_document(matrix: Matrix) -> dict[str, Any]:
    """The JSON document of a kill matrix."""
    profile, killers = matrix.contract.profile, matrix.killers()
    return {
        "format": FORMAT,
        "suite": {"name": "chat-conformance", "version": conformance.__version__},
        "profile": {"name": profile.name, "version": profile.version, "sha256": profile.sha256},
        "partial": matrix.partial,
        "score": {
            "faults": len(matrix.faults),
            "caught": len(matrix.caught),
            "traps": len(matrix.traps),
            "false_alarms": len(matrix.accused),
            "requirements": len(killers),
            "killed": sum(bool(ids) for ids in killers.values()),
            "requests": sum(row.requests for row in matrix.rows),
            "seconds": matrix.seconds,
        },
        "breaches": [
            {"rule": breach.rule, "subject": breach.subject, "sentence": breach.sentence} for breach in breaches(matrix)
        ],
        "requirements": [
            {
                "id": row.id,
                "level": row.level.value,
                "section": row.section.value,
                "statement": row.statement,
                "control": matrix.control.get(row.id, "untested"),
                "killed_by": list(killers[row.id]),
            }
            for row in matrix.requirements
        ],
        "targets": [_row_document(row) for row in matrix.rows],
    }


def _row_document(row: Row) -> dict[str, Any]:
    fault = row.fault
    return {
        "id": row.id,
        "kind": "control" if fault is None else "trap" if fault.is_variation else "fault",
        "about": "The reference deployment without a fault." if fault is None else fault.about,
        "family": None if fault is None else fault.family,
        "seen": [] if fault is None else list(fault.seen),
        "when": None if fault is None else fault.when,
        "generated": fault is not None and fault.generated,
        "breaks": [] if fault is None else list(fault.breaks),
        "result": row.result.value,
        "changed": dict(row.changed),
        "undeclared": dict(row.undeclared),
        "absent": dict(row.absent),
        "messages": {name: row.messages[name] for name in row.found if name in row.messages},
        "requests": row.requests,
        "seconds": row.seconds,
        "tries": row.tries,
    }


def core(document: dict[str, Any]) -> dict[str, Any]:
    """What two runs of the same lab must agree in: everything but times, words, and what was judged a second time."""
    targets = [
        {name: value for name, value in target.items() if name not in {"seconds", "messages", "requests", "tries"}}
        for target in document["targets"]
    ]
    score = {name: value for name, value in document["score"].items() if name not in {"seconds", "requests"}}
    return {**document, "targets": targets, "score": score}


def read_matrix(path: Path) -> dict[str, Any]:
    """The document of a kill-matrix.json.

    Raises:
        MatrixError: it cannot be read, or departs from its schema.
    """
    from jsonschema_rs import Draft202012Validator  # noqa: PLC0415 - takes 50 ms

    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MatrixError(f"{path}: cannot be read ({error.strerror or error}).") from error
    except ValueError as error:
        raise MatrixError(f"{path}: is not JSON ({error}).") from error
    schema = json.loads((specs_directory() / SCHEMA).read_text(encoding="utf-8"))
    problem = next(iter(Draft202012Validator(schema).iter_errors(document)), None)
    if problem is not None:
        raise MatrixError(f"{path}: {problem.message[:200]} (see specs/{SCHEMA}).")
    read: dict[str, Any] = document
    return read

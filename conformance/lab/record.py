"""Writes kill-matrix.json, which specs/kill-matrix.schema.json describes, with its page, and reads it back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import conformance
from conformance.lab.kill_matrix import KillMatrix, LabResult
from conformance.lab.page import kill_matrix_page
from conformance.lab.rules import rule_violations
from conformance.report.files import write_atomically
from conformance.shipped import specs_directory

FORMAT = 1
FILE_NAME = "kill-matrix.json"
PAGE_NAME = "kill-matrix.html"
SCHEMA = "kill-matrix.schema.json"

# The names of the format are older than those of the code, and stay: a `trap` is an allowed variation.
KIND_CONTROL, KIND_FAULT, KIND_VARIATION = "control", "fault", "trap"
SCORE_VARIATIONS = "traps"
RULE_VIOLATIONS = "breaches"


class KillMatrixError(Exception):
    """A kill-matrix.json cannot be used. The message is one sentence: the file, and what is wrong with it."""


def write_matrix(matrix: KillMatrix, out: Path) -> dict[str, Path]:
    """Write kill-matrix.json and its page into a directory; returns their paths by name.

    Raises:
        OSError: one cannot be written.
    """
    out.mkdir(parents=True, exist_ok=True)
    record = out / FILE_NAME
    write_atomically(record, json.dumps(matrix_document(matrix), ensure_ascii=False, indent=1, allow_nan=False) + "\n")
    page = out / PAGE_NAME
    write_atomically(page, kill_matrix_page(matrix))
    return {"Kill matrix": record, "Page": page}


def matrix_document(matrix: KillMatrix) -> dict[str, Any]:
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
            SCORE_VARIATIONS: len(matrix.variations),
            "false_alarms": len(matrix.false_alarms),
            "requirements": len(killers),
            "killed": len(matrix.killed),
            "requests": sum(one.requests for one in matrix.results),
            "seconds": matrix.seconds,
        },
        RULE_VIOLATIONS: [
            {"rule": violation.rule, "subject": violation.subject, "sentence": violation.sentence}
            for violation in rule_violations(matrix)
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
        "targets": [_result_document(one) for one in matrix.results],
    }


def _result_document(one: LabResult) -> dict[str, Any]:
    fault = one.fault
    return {
        "id": one.id,
        "kind": KIND_CONTROL if fault is None else KIND_VARIATION if fault.is_variation else KIND_FAULT,
        "about": "The reference deployment without a fault." if fault is None else fault.about,
        "family": None if fault is None else fault.family,
        "seen": [] if fault is None else list(fault.seen),
        "when": None if fault is None else fault.when,
        "generated": fault is not None and fault.generated,
        "breaks": [] if fault is None else list(fault.breaks),
        "result": one.detection.value,
        "changed": dict(one.changed),
        "undeclared": dict(one.undeclared),
        "absent": dict(one.absent),
        "messages": {name: one.messages[name] for name in one.found if name in one.messages},
        "requests": one.requests,
        "seconds": one.seconds,
        "tries": one.tries,
    }


def core(document: dict[str, Any]) -> dict[str, Any]:
    """What two runs of the same lab must agree on: everything but times, messages, and what was judged twice."""
    targets = [
        {name: value for name, value in target.items() if name not in {"seconds", "messages", "requests", "tries"}}
        for target in document["targets"]
    ]
    score = {name: value for name, value in document["score"].items() if name not in {"seconds", "requests"}}
    return {**document, "targets": targets, "score": score}


def read_matrix(path: Path) -> dict[str, Any]:
    """The document of a kill-matrix.json.

    Raises:
        KillMatrixError: it cannot be read, or does not match its schema.
    """
    from jsonschema_rs import Draft202012Validator  # noqa: PLC0415 - takes 50 ms

    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise KillMatrixError(f"{path}: cannot be read ({error.strerror or error}).") from error
    except ValueError as error:
        raise KillMatrixError(f"{path}: is not JSON ({error}).") from error
    schema = json.loads((specs_directory() / SCHEMA).read_text(encoding="utf-8"))
    problem = next(iter(Draft202012Validator(schema).iter_errors(document)), None)
    if problem is not None:
        raise KillMatrixError(f"{path}: {problem.message[:200]} (see specs/{SCHEMA}).")
    read: dict[str, Any] = document
    return read

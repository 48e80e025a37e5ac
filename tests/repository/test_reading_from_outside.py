"""What comes from outside is read by one strict reader; the standard library's reads only what is ours."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "conformance"

OURS = {
    "contract/documents.py": "schemas of ours; a user's document is checked as it is read",
    "lab/kept_results.py": "what this program kept of a lab of its own",
    "lab/record.py": "the lab's own record",
    "lab/scores.py": "figures of a benchmark of ours",
    "probes/call_histories.py": "a call that the preflight wrote, from what the strict reader had read",
    "probes/schemathesis_requests.py": "a schema that was written a line above",
    "probes/usual_requests.py": "arguments of a call in a request of ours",
    "report/write.py": "a record that was written a line above",
    "running/run_log.py": "what pytest-html has just written",
    "soak/keeping.py": "a record that was written a line above",
    "strict_json.py": "the strict reader itself",
    "suite/complaint.py": "what a target wrote, where anything is only text if it is not JSON",
    "suite/sent_values.py": "a request of ours, which `verify` holds to the plan",
    "suite/test_tolerance.py": "judges whether any reader takes a text",
    "terminal/ci_output.py": "a record that was written a line above",
    "terminal/output.py": "JSON that was written a line above",
}
"""The modules that may use another reader, and why."""
APART = ("clients/drivers", "reference")
"""Programs of their own: those that clients' users might write, and the deployment that is judged."""


def other_readers(path: Path) -> Iterator[int]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Attribute) and node.attr in {"loads", "load", "JSONDecoder", "raw_decode"}:
            if isinstance(node.value, ast.Name) and node.value.id == "json":
                yield node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module == "json":
            yield node.lineno


def test_nothing_else_reads_json_than_what_is_known_to_read_only_ours() -> None:
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if any(other_readers(path)) and not any(path.is_relative_to(PACKAGE / one) for one in APART)
    }
    assert found == OURS.keys()

"""The statement of a bundle: an in-toto Statement v1 with the test-result predicate v0.1.

Sources: https://github.com/in-toto/attestation, spec/v1/statement.md and spec/predicates/test-result.md.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conformance.bundle.errors import BundleError
from conformance.bundle.manifest import MANIFEST
from conformance.contract.model import Level
from conformance.report import Results
from conformance.strict_json import JsonError, load
from conformance.suite.outcome import Outcome, Verdict

STATEMENT = "statement.json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://in-toto.io/attestation/test-result/v0.1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"


def statement_text(results: Results, manifest: str) -> str:
    """The statement about a run, over the manifest of its bundle and so over every file in it.

    `result` is PASSED for a conformant run, WARNED for one with broken recommendations or waived failures, and FAILED
    for everything else: an inconclusive run has shown nothing. Tests are named by requirement id.
    """
    profile = results.profile
    document = {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": MANIFEST, "digest": {"sha256": hashlib.sha256(manifest.encode()).hexdigest()}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "result": _result(results),
            "configuration": [
                {
                    "name": f"{profile.name} {profile.version}",
                    "digest": {"sha256": profile.sha256},
                    "annotations": _circumstances(results),
                }
            ],
            "passedTests": _ids(results, Outcome.PASSED),
            "warnedTests": _ids(results, Outcome.WARNING, Outcome.WAIVED),
            "failedTests": _ids(results, Outcome.FAILED),
        },
    }
    return json.dumps(document, indent=1) + "\n"


def _result(results: Results) -> str:
    if results.verdict is not Verdict.CONFORMANT:
        return "FAILED"
    return "WARNED" if _ids(results, Outcome.WARNING, Outcome.WAIVED) else "PASSED"


def _circumstances(results: Results) -> Mapping[str, Any]:
    return {
        "suite": f"chat-conformance {results.suite_version}",
        "target": results.target.base_url,
        "model": results.target.model or "",
        "tier": results.tier.value,
        "started": results.started,
        "verdict": results.verdict.value,
        "scope": results.about,
        "release": results.release.version if results.release else "",
        "must": str(sum(row.level is Level.MUST and row.scored for row in results.requirements)),
    }


def _ids(results: Results, *outcomes: Outcome) -> list[str]:
    return [row.id for row in results.requirements if row.outcome in outcomes]


def check_statement(text: str, results: Results, manifest: Path) -> None:
    """Check that a statement is the one that follows from the results and the manifest.

    Raises:
        BundleError: it is not; the message names the first part that differs.
    """
    try:
        found = load(text)
    except JsonError as error:
        raise BundleError(f"the statement is not JSON that can be used ({error}).") from error
    wanted = load(statement_text(results, manifest.read_text(encoding="utf-8")))
    if found == wanted:
        return
    if not isinstance(found, Mapping) or found.get("subject") != wanted["subject"]:
        raise BundleError(f"the statement is about a different {MANIFEST} than the one in the archive.")
    differing = next((name for name in wanted if found.get(name) != wanted[name]), "a member that it should not have")
    raise BundleError(f"the statement does not agree with results.json: {differing} differs.")

"""What becomes of published OpenAPI documents: judged at their own reference deployment, and checked independently.

    python benchmarks/documents/survey.py [--tier TIER] DOCUMENT[#OPERATION]...

Prints a table in Markdown. Each body that is planned is checked once more by python-jsonschema, which reads the
document as it was written, with its references; the suite makes bodies from schemas that it has resolved, and checks
them by jsonschema-rs. Exit status 1 where a body is not what it is sent as, or a deployment that keeps its own document
is accused of breaking a MUST.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from bodies_checked_again import Independent, WrongBody  # noqa: E402 - after the path

from conformance.contract import Contract, ContractError, load_contract  # noqa: E402 - after the path
from conformance.contract.model import Tier  # noqa: E402 - after the path
from conformance.reference import EmbeddedReference  # noqa: E402 - after the path
from conformance.report import Results  # noqa: E402 - after the path
from conformance.running.finish import finish  # noqa: E402 - after the path
from conformance.running.opening import open_run  # noqa: E402 - after the path
from conformance.running.pytest_session import judge  # noqa: E402 - after the path
from conformance.running.run import RunSettings  # noqa: E402 - after the path
from conformance.suite.outcome import Outcome  # noqa: E402 - after the path
from conformance.targets.environment import variables_of  # noqa: E402 - after the path


@dataclass(frozen=True)
class Surveyed:
    """One document: what it makes, and what its own deployment came to."""

    name: str
    contract: Contract
    results: Results
    checked: int
    wrong: tuple[WrongBody, ...]

    @property
    def accused(self) -> list[str]:
        """The requirements that the deployment is said to break."""
        return [row.id for row in self.results.requirements if row.outcome is Outcome.FAILED]

    @property
    def row(self) -> str:
        """A row of the table."""
        rows = self.results.requirements
        undecided = sum(row.outcome in (Outcome.UNTESTED, Outcome.INCONCLUSIVE, Outcome.BLOCKED) for row in rows)
        skipped = sum(row.outcome is Outcome.SKIPPED for row in rows)
        warned = ", ".join(row.id for row in rows if row.outcome is Outcome.WARNING)
        verdict = self.results.verdict.value + (f" (warns of {warned})" if warned else "")
        cells = (
            self.name,
            self.contract.profile.version,
            str(len(self.contract.requirements)),
            str(self.results.exchanges.count),
            f"{self.checked} ({len(self.wrong)} wrong)",
            verdict,
            str(skipped),
            str(undecided),
        )
        return f"| {' | '.join(cells)} |"


HEAD = (
    "| document | version | requirements | requests | bodies checked | verdict | do not apply | undecided |\n"
    "| --- | --- | ---: | ---: | ---: | --- | ---: | ---: |"
)


def survey(document: str, tier: Tier) -> Surveyed:
    """Judge the reference deployment of a document, and check what is sent to it.

    Raises:
        ContractError: the document cannot be used.
    """
    contract = load_contract(document)
    independent = Independent(contract)
    with EmbeddedReference(document, contract=contract) as reference, tempfile.TemporaryDirectory() as folder:
        settings = RunSettings(document, base_url=reference.base_url, tier=tier, out=Path(folder) / "out", generated=50)
        environment = {**os.environ, **variables_of(reference.target, contract.parameters)}
        with open_run(settings, environment) as run:
            suite_run, _ = judge(run, log=Path(folder) / "log.html")
            results = finish(suite_run, interrupted=False, write=False).results
            wrong = tuple(independent.wrong(run.plan(("*",))))
    return Surveyed(Path(document.partition("#")[0]).stem, contract, results, independent.checked, wrong)


def main() -> int:
    """Survey each document that is named; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("documents", nargs="+")
    parser.add_argument("--tier", type=Tier, default=Tier.STANDARD)
    options = parser.parse_args()
    print(HEAD)
    return max(_shown(document, options.tier) for document in options.documents)


def _shown(document: str, tier: Tier) -> int:
    try:
        found = survey(document, tier)
    except ContractError as error:
        print(f"| {Path(document).stem} | refused: {error} | | | | | | |", flush=True)
        return 0
    print(found.row, flush=True)
    for line in _faults(found):
        print(line, file=sys.stderr, flush=True)
    return 1 if found.wrong or found.accused else 0


def _faults(found: Surveyed) -> Iterator[str]:
    messages: Mapping[str, Any] = {row.id: row.messages for row in found.results.requirements}
    yield from (f"{found.name}: {name} is said to be broken: {messages[name][:1]}" for name in found.accused)
    yield from (f"{found.name}: {one}" for one in found.wrong[:20])


if __name__ == "__main__":
    sys.exit(main())

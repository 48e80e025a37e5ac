"""The parts of `verify` that take memory and time, each of which runs in a confined process."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import conformance
from conformance.bundle import (
    ENVELOPE,
    MANIFEST,
    STATEMENT,
    BundleError,
    check_manifest,
    check_statement,
    fingerprint,
    public_key,
    verified_payload,
)
from conformance.bundle.confinement import answer_in_confinement
from conformance.bundle.demands import Demands, unmet
from conformance.bundle.manifest import file_digest
from conformance.bundle.packing import EVIDENCE, REPORTS, REQUIREMENTS
from conformance.quoting import one_line

if TYPE_CHECKING:
    from conformance.report import Results

_NEEDED = ("results.json", EVIDENCE, REQUIREMENTS, *REPORTS)


def checked(asked: Mapping[str, Any]) -> list[str]:
    """Do one part of the checking of an unpacked bundle; gives what the requests show, or with that the whole answer.

    Where facts are asked for, the answer is one line: these as JSON.

    Raises:
        BundleError: the bundle is not valid, or does not meet the demands.
    """
    from conformance.bundle.challenge import GivenChallenge, challenge_sentences  # noqa: PLC0415 - loads the suite
    from conformance.bundle.judge_again import check_plan_again, judge_again  # noqa: PLC0415 - a part needs one

    folder, members = Path(asked["folder"]), asked["members"]
    if asked["part"] == "plan":
        results, _ = consistent(folder, members, asked["key_file"])
        given = None if asked["challenge"] is None else GivenChallenge.from_data(asked["challenge"])
        planned = check_plan_again(results, folder, None if given is None else given.challenge)
        answered = () if given is None or planned.carried is None else (given, planned.carried)
        return [*planned.connections, *(challenge_sentences(*answered, datetime.now(UTC)) if answered else ())]
    from conformance.bundle.answer import answer  # noqa: PLC0415 - as above
    from conformance.bundle.facts import facts_of  # noqa: PLC0415 - as above

    results, seal = consistent(folder, members, asked["key_file"])
    left, evidence = judge_again(results, folder)
    problem = unmet(Demands.from_data(asked["demands"]), results, left)
    if problem is not None:
        raise BundleError(problem)
    if asked["facts"]:
        signed_by = None if asked["key_file"] is None else fingerprint(public_key(Path(asked["key_file"])))
        facts = facts_of(results, evidence, left, file_digest(folder / EVIDENCE), signed_by)
        return [json.dumps(facts.data())]
    return answer(asked["name"], results, left, seal, asked["shown"])


def consistent(
    folder: Path, members: Sequence[str], key_file: str | None, *, any_version: bool = False
) -> tuple[Results, str]:
    """The results of a bundle whose files belong together, and what is known about its signature.

    Raises:
        BundleError: they do not, or, unless it may be of any version, another version of the suite made it.
    """
    manifest = check_manifest(folder, members, (STATEMENT, ENVELOPE))
    statement, seal = _statement(folder, members, key_file)
    if not any_version:
        _check_version(manifest)
    for name in _NEEDED:
        if name not in members:
            raise BundleError(f"{name} is missing; every bundle has it.")
    results = _results(folder)
    check_statement(statement, results, folder / MANIFEST)
    return results, seal


def _statement(folder: Path, members: Sequence[str], key_file: str | None) -> tuple[str, str]:
    present = [name for name in (STATEMENT, ENVELOPE) if name in members]
    if len(present) != 1:
        raise BundleError(f"it must have either {STATEMENT} or {ENVELOPE}, but has {' and '.join(present) or 'none'}.")
    text = _text(folder / present[0])
    if present[0] == ENVELOPE:
        if key_file is None:
            return verified_payload(text, None), "signed, and without --public-key the signature was not checked"
        key = public_key(Path(key_file))
        return verified_payload(text, key), f"signed by the given key (sha256 {fingerprint(key)})"
    if key_file is not None:
        raise BundleError("it is not signed, but --public-key asks for a signature.")
    return text, "not signed, so it shows what was observed but not who vouches for it"


def _check_version(manifest: Mapping[str, Any]) -> None:
    version = manifest["suite"]["version"]
    if version != conformance.__version__:
        shown = one_line(version, 80)
        raise BundleError(
            f"it was made by chat-conformance {shown}, and this is {conformance.__version__}. Another version may"
            " judge the same evidence differently, so nothing was judged again; verify it with"
            f" chat-conformance=={shown}."
        )


def _results(folder: Path) -> Results:
    from conformance.report import ResultsError, read_results  # noqa: PLC0415 - after what is cheaper to refuse

    try:
        return read_results(folder / "results.json")
    except ResultsError as error:
        raise BundleError(f"results.json cannot be used: {str(error).replace(f'{folder}/', '')}") from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BundleError(f"{path.name} is not UTF-8.") from error


if __name__ == "__main__":
    answer_in_confinement(checked)

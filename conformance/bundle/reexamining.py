"""The parts of judging a bundle for a registry, each of which runs in a confined process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.bundle import BundleError, fingerprint, public_key
from conformance.bundle.checking import consistent
from conformance.bundle.confinement import answer_in_confinement
from conformance.bundle.manifest import file_digest
from conformance.bundle.packing import EVIDENCE
from conformance.quoting import one_line

if TYPE_CHECKING:
    from conformance.report import Results

_LONGEST = 300


def reexamined(asked: Mapping[str, Any]) -> list[str]:
    """Do one part: check that the evidence is whole, or judge it; the answer is one line of JSON.

    A bundle that this very suite made has to hold as for `verify`. That of another one has to be whole as far as it
    says itself; whether its evidence is what a run of today would have is told, and not demanded.

    Raises:
        BundleError: the bundle does not hold.
    """
    from conformance.bundle.newest import check_shipped, made_elsewhere  # noqa: PLC0415 - loads the suite

    folder = Path(asked["folder"])
    results, _ = consistent(folder, asked["members"], asked["key_file"], any_version=True)
    check_shipped(results)
    elsewhere = made_elsewhere(results, folder)
    if asked["part"] == "plan":
        return [json.dumps(_plan(results, folder, elsewhere))]
    return [json.dumps(_judged(results, folder, elsewhere, asked))]


def _plan(results: Results, folder: Path, elsewhere: str | None) -> str | None:
    """Why the evidence is not that of a whole run of today, where another state of the suite made it."""
    from conformance.bundle.judge_again import check_plan_again  # noqa: PLC0415 - loads the suite
    from conformance.bundle.newest import check_newest_plan  # noqa: PLC0415 - as above

    if elsewhere is None:
        check_plan_again(results, folder)
        return None
    try:
        check_newest_plan(results, folder)
    except BundleError as error:
        return one_line(str(error), _LONGEST)
    return None


def _judged(results: Results, folder: Path, elsewhere: str | None, asked: Mapping[str, Any]) -> dict[str, Any]:
    from conformance.bundle.judge_again import judge_again  # noqa: PLC0415 - loads the suite
    from conformance.bundle.newest import judged_by_newest, newest_release  # noqa: PLC0415 - as above
    from conformance.bundle.reexamined import (  # noqa: PLC0415 - as above
        Reexamined,
        findings_of,
        judged_of,
        undecided_of,
        words_of,
    )

    if elsewhere is None:
        judge_again(results, folder)
    scored_by = None if results.release is None else results.release.version
    is_newest = elsewhere is None and scored_by == newest_release(results.profile.name)
    newest = results if is_newest else judged_by_newest(results, folder)
    target, incomplete = results.target, asked["incomplete"]
    return Reexamined(
        profile=results.profile.name,
        tier=results.tier,
        started=results.started,
        duration_s=results.duration_s,
        requests=results.exchanges.count,
        base_url=one_line(target.base_url, _LONGEST),
        model=None if target.model is None else one_line(target.model, _LONGEST),
        server=None if target.server is None else one_line(target.server, _LONGEST),
        embedded=target.embedded,
        suite_version=one_line(results.suite_version, 40),
        without=words_of(newest.scope.without),
        remarks=words_of(newest.scope.remarks),
        waived=words_of(tuple(waiver.requirement for waiver in results.waivers)),
        signed_by=None if asked["key_file"] is None else fingerprint(public_key(Path(asked["key_file"]))),
        evidence_sha256=file_digest(folder / EVIDENCE),
        made_elsewhere=elsewhere,
        incomplete=incomplete,
        recorded=judged_of(results),
        newest=judged_of(newest, incomplete),
        findings=findings_of(newest),
        why=undecided_of(newest),
    ).data()


if __name__ == "__main__":
    answer_in_confinement(reexamined)

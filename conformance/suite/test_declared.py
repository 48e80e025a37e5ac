"""Requirements whose own row declares an example request and the answer that it expects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from conformance.contract.media_types import essence
from conformance.contract.model import Requirement
from conformance.quoting import quoted
from conformance.reading import SchemaJudge
from conformance.suite.expect import Expect
from conformance.suite.marks import DECLARED, requirement
from conformance.suite.observations import Answered, Observations, status_of


@requirement(DECLARED, "{id}/case")
def test_a_declared_example_is_answered_as_declared(
    declared_row: Requirement, answers: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    assert declared_row.case is not None
    expected: Mapping[str, Any] = declared_row.case.get("expect", {})
    for answered in answers:
        if "status" in expected:
            fits = _status_fits(answered.answer.status, expected["status"])
            expect(fits, answered.id, expected=f"status {quoted(expected['status'])}", actual=status_of(answered))
        if "media_type" in expected:
            declared = essence(answered.answer.header("content-type"))
            wanted = expected["media_type"]
            expect(declared == wanted, answered.id, expected=f"media type {wanted}", actual=quoted(declared))
        if "schema" in expected:
            body = observations.completion_reading(answered.exchange).value
            broken = [f"{one.instance_path}: {one.actual}" for one in SchemaJudge(expected["schema"]).deviations(body)]
            actual = "; ".join(broken[:3])
            expect(not broken, answered.id, expected="a body that fits the declared schema", actual=actual)


def _status_fits(status: int, wanted: Any) -> bool:
    if isinstance(wanted, list):
        return any(_status_fits(status, one) for one in wanted)
    return str(status) == str(wanted) or f"{status // 100}XX" == str(wanted).upper()

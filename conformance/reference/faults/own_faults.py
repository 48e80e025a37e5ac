"""The faults of a user's own contract: one for each keyword of which the suite can see whether it is kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from conformance.contract.model import Contract, Schema
from conformance.probes.missing_probes import possible_plans
from conformance.reading import SchemaJudge, keyword_key
from conformance.reference.errors import Refusal
from conformance.reference.faults.answer_keywords import answer_keyword_faults
from conformance.reference.faults.fault import Fault
from conformance.reference.faults.keyword_faults import IGNORES, OVER_ENFORCES, keyword_faults
from conformance.reference.fitting import Fitter
from conformance.reference.own_contract import reference_dialect, reference_stages
from conformance.reference.stages import Stages, check_beside
from conformance.reference.validation import RequestRules

_SEEN_BY: Final = {IGNORES: "enforced", OVER_ENFORCES: "honoured"}
_BOUNDS: Final = frozenset(
    {"minimum", "maximum", "exclusiveMinimum", "minLength", "minItems", "maxItems", "enum", "const"}
)
"""Keywords whose boundary is the same in whatever schema, so that refusing it can be seen."""
_HEAD: Final = {"id": "chatcmpl-1", "created": 1_700_000_000, "model": "reference-echo"}
_USAGE: Final = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
_COMPLETION: Final = {
    **_HEAD,
    "object": "chat.completion",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}],
    "usage": _USAGE,
}
_CHUNK: Final = {
    **_HEAD,
    "object": "chat.completion.chunk",
    "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}],
}


def visible_request_faults(contract: Contract, faults: Iterator[Fault]) -> Iterator[Fault]:
    """Those faults of the request's keywords that change what becomes of a request which the suite can send."""
    plans = possible_plans(contract) or ()
    sent: dict[tuple[str, str], list[Any]] = {}
    for probe in (probe for plan in plans for probe in plan.every_probe()):
        requirement, _, rest = probe.name.partition("/")
        sent.setdefault((requirement, rest.partition("/")[0]), []).append(probe.body)
    names = {row.id: row.keyword.name for row in contract.requirements if row.keyword is not None}
    rules = RequestRules(contract.operation.request_schema, contract.operation.path_parameters)
    changed = {
        one.id
        for one in keyword_faults(contract)
        if one.id.startswith(IGNORES) or names[one.requirement] in _BOUNDS
        for kind in [one.id.partition(":")[0]]
        if any(
            one.stages.check_beside is not check_beside or _serves(one.stages, rules, body) is (kind == IGNORES)
            for body in sent.get((one.requirement, _SEEN_BY[kind]), ())
        )
    }
    yield from (fault for fault in faults if fault.id in changed)


def _serves(stages: Stages, rules: RequestRules, body: Any) -> bool:
    """Whether a body passes the check of a deployment."""
    try:
        stages.check_body(rules, body)
    except Refusal:
        return False
    return True


def visible_answer_faults(contract: Contract) -> Iterator[Fault]:
    """Those faults of the answers' keywords that change an answer of the reference deployment."""
    reached = {location: _reached(schema, sample) for location, schema, sample in _answers(contract)}
    keywords = {row.id: row.keyword for row in contract.requirements if row.keyword is not None}
    for fault in answer_keyword_faults(contract):
        keyword = keywords[fault.breaks[0]]
        if keyword_key(keyword) in reached.get(keyword.location, ()):
            yield fault


def _answers(contract: Contract) -> Iterator[tuple[str, Schema, Any]]:
    """Each described answer that the reference deployment gives: its location, its schema and a sample."""
    operation = contract.operation
    success = operation.success
    if success.json_schema is not None:
        yield "completion", success.json_schema, _COMPLETION
    if success.item_schema is not None:
        yield "stream.chunk", success.item_schema, _CHUNK
    response = operation.error_response(operation.invalid_status)
    if response is not None and response.json_schema is not None:
        refusal = Refusal(operation.invalid_status, "invalid_value", "The request is not valid.")
        body = reference_stages(contract).error_body(reference_dialect(contract), refusal)
        yield f"error.{response.status}", response.json_schema, body


def _reached(schema: Schema, sample: Any) -> frozenset[str]:
    return SchemaJudge(schema).reached(Fitter(schema)(sample))

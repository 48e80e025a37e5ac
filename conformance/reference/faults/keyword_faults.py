"""Faults made from the request schema: for each keyword, a deployment that ignores it and one that over-enforces it.

A deployment that ignores a keyword serves whatever breaks it, even where another stage (the parser, the list of models,
the check of the organization) would have refused it.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from conformance.contract.dialect import Dialect
from conformance.contract.model import BESIDE_THE_BODY, Contract, Keyword, Operation, Place, Requirement
from conformance.contract.pointers import split
from conformance.contract.samples import types_of
from conformance.contract.validators import validator_for
from conformance.probes.common_requests import MATTER_OF_THE_MODEL
from conformance.reference.access import authorize
from conformance.reference.errors import Refusal
from conformance.reference.faults.tightening import Tightened, can_be_tightened, tightened
from conformance.reference.interpretation import interpret, served_models
from conformance.reference.provider import CompletionRequest
from conformance.reference.settings import Settings, Tenant
from conformance.reference.stages import Stages
from conformance.reference.validation import RequestRules

_SELDOM_FIELDS = MATTER_OF_THE_MODEL - {"tools", "parallel_tool_calls", "logit_bias"}
_SELDOM_PLACES = (
    *("/messages/items/then/then/properties/content/", "/content/anyOf/1/items/else/", "/prompt_cache_breakpoint/"),
    *(
        "/messages/items/else/else/",
        "/messages/items/else/then/anyOf",
        "/messages/items/else/then/properties/content/items/else/",
    ),
    *("/else/then/properties/audio/required", "/else/then/properties/audio/properties/"),
    *("/else/then/properties/function_call/required", "/else/then/properties/function_call/properties/"),
    *("/tool_calls/items/oneOf/1/", "/properties/tools/items/oneOf/1/", "/function/properties/parameters/type"),
    "/properties/tools/items/oneOf/0/properties/function/type",
)
_ELSEWHERE_FIRST = (
    "/tool_calls/items/oneOf/0/properties/",
    "/properties/tool_call_id/",
    "/else/then/properties/content/type",
)
"""Places of which the requests on tools judge what must be served: a call as it came is handed back."""
_REFUSED_ANYWAY = (
    "/messages/items/else/then/anyOf",
    "/then/then/properties/content/anyOf/1/items/properties/type/const",
)
"""Places that another keyword of the same schema guards as well."""
IGNORES, OVER_ENFORCES = "ignores", "over-enforces"


@dataclass(frozen=True, slots=True)
class KeywordFault:
    """One fault: its id (`ignores:request.n.minimum`), the requirement that it breaks, and the faulty deployment."""

    id: str
    requirement: str
    about: str
    """What the deployment does, such as `refuses 128 choices`."""
    stages: Stages


def keyword_faults(contract: Contract) -> Iterator[KeywordFault]:
    """One fault that ignores and one that over-enforces, for each keyword of the body and of the path."""
    for row in _rows(contract):
        keyword = row.keyword
        assert keyword is not None
        if (row.id, IGNORES) not in _unfaulted(row):
            about = f"accepts what breaks `{keyword.name}` at {keyword.pointer}"
            yield KeywordFault(f"{IGNORES}:{row.id}", row.id, about, _ignoring(contract, keyword))
        if (row.id, OVER_ENFORCES) not in _unfaulted(row):
            tighter = tightened(contract, keyword)
            stages = _path_in_lower_case() if _is_of_path(keyword) else _over_enforcing(tighter)
            yield KeywordFault(f"{OVER_ENFORCES}:{row.id}", row.id, tighter.about, stages)


def keywords_without_fault(contract: Contract) -> Mapping[tuple[str, str], str]:
    """Why a keyword has no fault of a kind, by requirement and kind: no caller could notice the fault."""
    return {place: reason for row in _rows(contract) for place, reason in _unfaulted(row).items()}


def _rows(contract: Contract) -> Iterator[Requirement]:
    for row in contract.requirements:
        if row.keyword is not None and row.keyword.place is not None:
            yield row


def _is_of_path(keyword: Keyword) -> bool:
    return keyword.location.startswith("path.")


def _unfaulted(row: Requirement) -> dict[tuple[str, str], str]:
    keyword = row.keyword
    assert keyword is not None
    if _is_of_path(keyword) and keyword.name == "type":
        reason = "a path parameter is always text, so that no other type can be accepted or refused"
        return {(row.id, IGNORES): reason, (row.id, OVER_ENFORCES): reason}
    found: dict[tuple[str, str], str] = {}
    if any(part in keyword.pointer for part in _REFUSED_ANYWAY):
        found[row.id, IGNORES] = "another keyword of the schema refuses the same requests"
    why = _never_over_enforced(keyword)
    return found if why is None else {**found, (row.id, OVER_ENFORCES): why}


def _never_over_enforced(keyword: Keyword) -> str | None:
    """Why no caller could notice that a keyword is over-enforced; None where one could."""
    if keyword.place is not Place.BODY and not (_is_of_path(keyword) and keyword.value == "uuid"):
        whose = "path" if _is_of_path(keyword) else "parameters"
        return f"only the target knows the values of its {whose}, so that no other valid one can be sent"
    if any(part in keyword.pointer for part in _ELSEWHERE_FIRST):
        return "a call or its result is handed back as it came, and the requests on tools say whether that is served"
    if _is_seldom_served(keyword.pointer):
        return (
            "not every deployment that has the field serves such a value, so that no request has to be served with it"
        )
    if not can_be_tightened(keyword):
        return "no stricter form of this keyword is known"
    return _never_another_text(keyword)


def _never_another_text(keyword: Keyword) -> str | None:
    """Why no other text than the usual one can be sent for a keyword of text."""
    schema = keyword.schema
    if keyword.name != "type" or keyword.value != "string" or not isinstance(schema, Mapping):
        return None
    if {"enum", "const", "pattern"} & schema.keys():
        return "its enum, const or pattern says which texts are accepted, and has a fault of its own"
    if keyword.pointer == "/properties/model/type":
        return "only the target knows its models, so that no other valid text can be sent"
    return None


def _is_seldom_served(pointer: str) -> bool:
    """Whether a keyword judges what is a matter of the model or its platform (`probes.common_requests`)."""
    steps = split(pointer)
    field = steps[1] if steps[0] == "properties" else ""
    return steps[0] == "allOf" or field in _SELDOM_FIELDS or any(part in pointer for part in _SELDOM_PLACES)


# --- ignoring ---------------------------------------------------------------------------------------------------------


def _ignoring(contract: Contract, keyword: Keyword) -> Stages:
    if _is_of_path(keyword):
        return replace(Stages(), check_path=_any_path, authorize=_lenient(contract))
    if keyword.place in BESIDE_THE_BODY:
        return replace(Stages(), check_beside=_ignoring_parameter(keyword))
    rules = RequestRules(_without(contract, keyword), {})
    stages = replace(
        Stages(),
        check_body=lambda _, body: rules.check_body(body),
        interpret=partial(_interpret_all, keyword=keyword, is_valid=validator_for(contract.operation.request_schema)),
    )
    return replace(stages, parse_object=_parse_anything) if keyword.pointer == "/type" else stages


def _ignoring_parameter(keyword: Keyword) -> Callable[[RequestRules, Place, Mapping[str, str]], None]:
    """Takes whatever one parameter of the query, the header or the cookies is, and that it is missing."""
    name = str(keyword.value) if keyword.name == "required" else split(keyword.pointer)[1]

    def check_beside(rules: RequestRules, place: Place, parameters: Mapping[str, str]) -> None:
        try:
            rules.check_beside(place, parameters)
        except Refusal as refusal:
            if place is not keyword.place or refusal.param != name:
                raise

    return check_beside


def _without(contract: Contract, keyword: Keyword) -> Mapping[str, Any]:
    """The request schema without one keyword."""
    schema = copy.deepcopy(dict(contract.operation.request_schema))  # type: ignore[arg-type] # it has this keyword
    holder: Any = schema
    *way, name = split(keyword.pointer)
    for step in way:
        holder = holder[int(step)] if isinstance(holder, list) else holder[step]
    if name == "required":
        holder[name] = [one for one in holder[name] if one != keyword.value]
        return schema
    del holder[name]
    if name == "type":
        # The other keywords of the same schema still apply to values of this type, and to no others.
        others = {"not": {"type": keyword.value}}
        for one in ("enum", "const"):
            if one in holder:
                holder["anyOf"] = [{one: holder.pop(one)}, others]
    if name == "anyOf":
        # The branches still apply to values of the types that they name.
        kinds = [kind for branch in keyword.value for kind in types_of(branch)]
        holder["anyOf"] = [*keyword.value, {"not": {"type": list(dict.fromkeys(kinds))}}]
    return schema


def _parse_anything(body: bytes, _max_depth: int) -> Any:
    try:
        return json.loads(body)
    except ValueError as error:
        raise Refusal(400, "invalid_json", "The request body is not valid JSON.") from error


def _interpret_all(
    operation: Operation,
    dialect: Dialect,
    settings: Settings,
    *,
    scores_tokens: bool,
    body: Any,
    keyword: Keyword,
    is_valid: Callable[[Any], bool],
) -> CompletionRequest:
    """What a body asks for, where one field may be anything: it then counts as left out.

    What the contract forbids, and the deployment itself would refuse as well, is read without what is wrong with it.
    """
    fields = dict(body) if isinstance(body, Mapping) else {}
    model = fields.get("model")
    if keyword.pointer == "/properties/model/type" and not isinstance(model, str):
        fields.pop("model", None)
    if keyword.pointer == "/properties/model/enum" and model not in served_models(operation, settings):
        fields.pop("model", None)
    if keyword.pointer == "/properties/n/maximum":
        fields["n"] = 1
    read = partial(interpret, operation, dialect, settings, scores_tokens=scores_tokens)
    if is_valid(body):
        return read(body=fields)
    try:
        return read(body=fields)
    except Refusal:
        return read(body=_without_field(fields, keyword))


_TIED = ("stream_options", "top_logprobs")
"""Fields that are allowed only beside another one."""


def _without_field(fields: Mapping[str, Any], keyword: Keyword) -> dict[str, Any]:
    """A body without the field that a keyword stands in; messages are read as far as they are text."""
    steps = split(keyword.pointer)
    name = "" if steps[0] == "allOf" else next((step for step in steps if step in fields), "")
    kept = {one: value for one, value in fields.items() if one not in ((name,) if name else _TIED)}
    return {**kept, "messages": [{"role": "user", "content": "Say hello."}]} if name == "messages" else kept


def _any_path(_rules: RequestRules, _parameters: Mapping[str, str]) -> None:
    """Accept every path parameter."""


def _lenient(contract: Contract) -> Callable[[Dialect, Tenant, Mapping[str, str]], None]:
    """Lets everybody into what a malformed path names."""
    rules = RequestRules(True, contract.operation.path_parameters)

    def authorize_well_formed(dialect: Dialect, tenant: Tenant, path_parameters: Mapping[str, str]) -> None:
        try:
            rules.check_path(path_parameters)
        except Refusal:
            return
        authorize(dialect, tenant, path_parameters)

    return authorize_well_formed


# --- over-enforcing ---------------------------------------------------------------------------------------------------


def _over_enforcing(tighter: Tightened) -> Stages:
    def check_body(rules: RequestRules, body: Any) -> None:
        rules.check_body(body)
        if not tighter.accepts(body):
            # The message names no limit: a deployment that declares one has no fault.
            raise Refusal(400, "invalid_value", "The request has an invalid value.")

    return replace(Stages(), check_body=check_body)


def _path_in_lower_case() -> Stages:
    def check_path(rules: RequestRules, parameters: Mapping[str, str]) -> None:
        rules.check_path(parameters)
        if any(value != value.lower() for value in parameters.values()):
            raise Refusal(400, "invalid_value", "The path has an invalid value.")

    return replace(Stages(), check_path=check_path)

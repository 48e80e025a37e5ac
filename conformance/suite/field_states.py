"""What the target makes of each optional field of a request: honours, refuses or ignores it, if that can be seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from conformance.contract.model import Contract
from conformance.probes.optional_fields import HARMLESS
from conformance.suite.expect import Judgement
from conformance.suite.observations import Answered, Observations
from conformance.suite.outcome import BROKEN_OR_WAIVED, FieldState, Outcome, RequestField
from conformance.suite.refusals import refused_fields
from conformance.targets import Target

_ACCEPTED = "It is accepted; whether it has an effect cannot be seen from outside."
_NOT_SEEN = "It is accepted; this run has seen nothing that shows its effect."
_NOT_SENT = "This run did not send it."
_UNCLEAR = "Requests with it were not served, for another reason or for none that was given."


def field_states(
    contract: Contract, target: Target, observations: Observations | None, judgements: Iterable[Judgement]
) -> tuple[RequestField, ...]:
    """Every optional field of the request's body, in the contract's order. A pure function of what was observed."""
    required = set(contract.operation.required)
    names = [name for name in contract.operation.properties if name not in required]
    by_id = {one.requirement.id: one for one in judgements}
    sent = {name: list[Answered]() for name in names}
    for answered in _answered(observations):
        body = answered.sent
        for name in names:
            if isinstance(body, Mapping) and body.get(name) is not None:
                sent[name].append(answered)
    return tuple(_state(name, contract, target, observations, by_id, sent[name]) for name in names)


def _answered(observations: Observations | None) -> Iterator[Answered]:
    for exchange in observations.in_plan_order if observations is not None else ():
        probe = observations.probes.get(exchange.probe) if observations is not None else None
        if probe is not None and exchange.last and exchange.answer is not None:
            yield Answered(probe, exchange, exchange.answer)


def _state(
    name: str,
    contract: Contract,
    target: Target,
    observations: Observations | None,
    judgements: Mapping[str, Judgement],
    sent: list[Answered],
) -> RequestField:
    if name in target.unsupported:
        return RequestField(name, FieldState.REFUSED, "It is declared not to be supported.")
    seen = _seen(name, contract, judgements, sent)
    if seen is not None:
        return seen
    refusal = next((one for one in sent if name in _refused_in(one)), None)
    if refusal is not None and not _is_served_with_another(name, sent, observations):
        why = f"{refusal.id}: a request with it was answered with {refusal.answer.status}, which names it."
        return RequestField(name, FieldState.REFUSED, why, exchanges=(refusal.id,))
    if name in target.dialect.refused:
        return RequestField(name, FieldState.REFUSED, "A request with it was refused, which names it.")
    served = next((one for one in sent if observations is not None and observations.served(one)), None)
    if served is not None:
        shown = (served.id,) if refusal is None else (refusal.id, served.id)
        return RequestField(name, FieldState.UNDECIDED, _why_accepted(name, contract, refusal), exchanges=shown)
    return RequestField(name, FieldState.UNDECIDED, _UNCLEAR if sent else _NOT_SENT)


def _why_accepted(name: str, contract: Contract, refusal: Answered | None) -> str:
    if refusal is not None:
        return (
            f"{refusal.id}: a value of it was refused. Others are accepted; nothing that was seen shows their effect."
        )
    return _NOT_SEEN if any(name in row.shows for row in contract.requirements) else _ACCEPTED


def _is_served_with_another(name: str, sent: Iterable[Answered], observations: Observations | None) -> bool:
    """Whether a request with another value of the field was served, one that does not only say what holds anyway."""
    telling = (one for one in sent if one.requested(name) != HARMLESS.get(name))
    return observations is not None and any(observations.served(one) for one in telling)


def _seen(
    name: str, contract: Contract, judgements: Mapping[str, Judgement], sent: Iterable[Answered]
) -> RequestField | None:
    """The state that a requirement on the field's effect shows; None where none was judged by a request with it."""
    telling = {one.id for one in sent if one.requested(name) != HARMLESS.get(name)}
    shown = [judgements[row.id] for row in contract.requirements if name in row.shows and row.id in judgements]
    for one in shown:
        exchange = next((found.exchange for found in one.findings if found.exchange in telling), None)
        if one.outcome in BROKEN_OR_WAIVED and exchange is not None:
            return RequestField(name, FieldState.IGNORED, one.messages[0], one.requirement.id, (exchange,))
    for one in shown:
        exchange = next((exchange for exchange in one.exchanges if exchange in telling), None)
        if one.outcome is Outcome.PASSED and exchange is not None:
            return RequestField(name, FieldState.HONOURED, None, one.requirement.id, (exchange,))
    return None


def _refused_in(answered: Answered) -> tuple[str, ...]:
    return refused_fields(answered.sent, answered.answer.status, answered.answer.body)

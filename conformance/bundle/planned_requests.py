"""Checks that each request in the evidence is the one that its probe plans, as far as masked secrets let it be seen."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from conformance.bundle.errors import BundleError
from conformance.contract import Contract
from conformance.contract.model import CredentialScheme, Place
from conformance.evidence import Redactor
from conformance.evidence.redaction import CREDENTIAL_HEADERS
from conformance.probes import Probe
from conformance.probes.script import WRITES, Step, StepKind
from conformance.quoting import one_line, quoted
from conformance.running.opening import credential_headers
from conformance.targets import Target
from conformance.wire import RequestError
from conformance.wire.credentials import COOKIE
from conformance.wire.exchange import Ending, EndKind, Exchange, Headers, SentRequest
from conformance.wire.request import build_request, sent_request

_MASKS = re.compile(r"\*+")
_OWN, _OTHER = "Zq7placeholderOfTheKeyXw", "Yv4placeholderOfTheOtherKeyKj"


@dataclass(slots=True)
class PlannedRequests:
    """The requests of a run's probes, made again without its secrets, to compare those in its evidence with."""

    contract: Contract
    target: Target
    _hidden: set[bytes] = field(default_factory=set)
    """The planned texts that were masked in requests outside of credentials."""
    _made: dict[tuple[str, bool], SentRequest] = field(default_factory=dict)

    def check(self, exchanges: Sequence[Exchange], probes: Mapping[str, Probe], asked: Mapping[str, Probe]) -> None:
        """Compare the request of each exchange with that of its probe; `asked` is what the preflight sent of them.

        Raises:
            BundleError: one differs; the message names the exchange and the part.
        """
        target = self._with_placeholders(exchanges)
        redactor = Redactor({**target.secrets}, credential_headers(self.contract))
        masked = {*CREDENTIAL_HEADERS, *credential_headers(self.contract), *target.reach.headers_env}
        lower = frozenset(name.lower() for name in masked)
        for exchange in exchanges:
            asking = not exchange.round and exchange.probe in asked
            probe = (asked if asking else probes)[exchange.probe]
            key = exchange.probe, asking
            if key not in self._made:
                self._made[key] = _without_secrets(self._request(probe, target), redactor)
            self._compare(exchange, probe, self._made[key], lower)
        self._check_hidden(exchanges, lower)

    def _check_hidden(self, exchanges: Iterable[Exchange], masked: frozenset[str]) -> None:
        """Check that what was masked in requests can be a secret: no longer than one, and masked wherever it stands."""
        secret = max((len(mask[0]) for one in exchanges for mask in _masks_of(one, masked)), default=0)
        apart = [one for one in self._hidden if not any(one in other for other in self._hidden - {one})]
        if sum(map(len, apart)) > secret:
            raise BundleError("more is masked in the requests of the evidence than a key can have in common with them.")
        for exchange in exchanges:
            if any(one in exchange.request.body for one in self._hidden):
                raise BundleError(
                    f"the request of the exchange {one_line(exchange.id, 120)} shows what is masked in another, so"
                    " that it is not a secret."
                )

    def _with_placeholders(self, exchanges: Iterable[Exchange]) -> Target:
        """The target with something in the place of each secret that its requests carried."""
        target = self.target
        scheme = self.contract.operation.credential
        has_key = scheme is not None and any(_carries(one, scheme) for one in exchanges)
        variables = (*target.reach.headers_env.values(), *target.reach.query_env.values())
        return replace(
            target,
            api_key=_OWN if has_key else None,
            other_api_key=None if target.other_api_key is None else _OTHER,
            reach_values={one: f"Wx9placeholder{number}OfAVariableQp" for number, one in enumerate(variables)},
        )

    def _request(self, probe: Probe, target: Target) -> SentRequest:
        try:
            return sent_request(build_request(probe, self.contract.operation, target))
        except RequestError as error:
            raise BundleError(f"the request of the probe {probe.name} cannot be made: {error}") from error

    def _compare(self, exchange: Exchange, probe: Probe, planned: SentRequest, masked: frozenset[str]) -> None:
        sent = exchange.request
        differing = None
        if sent.method != planned.method:
            differing = f"its method is {quoted(sent.method)}, and {planned.method} was planned"
        elif _MASKS.sub("*", sent.url) != _MASKS.sub("*", planned.url):
            differing = f"its URL is {quoted(sent.url, 120)}, and {quoted(planned.url, 120)} was planned"
        elif not self._same_headers(exchange, planned.headers, masked):
            differing = "its header is not the planned one"
        elif not self._same_body(exchange, probe, planned.body):
            differing = "its body is not the planned one"
        elif not _follows_script(sent, probe):
            differing = "it was not written in the planned way"
        if differing is not None:
            raise BundleError(
                f"the request of the exchange {one_line(exchange.id, 120)} is not that of its probe: {differing}."
            )

    def _same_headers(self, exchange: Exchange, planned: Headers, masked: frozenset[str]) -> bool:
        sent = exchange.request.headers
        if [name for name, _ in sent] != [name for name, _ in planned]:
            return False
        for (name, one), (_, other) in zip(sent, planned, strict=True):
            if name.lower() in masked:
                if _MASKS.sub("*", one) != _MASKS.sub("*", other):
                    return False
            elif not self._same(one.encode("utf-8"), other.encode("utf-8"), exchange):
                return False
        return True

    def _same_body(self, exchange: Exchange, probe: Probe, planned: bytes) -> bool:
        sent = exchange.request.body
        if probe.script is not None and not probe.script.pipelined:
            planned = planned[: len(sent)]  # only a part of it may have been written
        return self._same(sent, planned, exchange)

    def _same(self, sent: bytes, planned: bytes, exchange: Exchange) -> bool:
        """Whether two texts are the same but for what was masked as a secret."""
        if sent == planned:
            return True
        if len(sent) != len(planned) or not any(one.where == "request" for one in exchange.redactions):
            return False
        for run in re.finditer(rb"\*+", sent):
            hidden = planned[run.start() : run.end()]
            if hidden != run[0]:
                self._hidden.add(hidden)
        return all(one in (other, 0x2A) for one, other in zip(sent, planned, strict=True))


def _masks_of(exchange: Exchange, masked: frozenset[str]) -> Iterable[re.Match[str]]:
    """What is masked in the credentials of an exchange."""
    return (
        mask for name, value in exchange.request.headers if name.lower() in masked for mask in _MASKS.finditer(value)
    )


def _carries(exchange: Exchange, scheme: CredentialScheme) -> bool:
    """Whether a request carries a key in the place that the contract has for it."""
    if scheme.place is Place.QUERY:
        return f"{quote(scheme.header, safe='')}=" in exchange.request.url.partition("?")[2]
    name = scheme.header if scheme.place is Place.HEADER else COOKIE
    return any(one.lower() == name.lower() for one, _ in exchange.request.headers)


def _without_secrets(request: SentRequest, redactor: Redactor) -> SentRequest:
    """A request as evidence has it."""
    exchange = Exchange(
        id="", probe="", attempt=1, started="", request=request, answer=None, ending=Ending(EndKind.CLOSED, 0.0, "")
    )
    return redactor.exchange(exchange).request


def _follows_script(sent: SentRequest, probe: Probe) -> bool:
    """Whether the steps that were done are those of the probe's script, from the first on."""
    if probe.script is None:
        return not sent.steps
    if probe.script.pipelined:
        return [step.kind for step in sent.steps] == [StepKind.PIPELINED]
    planned = probe.script.steps
    if len(sent.steps) > len(planned):
        return False
    written = sum(step.amount for step in sent.steps if step.kind in WRITES)
    return written == len(sent.body) and all(map(_is_step, sent.steps, planned))


def _is_step(done: Step, planned: Step) -> bool:
    if planned.kind is StepKind.HALF_CLOSE and done.kind is StepKind.HANG_UP:
        return True  # over TLS, where there is no half-close
    return done.kind is planned.kind and (done.kind in WRITES or done.amount == planned.amount)

"""Decides by the answers to the smallest valid request whether there is anything to judge, and if not, why."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from conformance.contract import Contract
from conformance.contract.media_types import essence
from conformance.probes.completions import SMALLEST
from conformance.probes.preflight import PREFLIGHT
from conformance.quoting import one_line
from conformance.suite.broken_answers import in_words, is_broken_answer
from conformance.suite.complaint import REFUSED, read_complaint
from conformance.targets import Target
from conformance.targets.environment import API_KEY, MODEL
from conformance.wire import Answer, EndKind, Exchange

ENOUGH_FAILURES = 3
"""How many errors of the server in a row to the smallest valid request are no accident."""
_LONGEST = 500
_TOO_SLOW = frozenset({EndKind.FIRST_BYTE_TIMEOUT, EndKind.DEADLINE, EndKind.IDLE_TIMEOUT, EndKind.CONNECT_TIMEOUT})
_UNKNOWN_MODEL = re.compile(
    r"\bmodels?\b[^.]{0,80}?(?:not[ _]found|does(?:n't| not) exist|not available|not supported|is unknown|not allowed)"
    r"|(?:unknown|invalid|no such|unsupported) model"
)
_NO_MODEL = re.compile(
    r"not[ _]found|does(?:n't| not) exist|no such|unknown|invalid|not (?:available|supported|allowed)|no access"
)


@dataclass(frozen=True, slots=True)
class SetupProblem:
    """Why there is nothing to judge: one sentence that quotes the answer and says which setting to look at.

    `is_finding` says that the target itself is at fault: it answers the smallest valid request with an error of its
    own, or with what is no HTTP, so that this requirement is broken and blocks all others.
    """

    sentence: str
    is_finding: bool = False


def setup_problem(exchanges: Sequence[Exchange], contract: Contract, target: Target) -> SetupProblem | None:
    """What is in the way of judging, by the exchanges of the preflight; None where the run can go on."""
    tries = [one for one in exchanges if one.probe == SMALLEST or one.probe.startswith(f"{PREFLIGHT}try-")]
    last = next((one for one in reversed(tries) if one.probe == SMALLEST and one.last), None)
    if last is None:
        return None
    if last.answer is None:
        return _silence(last, target, tries)
    status = last.answer.status
    if status == 503:
        return SetupProblem(
            f"{_answered(last, target)}, {_times(tries)}: it is busy, or what stands behind it is not there; look at"
            " the deployment's log, and try again later."
        )
    if status == 429:
        return SetupProblem(
            f"{_answered(last, target)}, {_times(tries)}: it is busy, or limits how much the key may use; try again"
            " later, with --rate or a smaller --concurrency."
        )
    if status >= 500:
        sentence = (
            f"{_answered(last, target)}, {_times(tries)}: nothing else can be seen before the smallest valid request"
            " is served; look at the deployment's log and at what stands behind it."
        )
        return SetupProblem(sentence, is_finding=True)
    setting = _setting(last.answer, contract, target)
    return None if setting is None else SetupProblem(f"{_answered(last, target)}: {setting}.")


def _silence(exchange: Exchange, target: Target, tries: Sequence[Exchange]) -> SetupProblem:
    ending = exchange.ending
    if is_broken_answer(exchange):
        sentence = (
            f"{target.base_url} answered the smallest valid request, {_times(tries)}, with what no client can read as"
            f" HTTP/1.1 ({one_line(in_words(exchange), _LONGEST)}): nothing else can be seen before that is mended;"
            " look at what listens at this address."
        )
        return SetupProblem(sentence, is_finding=True)
    detail = f" ({one_line(ending.detail, _LONGEST)})" if ending.detail else ""
    if ending.kind in _TOO_SLOW:
        return SetupProblem(
            f"{target.base_url} gave no answer to the smallest valid request within {ending.at:.0f} s{detail};"
            " check that the model is loaded, or give it more time with --timeout."
        )
    if target.reach.proxy is not None and ending.kind is EndKind.UNREACHABLE:
        return SetupProblem(
            f"{target.base_url} cannot be reached through the proxy {target.reach.proxy}{detail}; check the proxy"
            " (--proxy) and its credentials (CONFORMANCE_PROXY_CREDENTIALS)."
        )
    if ending.kind is EndKind.UNREACHABLE and any(one.ending.kind is not EndKind.UNREACHABLE for one in tries):
        return SetupProblem(
            f"{target.base_url} ended the connection without an answer to the smallest valid request, and took none"
            f" after that{detail}; see whether the deployment has crashed, and look at its log."
        )
    other = "http" if target.base_url.startswith("https:") else "https"
    return SetupProblem(
        f"{target.base_url} ended the connection without an answer to the smallest valid request"
        f" ({ending.kind.value}{detail and ', ' + detail[2:-1]}); check the port, and whether the address should begin"
        f" with {other}://."
    )


def _setting(answer: Answer, contract: Contract, target: Target) -> str | None:
    """Which setting the answer speaks of, as the second half of a sentence; None where it speaks of none."""
    if 300 <= answer.status < 400:
        to = answer.header("location")
        shown = f" to {one_line(to, 200)}" if to else ""
        return f"it redirects{shown}, and redirects are not followed; give the address that answers as --base-url"
    if answer.status < 300:
        return _page(answer)
    return (
        _setting_of_value(answer, contract, target)
        or _setting_of_key(answer, contract)
        or _setting_of_route(answer.status, contract, target)
    )


def _setting_of_value(answer: Answer, contract: Contract, target: Target) -> str | None:
    """The model, or the value of a parameter, that the answer refuses by name."""
    if answer.status not in {400, 401, 403, 404, 422}:
        return None
    text = answer.body[:4096].decode("utf-8", "replace").lower()
    if _names_model(answer, text, target):
        model = one_line(target.model, 120) if target.model else "that the request leaves out"
        return f"it does not serve the model {model}; set {MODEL}"
    for one in contract.parameters:
        value = target.value(one)
        if answer.status in REFUSED | {404} and (one.name.lower() in text or (value and value.lower() in text)):
            return f"it does not accept the {one.noun} {one_line(value or '', 120)}; set {one.variable}"
    return None


def _setting_of_key(answer: Answer, contract: Contract) -> str | None:
    if answer.status not in {401, 403}:
        return None
    if contract.operation.credential is None:
        return "it demands a credential that the contract does not describe"
    # A gateway in front of an API seldom answers in the API's format.
    if answer.status == 403 and _is_page(answer):
        return (
            "this is a page and not the API, such as a firewall's; let this machine and its requests through there,"
            f" give what it demands with --header or --query, and check --base-url and {API_KEY}"
        )
    gateway = ", and give what a gateway demands beside it with --header or --query"
    gateway = gateway if read_complaint(answer.body).message is None else ""
    return f"it refused the key; set {API_KEY} to a key that may use it{gateway}"


def _setting_of_route(status: int, contract: Contract, target: Target) -> str | None:
    if status not in {404, 405, 410, 501}:
        return None
    path = contract.operation.path
    return f"there is no such route, or no POST; --base-url is what stands before {path}{_hint(contract, target)}"


def _page(answer: Answer) -> str | None:
    """Words for a success that is a page, or nothing that a client of an API expects."""
    if _is_page(answer):
        return "this is a page and not an API, such as a login page or a proxy's; check --base-url and the way to it"
    return None


def _is_page(answer: Answer) -> bool:
    start = answer.body[:200].lstrip().lower()
    declared = essence(answer.header("content-type"))
    return declared == "text/html" or start.startswith((b"<!doctype", b"<html", b"<?xml"))


def _names_model(answer: Answer, text: str, target: Target) -> bool:
    code = read_complaint(answer.body).code
    if "model" in code and _NO_MODEL.search(code):
        return True
    if answer.status == 401:
        return False
    named = target.model is not None and target.model.lower() in text and "model" in text
    return bool(_UNKNOWN_MODEL.search(text) or (named and _NO_MODEL.search(text)))


def _answered(exchange: Exchange, target: Target) -> str:
    """The answer as the first half of a sentence: the whole message of the error, or the beginning of the body."""
    answer = exchange.answer
    assert answer is not None
    message = read_complaint(answer.body).message
    shown = message if message is not None else _beginning(answer)
    said = f" {json.dumps(one_line(shown, _LONGEST), ensure_ascii=False)}" if shown else " without a body"
    way = f", through the proxy {target.reach.proxy}," if target.reach.proxy is not None else ""
    return f"{target.base_url}{way} answered the smallest valid request with {answer.status}{said}"


def _beginning(answer: Answer) -> str:
    text = answer.body[:_LONGEST].decode("utf-8", "replace")
    title = re.search(r"<title[^>]*>([^<]{1,200})", text, re.IGNORECASE)
    return (title[1] if title else text[:120]).strip()


def _hint(contract: Contract, target: Target) -> str:
    """What is likely to be missing at the end of the base URL."""
    if contract.operation.path.startswith("/v1") and target.base_url.endswith("/v1"):
        return ", so it must not end with /v1"
    if not contract.operation.path.startswith("/v1") and "/v1" not in target.base_url and not contract.parameters:
        return f"; try {target.base_url}/v1"
    return ""


def _times(tries: Sequence[Exchange]) -> str:
    return "once" if len(tries) == 1 else f"{len(tries)} times"

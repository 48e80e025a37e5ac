"""Which target a run judges, from the command line's base URL and the environment."""

from __future__ import annotations

import ipaddress
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urlsplit

from conformance.contract import Contract, Parameter
from conformance.contract.described_parameters import VARIABLES
from conformance.contract.model import CredentialScheme
from conformance.targets import demo
from conformance.targets.errors import TargetError
from conformance.targets.model import Target

API_KEY = "CONFORMANCE_API_KEY"
MODEL = "CONFORMANCE_MODEL"
OTHER_API_KEY = "CONFORMANCE_OTHER_API_KEY"
_MODEL = "{model}"


def checked_base_url(base_url: str) -> str:
    """The base URL without its last slash.

    Raises:
        TargetError: it is not an absolute http(s) URL, or has parts that do not belong there. A password or query is
            not repeated in the message, since it may hold a key.
    """
    shown = _without_secrets(base_url)
    try:
        parts = urlsplit(base_url)
        port = parts.port
    except ValueError:  # its message may repeat the password
        raise TargetError(f"--base-url {shown!r} is not a URL; give one like https://host/v1.") from None
    # The parser silently drops tabs and line breaks.
    clean = base_url.isprintable() and not any(character.isspace() for character in base_url)
    if not clean or parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        raise TargetError(f"--base-url {shown!r} is not an http or https URL; give one like https://host/v1.")
    if parts.username is not None or parts.password is not None:
        raise TargetError(f"--base-url must not contain a user or password; set {API_KEY} instead.")
    if parts.query or parts.fragment:
        raise TargetError(f"--base-url {shown!r} must end before its '?' or '#'; give what stands before the path.")
    return base_url.rstrip("/")


def _without_secrets(base_url: str) -> str:
    """A URL as it may be shown: without what may be a password, a query or a fragment."""
    before, mark, _ = base_url.partition("?")
    before, other_mark, _ = before.partition("#")
    userinfo, at, rest = before.rpartition("@")
    scheme, slashes, _ = userinfo.partition("//")
    kept = f"{scheme}{slashes}…" if slashes else "…"
    return (f"{kept}{at}{rest}" if at else before) + (f"{other_mark or mark}…" if mark or other_mark else "")


def is_loopback(base_url: str) -> bool:
    """Whether the URL points at this machine."""
    host = urlsplit(base_url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def target_from_environment(
    base_url: str, environ: Mapping[str, str], contract: Contract, *, authenticated: bool = True
) -> Target:
    """The target behind `base_url`, with the credentials and values that the contract takes from the environment.

    On loopback, what is not set falls back to the public demo values of the reference deployment, so that
    `serve` and `run` work together without configuration. A blank variable counts as not set. A target that is not
    `authenticated` needs no key, and gets none that is not set.

    Raises:
        TargetError: a variable that the contract needs is not set or does not have its form, or the base URL is not
            usable.
    """
    url = checked_base_url(base_url)
    value = {name: text for name, text in environ.items() if name.startswith("CONFORMANCE_") and text.strip()}
    local = is_loopback(url)
    missing = [name for name in _needed(contract) if name not in value and (authenticated or name != API_KEY)]
    if missing and not local:
        named = {one.variable: one.name for one in contract.parameters if one.variable.startswith(VARIABLES)}
        others = [f"--param {named[name]}=VALUE" for name in missing if name in named]
        hint = f" (or given as {' '.join(others)})" if others else ""
        named_all = " and ".join((", ".join(missing[:-1]), missing[-1])) if len(missing) > 1 else missing[0]
        raise TargetError(f"{named_all} must be set in the environment{hint} to judge {url}.")
    fallback = demo_values(contract.parameters) if local else {}
    if not authenticated:
        fallback = {name: text for name, text in fallback.items() if name not in {API_KEY, OTHER_API_KEY}}
    own = {**fallback, **value}
    # The second tenant of the reference deployment belongs to its first one only.
    second = value if API_KEY in value else own
    for name, key in ((API_KEY, own.get(API_KEY)), (OTHER_API_KEY, second.get(OTHER_API_KEY))):
        _refuse_unsendable(name, key)
    target = Target(
        base_url=url,
        api_key=own.get(API_KEY),
        model=(own if _MODEL in contract.template.values() else value).get(MODEL),
        parameters={one.name: own[one.variable] for one in contract.parameters if one.variable in own},
        other_api_key=second.get(OTHER_API_KEY),
        other_parameters={
            one.name: second[one.second.variable]
            for one in contract.parameters
            if one.second is not None and one.second.variable in second
        },
    )
    for parameter in contract.parameters:
        _refuse_malformed(parameter, target)
    return target


def further_key_variable(scheme: CredentialScheme) -> str:
    """The variable that holds a key which a contract wants beside the first one."""
    return f"{API_KEY}_{re.sub('[^A-Z0-9]+', '_', scheme.header.upper()).strip('_')}"


def _needed(contract: Contract) -> Iterator[str]:
    """The variables without which no valid request can be made."""
    values = contract.template.values()
    if contract.operation.credential is not None:
        yield API_KEY
    if _MODEL in values:
        yield MODEL
    for parameter in contract.parameters:
        if parameter.default is None and (not parameter.in_body or parameter.placeholder in values):
            yield parameter.variable


def demo_values(parameters: Iterable[Parameter] = ()) -> dict[str, str]:
    """The reference deployment's public credentials and values, by the name of the variable that they stand in for."""
    values = {API_KEY: demo.API_KEY, MODEL: demo.MODEL, OTHER_API_KEY: demo.OTHER_API_KEY}
    for parameter in parameters:
        if parameter.demo is not None:
            values[parameter.variable] = parameter.demo
        if parameter.second is not None:
            values[parameter.second.variable] = parameter.second.demo
    return values


def demo_substitutes(target: Target, environ: Mapping[str, str], contract: Contract) -> tuple[tuple[str, str], ...]:
    """The needed variables that are not set, so that a target has the public demo value; each with what it is."""
    if not is_loopback(target.base_url):
        return ()
    nouns = {API_KEY: "key", MODEL: "model", **{one.variable: one.noun for one in contract.parameters}}
    return tuple((name, nouns[name]) for name in _needed(contract) if not environ.get(name, "").strip())


def variables_of(target: Target, parameters: Iterable[Parameter]) -> dict[str, str]:
    """The environment that configures a target: what `target_from_environment` makes the same target of."""
    values = {API_KEY: target.api_key, MODEL: target.model, OTHER_API_KEY: target.other_api_key}
    for parameter in parameters:
        values[parameter.variable] = target.parameters.get(parameter.name)
        if parameter.second is not None:
            values[parameter.second.variable] = target.other_parameters.get(parameter.name)
    return {name: value for name, value in values.items() if value}


def _refuse_malformed(parameter: Parameter, target: Target) -> None:
    value = target.value(parameter)
    if parameter.format == "uuid" and value is not None and not _is_uuid(value):
        message = f"{parameter.variable} is {value!r}, which is not a UUID; set the {parameter.noun}'s UUID."
        raise TargetError(message)


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return len(text) == len(str(uuid.UUID(int=0)))


def _refuse_unsendable(name: str, key: str | None) -> None:
    if key is not None and not (key.isascii() and key.isprintable() and key == key.strip()):
        raise TargetError(f"{name} has a character that no HTTP header can carry; set it to the bare key.")

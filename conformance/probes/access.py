"""Probes for access: who is let in, and how others are refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from conformance.contract.model import CredentialScheme, Place, Tier
from conformance.probes.canaries import WORDS_OF_TENANTS, repeating
from conformance.probes.client_errors import UNKNOWN_MODEL, invalid_request
from conformance.probes.model import Credential, Probe, either_probe, refused_probe, served_probe
from conformance.probes.request_body import CHEAP, RequestBody
from conformance.probes.waves import AT_ONCE, LONG_ANSWERS

ORIGIN: Final = {"Origin": "https://chat-conformance.example"}
"""A browser's page at a host that is reserved for examples (RFC 2606)."""
TENANTS_AT_ONCE: Final = "access/tenant-at-once-"
"""What the names begin with of requests of two tenants at once; the even ones are the first tenant's."""
FROM_SECOND_TENANT: Final = "access/second-tenant"
"""The request of the second tenant alone, which the first has sent before."""
_NO_KEY: Final[dict[str, Any]] = {"credential": Credential.NONE}
_RARELY: Final[dict[str, Any]] = {"tier": Tier.EXHAUSTIVE}


def access_probes(body: RequestBody) -> Iterator[Probe]:
    """Requests with a missing, wrong or foreign credential; each is valid but for that."""
    operation = body.contract.operation
    if operation.credential is not None:
        yield from _without_key(body)
        yield from _wrong_keys(body, operation.credential)
        yield from _unusual_keys(body, operation.credential)
        yield from _other_paths(body)
        yield from _browsers(body)
    tenancy = body.contract.tenancy
    if tenancy:
        yield from _tenancy_probes(body)
    if body.target.other_api_key and _is_second_tenant_known(body):
        yield from _second_tenant(body, Tier.STANDARD if sends_as_two_tenants(body) else Tier.EXHAUSTIVE)


def sends_as_two_tenants(body: RequestBody) -> bool:
    """Whether the standard tier sends requests of two tenants at once, which are several at once as well."""
    return bool(body.contract.tenancy and body.target.other_api_key and _is_second_tenant_known(body))


def _without_key(body: RequestBody) -> Iterator[Probe]:
    valid = body.capped(CHEAP)
    yield refused_probe("access/no-key", "no credential", valid, tier=Tier.SMOKE, **_NO_KEY)
    if body.has("stream"):
        streamed = {**valid, "stream": True}
        yield refused_probe("access/no-key-streamed", "no credential, asking for a stream", streamed, **_NO_KEY)
    yield no_key_and_invalid(body)
    if body.has("model"):
        unknown = {**valid, "model": UNKNOWN_MODEL}
        about = "no credential and a model that does not exist"
        yield refused_probe("access/no-key-unknown-model", about, unknown, **_NO_KEY, **_RARELY)


def no_key_and_invalid(body: RequestBody) -> Probe:
    """A request that is refused for its key, and would be refused for its body."""
    invalid = invalid_request(body) or body.without("messages")
    return refused_probe("access/no-key-invalid", "no credential and an invalid request", invalid, **_NO_KEY)


def _wrong_keys(body: RequestBody, scheme: CredentialScheme) -> Iterator[Probe]:
    valid = body.capped(CHEAP)
    wrong = Credential.WRONG
    yield refused_probe("access/wrong-key", "a key that was never issued", valid, tier=Tier.SMOKE, credential=wrong)
    yield refused_probe("access/empty-key", "an empty key", valid, credential=Credential.EMPTY)
    beyond = "a key that was never issued, with an octet beyond ASCII in it"
    yield refused_probe("access/key-beyond-ascii", beyond, valid, credential=Credential.BEYOND_ASCII)
    changed = "the right key with one character changed"
    yield refused_probe("access/changed-key", changed, valid, credential=Credential.CHANGED)
    for name, about, credential in (
        ("cut-key", "the right key without its last character", Credential.CUT),
        ("extended-key", "the right key with one character more", Credential.EXTENDED),
        ("other-case-key", "the right key in the other letter case", Credential.OTHER_CASE),
        ("dashed-key", "the right key with a dash and a digit behind it", Credential.DASH),
        ("coloned-key", "the right key with a colon and a digit behind it", Credential.COLON),
        ("slashed-key", "the right key with a slash and a digit behind it", Credential.SLASH),
    ):
        yield refused_probe(f"access/{name}", about, valid, credential=credential)
    two = "two keys that were never issued, each in a header field"
    yield refused_probe("access/two-wrong-keys", two, valid, credential=Credential.TWICE_WRONG, **_RARELY)
    if _is_bearer(scheme):
        word = "the right key with a second word behind it"
        yield refused_probe("access/key-and-word", word, valid, credential=Credential.WORD)
        yield refused_probe("access/wrong-scheme", "the right key as Basic", valid, credential=Credential.WRONG_SCHEME)


def _unusual_keys(body: RequestBody, scheme: CredentialScheme) -> Iterator[Probe]:
    valid = body.capped(CHEAP)
    if _is_bearer(scheme):
        lower, spaced = Credential.OWN_LOWER_CASE, Credential.SPACED
        yield served_probe("access/scheme-lower-case", "the scheme's name in lower case", valid, credential=lower)
        yield served_probe(
            "access/spaced-key", "two spaces between scheme and key", valid, credential=spaced, **_RARELY
        )
    for name, about, credential in (
        ("key-in-other-header", "the right key in a header field that is not the contract's", Credential.OTHER_HEADER),
        ("two-keys", "the right key and a wrong one, each in a header field", Credential.TWICE),
        (
            "wrong-key-beside-other",
            "a wrong key, and the right one in a header field that is not the contract's",
            Credential.WRONG_BESIDE_OTHER,
        ),
    ):
        yield either_probe(f"access/{name}", about, valid, credential=credential, **_RARELY)
    about = "the right key, and a wrong one in a header field that is not the contract's"
    yield either_probe("access/key-beside-other", about, valid, credential=Credential.BESIDE_OTHER)
    if scheme.place is Place.QUERY:
        return
    query = Credential.IN_QUERY
    yield refused_probe("access/key-in-query", "the right key in the URL only", valid, credential=query, **_RARELY)


def _other_paths(body: RequestBody) -> Iterator[Probe]:
    """The same operation at other spellings of its path, and other routes that generate text, without a credential."""
    path = body.contract.operation.path
    last = path.rpartition("/")[2]
    for name, about, spelled in (
        ("trailing-slash", "no credential, at the path with a slash at its end", path + "/"),
        ("double-slash", "no credential, at the path with a slash doubled", path.removesuffix(last) + "/" + last),
        ("upper-case", "no credential, at the path in another letter case", path.removesuffix(last) + last.upper()),
        ("dot-segment", "no credential, at the path with a dot segment", path.removesuffix(last) + "./" + last),
    ):
        yield refused_probe(f"access/no-key-{name}", about, body.capped(CHEAP), path=spelled, **_NO_KEY, **_RARELY)
    for name, route, request in _siblings(body):
        about = f"no credential, at {route}"
        yield refused_probe(f"access/sibling-{name}", about, request, path=route, from_root=True, **_NO_KEY, **_RARELY)


def _siblings(body: RequestBody) -> Iterator[tuple[str, str, Any]]:
    """Other routes by which model servers generate text: a name, the path, and a small request."""
    chat = body.capped(CHEAP)
    model = {"model": body.target.model} if body.target.model else {}
    text = "Say hello." if body.challenge is None else body.challenge.woven("Say hello.")
    yield "completions", "/v1/completions", {**model, "prompt": text, "max_tokens": CHEAP}
    yield "messages", "/v1/messages", {**model, "messages": chat["messages"], "max_tokens": CHEAP}
    yield "responses", "/v1/responses", {**model, "input": text, "max_output_tokens": 16}
    yield "embeddings", "/v1/embeddings", {**model, "input": text}
    yield "invocations", "/invocations", chat
    yield "generate", "/generate", {**model, "prompt": text, "text": text, "max_tokens": CHEAP}


def _browsers(body: RequestBody) -> Iterator[Probe]:
    valid = body.capped(CHEAP)
    own = "a browser's page with the right key"
    yield either_probe("access/from-page", own, valid, headers=ORIGIN, **_RARELY)
    yield refused_probe(
        "access/no-key-from-page", "a browser's page without a key", valid, headers=ORIGIN, **_NO_KEY, **_RARELY
    )


def _tenancy_probes(body: RequestBody) -> Iterator[Probe]:
    valid = body.capped(CHEAP)
    tenancy = body.contract.tenancy
    noun = " and ".join(one.noun for one in tenancy)
    unknown = {one.name: one.second.unknown for one in tenancy if one.second is not None}
    about = f"{_with_article(noun)} that does not exist"
    yield refused_probe("access/unknown-organization", about, valid, parameters=unknown)
    if _is_second_tenant_known(body):
        about = f"{_with_article(noun)} of which the caller is not a member"
        yield refused_probe("access/foreign-organization", about, valid, parameters=_of_second_tenant(body))


def _is_second_tenant_known(body: RequestBody) -> bool:
    return all(one.name in body.target.other_parameters for one in body.contract.tenancy)


def _of_second_tenant(body: RequestBody) -> dict[str, str]:
    return {one.name: body.target.other_parameters[one.name] for one in body.contract.tenancy}


def _with_article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _second_tenant(body: RequestBody, tier: Tier) -> Iterator[Probe]:
    """Two tenants at once, each with a word of its own; and the second repeats a request of the first."""
    other: dict[str, Any] = {"credential": Credential.OTHER, "tier": tier}
    if body.contract.tenancy:
        other["parameters"] = _of_second_tenant(body)
    again = "the second tenant, with the request that the first has sent before"
    yield served_probe(FROM_SECOND_TENANT, again, body.capped(16), wave=LONG_ANSWERS, **other)
    for number, word in enumerate(WORDS_OF_TENANTS):
        tenant, fields = ("second", other) if number % 2 else ("first", {"tier": tier})
        request = body.asking(repeating(word), tokens=16)
        if body.has("stream") and number >= len(WORDS_OF_TENANTS) // 2:
            request["stream"] = True
        about = f"the {tenant} of two tenants at once, with a word of its own"
        yield served_probe(f"{TENANTS_AT_ONCE}{number}", about, request, wave=AT_ONCE, **fields)


def _is_bearer(scheme: CredentialScheme) -> bool:
    return scheme.prefix.strip().lower() == "bearer"

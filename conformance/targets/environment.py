"""Which target a run judges, from the command line's base URL and the environment."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

from conformance.targets import demo
from conformance.targets.model import Target, TargetError

API_KEY = "CONFORMANCE_API_KEY"
ORG_ID = "CONFORMANCE_ORG_ID"
MODEL = "CONFORMANCE_MODEL"
BRAND_ID = "CONFORMANCE_BRAND_ID"
REQUESTED_BY = "CONFORMANCE_REQUESTED_BY"
OTHER_API_KEY = "CONFORMANCE_OTHER_API_KEY"
OTHER_ORG_ID = "CONFORMANCE_OTHER_ORG_ID"


def checked_base_url(base_url: str) -> str:
    """The base URL without its last slash.

    Raises:
        TargetError: it is not an absolute http(s) URL, or carries what does not belong there. A password or query is
            not repeated in the message, for it may hold a key.
    """
    shown = _without_secrets(base_url)
    try:
        parts = urlsplit(base_url)
        port = parts.port
    except ValueError:  # its words may repeat the password
        raise TargetError(f"--base-url {shown!r} is not a URL; give one like https://host/v1.") from None
    # The parser drops tabs and line breaks in silence.
    clean = base_url.isprintable() and not any(character.isspace() for character in base_url)
    if not clean or parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        raise TargetError(f"--base-url {shown!r} is not an http or https URL; give one like https://host/v1.")
    if parts.username is not None or parts.password is not None:
        raise TargetError(f"--base-url must not carry a user or password; set {API_KEY} instead.")
    if parts.query or parts.fragment:
        raise TargetError(f"--base-url {shown!r} must end before its '?' or '#'; give what stands before the path.")
    return base_url.rstrip("/")


def _without_secrets(base_url: str) -> str:
    """A URL as it may be shown, whatever it is: without what may be a password, a query or a fragment."""
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
    base_url: str,
    environ: Mapping[str, str],
    *,
    needs_key: bool,
    needs_model: bool,
    needs_org: bool,
) -> Target:
    """The target behind `base_url`, with credentials and request defaults from the environment.

    On loopback, what is not set falls back to the public demo values of the reference deployment, so that
    `serve` and `run` meet without configuration. A blank variable counts as not set.

    Raises:
        TargetError: a variable that the profile needs is not set, or the URL is none.
    """
    url = checked_base_url(base_url)
    value = {name: text for name, text in environ.items() if name.startswith("CONFORMANCE_") and text.strip()}
    local = is_loopback(url)
    needed = ((needs_key, API_KEY), (needs_model, MODEL), (needs_org, ORG_ID))
    missing = [name for needs, name in needed if needs and name not in value]
    if missing and not local:
        raise TargetError(f"{' and '.join(missing)} must be set in the environment to judge {url}.")
    fallback = demo_values() if local else {}
    own_key = value.get(API_KEY, fallback.get(API_KEY))
    uses_demo_key = API_KEY not in value
    other = {**({name: fallback[name] for name in _OTHER if name in fallback} if uses_demo_key else {}), **value}
    for name in (API_KEY, OTHER_API_KEY):
        _refuse_unsendable(name, other.get(name) if name != API_KEY else own_key)
    return Target(
        base_url=url,
        api_key=own_key,
        model=value.get(MODEL, fallback.get(MODEL) if needs_model else None),
        org_id=value.get(ORG_ID, fallback.get(ORG_ID) if needs_org else None),
        brand_id=value.get(BRAND_ID, "chat-conformance"),
        requested_by=value.get(REQUESTED_BY, "chat-conformance"),
        other_api_key=other.get(OTHER_API_KEY),
        other_org_id=other.get(OTHER_ORG_ID) if needs_org else None,
    )


_OTHER = (OTHER_API_KEY, OTHER_ORG_ID)


def demo_values() -> dict[str, str]:
    """The reference deployment's public credentials, by the name of the variable that they stand in for."""
    return {
        API_KEY: demo.API_KEY,
        ORG_ID: demo.ORG_ID,
        MODEL: demo.MODEL,
        OTHER_API_KEY: demo.OTHER_API_KEY,
        OTHER_ORG_ID: demo.OTHER_ORG_ID,
    }


def _refuse_unsendable(name: str, key: str | None) -> None:
    if key is not None and not (key.isascii() and key.isprintable() and key == key.strip()):
        raise TargetError(f"{name} has a character that no HTTP header can carry; set it to the bare key.")

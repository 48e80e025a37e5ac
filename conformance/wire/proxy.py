"""Which proxy stands before a target: the one that is named, or one of the environment where that is trusted."""

from __future__ import annotations

from urllib.parse import urlsplit

from conformance.targets.model import Target

PROXY_AUTHENTICATION_REQUIRED = 407


def proxy_url(target: Target) -> str | None:
    """The URL of the proxy in front of a target, if there is one."""
    if target.reach.proxy is not None:
        return target.reach.proxy
    return _environment_proxy(target.base_url) if target.trust_environment else None


def proxy_credentials(target: Target) -> tuple[str, str] | None:
    """User and password for the proxy that the target names."""
    held = target.reach_values.get(target.reach.proxy_credentials_env or "")
    if held is None:
        return None
    user, _, password = held.partition(":")
    return user, password


def _environment_proxy(base_url: str) -> str | None:
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415 - brings in what only this needs

    parts = urlsplit(base_url)
    if proxy_bypass(parts.hostname or ""):
        return None
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    return proxy if proxy is None or "://" in proxy else f"http://{proxy}"

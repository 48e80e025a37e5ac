"""Gives the command of a recorded exchange, with the way to the target that its run had."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from conformance.contract import load_contract, shipped_profiles
from conformance.report.curl import curl_for
from conformance.report.exchange_view import Curl
from conformance.report.results import Results
from conformance.targets.reach import reach_from
from conformance.wire.exchange import Exchange


def recorded_curl(results: Results, header: Mapping[str, Any]) -> Curl:
    """What gives the command of an exchange of a run, by its record and the header of its evidence."""
    target = header.get("target")
    reach = reach_from(target.get("reach", {}) if isinstance(target, Mapping) else {})
    name = results.profile.name
    credential = load_contract(name).operation.credential if name in shipped_profiles() else None
    if credential is not None:
        return partial(curl_for, reach=reach, credential_header=credential.header)

    def command(exchange: Exchange) -> str:
        # A document of one's own, which is not at hand: its key is where a value was masked.
        masked = (field for field, value in exchange.request.headers if value.endswith("****"))
        return curl_for(exchange, next(masked, "Authorization"), reach)

    return command

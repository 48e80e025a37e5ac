"""How a deployment takes what its contract leaves open: the field that limits tokens, its least value, and the like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class DeploymentDialect:
    """What the preflight found out of a deployment; every probe is made accordingly.

    `least_limit` is the least number of completion tokens that a request may ask for. `thinking` tokens are added to
    limits, since the model spends them before its first word. `limit_field` is the field to limit them with, where the
    contract has none that the deployment takes. `refused` are the optional fields that the deployment
    clearly refuses, `apart` groups of fields of which it takes one at a time.
    """

    least_limit: int = 1
    thinking: int = 0
    refused: tuple[str, ...] = ()
    apart: tuple[tuple[str, ...], ...] = ()
    limit_field: str | None = None
    call: str | None = None
    """The message with which it answered the first request for a tool call, as JSON; None where it has not."""

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> DeploymentDialect:
        """The dialect that `dataclasses.asdict` made data of, also after a way through JSON.

        Raises:
            TypeError, ValueError: it is not such data.
        """
        return cls(
            least_limit=int(data["least_limit"]),
            thinking=int(data["thinking"]),
            refused=tuple(map(str, data["refused"])),
            apart=tuple(tuple(map(str, group)) for group in data["apart"]),
            limit_field=None if data["limit_field"] is None else str(data["limit_field"]),
            call=None if data.get("call") is None else str(data["call"]),
        )


PLAIN = DeploymentDialect()
"""The dialect of a deployment that takes all that its contract allows."""

"""Reads answers according to one contract, whose schemas it knows."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from conformance.contract import Contract
from conformance.contract.model import Level, Response, Schema
from conformance.reading import (
    BodyReading,
    SchemaJudge,
    StreamReading,
    keyword_key,
    read_completion,
    read_error,
    read_stream,
)
from conformance.reading.schema import SchemaDeviation
from conformance.wire import Exchange

SUCCESS = 200


@dataclass(frozen=True, slots=True)
class JudgedInstance:
    """A JSON value, the keys of the keywords that apply to something in it, and its deviations from them."""

    instance: Any
    reached: frozenset[str]
    deviations: tuple[SchemaDeviation, ...]


class Readers:
    """Reads answers according to the schemas of a contract; the judge of each schema is made once."""

    def __init__(self, contract: Contract) -> None:
        self._operation = contract.operation
        self._judges: dict[str, SchemaJudge] = {}
        self._judged: dict[tuple[str, int], JudgedInstance] = {}
        keywords = ((row.keyword, row.level) for row in contract.requirements if row.keyword is not None)
        self._levels = {(keyword.location, keyword_key(keyword)): level for keyword, level in keywords}

    def fresh(self) -> Readers:
        """Readers with the same judges of schemas, which have not judged any value yet."""
        readers = copy.copy(self)
        readers._judged = {}
        return readers

    def schema(self, location: str) -> SchemaJudge:
        """The judge of the schema at a location (`completion`, `stream.chunk`, `error.400`)."""
        if location not in self._judges:
            self._judges[location] = SchemaJudge(self._schema_at(location))
        return self._judges[location]

    def judged(self, location: str, instance: Any) -> JudgedInstance:
        """A JSON value of an answer, judged once by all keywords of the schema at a location."""
        # By identity: values of answers are as large as answers, and stay as long as these.
        key = (location, id(instance))
        known = self._judged.get(key)
        if known is None or known.instance is not instance:
            judge = self.schema(location)
            known = JudgedInstance(instance, judge.reached(instance), tuple(judge.deviations(instance)))
            self._judged[key] = known
        return known

    def completion(self, exchange: Exchange) -> BodyReading:
        """The answer read as a completion that is not streamed."""
        return read_completion(exchange)

    def error(self, exchange: Exchange) -> BodyReading:
        """The answer read as an error."""
        return read_error(exchange)

    def stream(self, exchange: Exchange) -> StreamReading:
        """The answer read as a stream of chunks."""
        envelope = self._operation.error_response(self._operation.invalid_status)
        judge = self.schema("stream.chunk") if self._success.item_schema is not None else None
        error_judge = self.schema(f"error.{envelope.status}") if envelope else None
        return read_stream(exchange, judge=judge, error_judge=error_judge)

    def binds(self, location: str, key: str) -> bool:
        """Whether a keyword of a schema, by its key, is a MUST."""
        return self._levels.get((location, key)) is Level.MUST

    def documented_status(self, status: int) -> str | None:
        """The key of the documented error response that covers a status: `400`, `4XX`, `default`."""
        response = self._error_response(status)
        return None if response is None else response.status

    def envelope_deviations(self, status: int, body: Any, level: Level) -> Sequence[str]:
        """How an error's body deviates from the contract's error object, by keywords of this level or above.

        An error with a status that the document does not describe is judged by one that it does describe.
        """
        response = self._operation.error_response(status)
        if response is None:
            return () if isinstance(body, dict) else ("not a JSON object",)
        location = f"error.{response.status}"
        deviations = self.schema(location).deviations(body)
        counted = [one for one in deviations if level is not Level.MUST or self.binds(location, one.key)]
        return [f"{one.instance_path or 'the body'} is {one.actual}, not {one.expected}" for one in counted]

    @property
    def _success(self) -> Response:
        return self._operation.success

    def _error_response(self, status: int) -> Response | None:
        response = self._operation.response(status)
        return response if response is not None and response.json_schema is not None else None

    def _schema_at(self, location: str) -> Schema:
        schema: Schema | None
        if location == "completion":
            schema = self._success.json_schema
        elif location == "stream.chunk":
            schema = self._success.item_schema
        else:
            status = location.removeprefix("error.").upper()
            schema = next((one.json_schema for one in self._operation.responses if one.status.upper() == status), None)
        return True if schema is None else schema

"""Finds the one chat-completions operation of an OpenAPI document (3.0, 3.1 or 3.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from conformance.contract.documents import Document
from conformance.contract.event_schemas import schema_of_data
from conformance.contract.media_types import is_event_stream, is_json
from conformance.contract.model import BESIDE_THE_BODY, CredentialScheme, Operation, Place, Response, Schema
from conformance.contract.pointers import join, look_up
from conformance.contract.provenance import X_SOURCE, Provenance
from conformance.contract.readings import of_an_answer, perhaps_valid, surely_valid
from conformance.contract.references import dereferenced
from conformance.contract.resolver import SchemaResolver
from conformance.contract.security import read_credentials
from conformance.contract.soundness import check_sound
from conformance.contract.vocabulary import source_key

OPERATION = "/x-conformance/operation"
"""Where a document names the operation to judge."""

_CHAT = "/chat/completions"
_VERSION = re.compile(r"3\.[012](\.|$)")
_LOOKS_LIKE_CHAT = re.compile("chat|completion|message|converse|generat|respon")
_OF_HTTP = frozenset({"accept", "content-type", "authorization"})
_STATUS = re.compile(r"[1-5]([0-9][0-9]|XX)|default", re.IGNORECASE)


def read_operation(document: Document, provenance: Provenance, declared: str | None = None) -> Operation:
    """The operation under test: the POST whose path ends with /chat/completions.

    A document may name another one: then `declared` is its method and path (`POST /v1/chat`). Schemas come out
    self-contained, in the words of 2020-12, and with the source of each constraint.

    Raises:
        ContractError: the document is not an OpenAPI 3 document, has no such operation or several, or is broken where
            the operation needs it.
    """
    _check_version(document)
    path, pointer = _operation_pointer(document, declared)
    reader = _OperationReader(document, SchemaResolver(document, provenance), is_own=not provenance.complete)
    request_schema, examples = reader.request(pointer)
    perhaps = None
    if reader.is_own:
        perhaps = perhaps_valid(request_schema)
        by_the_letter = replace(reader, resolver=SchemaResolver(document, provenance, by_the_letter=True))
        request_schema = surely_valid(by_the_letter.request(pointer)[0])
    described = reader.parameters(pointer)
    credential, *further = read_credentials(document, pointer, provenance) or (None,)
    return Operation(
        method="POST",
        path=path,
        path_parameters=reader.path_parameters(path, described),
        request_schema=request_schema,
        responses=tuple(reader.responses(pointer)),
        credential=credential,
        examples=examples,
        beside=dict(reader.beside(described, (one for one in (credential, *further) if one is not None))),
        further_credentials=tuple(one for one in further if one is not None),
        perhaps_valid=perhaps,
    )


def _check_version(document: Document) -> None:
    if not isinstance(document.data, Mapping):
        raise document.error("this is not an OpenAPI document; it should be an object with `openapi` and `paths`")
    version = document.data.get("openapi")
    if version is None and "swagger" in document.data:
        raise document.error("this is a Swagger 2 document; convert it to OpenAPI 3", "/swagger")
    if version is None:
        raise document.error("this is not an OpenAPI document; `openapi: 3.x.y` is missing")
    if not _VERSION.match(str(version)):
        raise document.error(f"OpenAPI {str(version)[:20]} is not known; use 3.0, 3.1 or 3.2", "/openapi")


def is_chat_completions(path: str) -> bool:
    """Whether the path of an operation says that it is chat completions."""
    return path.rstrip("/").endswith(_CHAT)


def _operation_pointer(document: Document, declared: str | None) -> tuple[str, str]:
    """The path of the operation, as written, and where the operation object stands."""
    paths = document.data.get("paths")
    if not isinstance(paths, Mapping) or not paths:
        raise document.error(f"the document has no `paths`; describe POST …{_CHAT}", "/paths")
    posts: dict[str, str] = {}
    for path in paths:
        _, at = dereferenced(document, join("/paths", path))
        if "post" in look_up(document.data, at):
            posts[path] = dereferenced(document, join(at, "post"))[1]
    if not posts:
        raise document.error(f"no path has a POST operation; describe POST …{_CHAT}", "/paths")
    if declared is not None:
        found = {path: at for path, at in posts.items() if declared in _names_of(document, path, at)}
    else:
        found = {path: at for path, at in posts.items() if is_chat_completions(path)}
    if len(found) == 1:
        return next(iter(found.items()))
    if declared is not None:
        message = f"the document has no operation `{declared[:80]}`; it has {_listed(posts)}"
        raise document.error(message, OPERATION if "x-conformance" in document.data else "/paths")
    if found:
        message = f"several operations are chat completions ({_listed(found)})"
    else:
        message = f"no POST path ends with {_CHAT} (there is {_listed(posts)})"
    raise document.error(f"{message}; name the one to judge with --operation, or in x-conformance.operation", "/paths")


def _names_of(document: Document, path: str, pointer: str) -> set[str]:
    """What an operation may be called by: its method and path, its path, and its operationId."""
    named = look_up(document.data, pointer).get("operationId")
    return {f"POST {path}", path} | ({named} if isinstance(named, str) and named else set())


def _listed(paths: Iterable[str]) -> str:
    """The first few operations by name, those before the others that look like chat."""
    ordered = sorted(paths, key=lambda path: (not _LOOKS_LIKE_CHAT.search(path.lower()), path))
    names = [f"POST {path}" for path in ordered]
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else "")


@dataclass(frozen=True, slots=True)
class _OperationReader:
    """Reads the parts of one operation."""

    document: Document
    resolver: SchemaResolver
    is_own: bool = False
    """Whether it is a user's own document, which may mean more or less than its letter."""

    def _of_an_answer(self, schema: Schema) -> Schema:
        return of_an_answer(schema) if self.is_own else schema

    def _schema(self, pointer: str) -> Schema:
        schema = self.resolver.schema(pointer)
        check_sound(schema, self.document, self.resolver.origin)
        return schema

    def _object(self, pointer: str, key: str) -> Mapping[str, Any]:
        """An object under a key, empty where there is none."""
        value = look_up(self.document.data, pointer).get(key, {})
        if not isinstance(value, Mapping):
            raise self.document.error(f"`{key}` should be an object", join(pointer, key))
        return value

    def parameters(self, pointer: str) -> dict[tuple[str, str], str]:
        """Where each parameter is described, by its place and name; the operation goes before its path."""
        described = {}
        for at in (pointer.rsplit("/", 1)[0], pointer):
            listed = look_up(self.document.data, at).get("parameters", [])
            if not isinstance(listed, list):
                raise self.document.error("`parameters` should be a list", join(at, "parameters"))
            for number in range(len(listed)):
                parameter, where = dereferenced(self.document, join(at, "parameters", number))
                described[str(parameter.get("in")), str(parameter.get("name"))] = where
        return described

    def path_parameters(self, path: str, described: Mapping[tuple[str, str], str]) -> dict[str, Schema]:
        """The schema of each parameter that the path has in braces; one that is not described may be anything."""
        return {
            name: self._parameter_schema(described[Place.PATH, name]) if (Place.PATH, name) in described else True
            for name in re.findall(r"\{([^{}]+)\}", path)
        }

    def beside(
        self, described: Mapping[tuple[str, str], str], credentials: Iterable[CredentialScheme]
    ) -> Iterator[tuple[Place, Mapping[str, Any]]]:
        """What a request must have in its query, header and cookies, each as the schema of an object.

        What HTTP itself says is not described by parameters (OpenAPI 3.1, section 4.8.12.2), nor what carries a key.
        """
        taken = {(one.place, one.header.lower()) for one in credentials}
        taken |= {(Place.HEADER, name) for name in _OF_HTTP}
        for place in BESIDE_THE_BODY:
            required = {
                name: where
                for (found, name), where in described.items()
                if found == place
                and look_up(self.document.data, where).get("required") is True
                and (place, name.lower()) not in taken
            }
            if required:
                properties = {name: self._parameter_schema(where) for name, where in required.items()}
                yield (
                    place,
                    {
                        "type": "object",
                        "properties": properties,
                        "required": list(required),
                        X_SOURCE: {
                            source_key("required", name): self.resolver.source_of(join(where, "required"))
                            for name, where in required.items()
                        },
                    },
                )

    def _parameter_schema(self, pointer: str) -> Schema:
        parameter = look_up(self.document.data, pointer)
        schema = self._schema_of_parameter(pointer)
        given = [parameter["example"]] if "example" in parameter else []
        given += [
            example["value"]
            for name in self._object(pointer, "examples")
            if "value" in (example := dereferenced(self.document, join(pointer, "examples", name))[0])
        ]
        if not given:
            return schema
        known = schema if isinstance(schema, Mapping) else {X_SOURCE: {}}
        return {**known, "examples": [*given, *known.get("examples", ())]}

    def _schema_of_parameter(self, pointer: str) -> Schema:
        if "schema" in look_up(self.document.data, pointer):
            return self._schema(join(pointer, "schema"))
        for media_type in self._object(pointer, "content"):
            at = join(pointer, "content", media_type)
            if "schema" in dereferenced(self.document, at)[0]:
                return self._schema(join(dereferenced(self.document, at)[1], "schema"))
        return True

    def request(self, pointer: str) -> tuple[Schema, tuple[Any, ...]]:
        """The schema of the JSON request body and the examples that the document gives of it."""
        if "requestBody" not in look_up(self.document.data, pointer):
            raise self.document.error("the operation has no `requestBody`; describe its JSON body", pointer)
        _, body = dereferenced(self.document, join(pointer, "requestBody"))
        media_type = next(filter(is_json, self._object(body, "content")), None)
        if media_type is None:
            raise self.document.error("the operation takes no application/json body; describe it", body)
        content, at = dereferenced(self.document, join(body, "content", media_type))
        schema = self._schema(join(at, "schema")) if "schema" in content else True
        return schema, tuple(self._examples(at, schema))

    def _examples(self, pointer: str, schema: Schema) -> Iterator[Any]:
        content = look_up(self.document.data, pointer)
        if "example" in content:
            yield content["example"]
        for name in self._object(pointer, "examples"):
            example, _ = dereferenced(self.document, join(pointer, "examples", name))
            yield from (example[key] for key in ("dataValue", "value") if key in example)
        if isinstance(schema, Mapping) and isinstance(schema.get("examples"), list):
            yield from schema["examples"]

    def responses(self, pointer: str) -> Iterator[Response]:
        """Each documented response, its keys as written."""
        for status in self._object(pointer, "responses"):
            if status.startswith("x-"):
                continue
            if not _STATUS.fullmatch(status):
                message = f"`{status[:20]}` is not a status; write 200, 4XX or default"
                raise self.document.error(message, join(pointer, "responses", status))
            _, at = dereferenced(self.document, join(pointer, "responses", status))
            yield self._response(status, at)

    def _response(self, status: str, pointer: str) -> Response:
        json_schema: Schema | None = None
        item_schema: Schema | None = None
        media_types = tuple(self._object(pointer, "content"))
        for media_type in media_types:
            content, at = dereferenced(self.document, join(pointer, "content", media_type))
            if is_json(media_type) and json_schema is None and "schema" in content:
                json_schema = self._of_an_answer(self._schema(join(at, "schema")))
            elif is_event_stream(media_type):
                item_schema = self._item_schema(content, at)
        return Response(status, json_schema, item_schema, media_types)

    def _item_schema(self, content: Mapping[str, Any], pointer: str) -> Schema | None:
        """The schema of one event's data: by OpenAPI 3.2 in `itemSchema`, and before in the schema of the stream."""
        keyword = next((one for one in ("itemSchema", "schema") if one in content), None)
        found = None if keyword is None else schema_of_data(self._schema(join(pointer, keyword)))
        return None if found is None else self._of_an_answer(found)

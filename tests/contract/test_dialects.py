"""A profile's dialect: what it may say, how an error is made from it, and where a mistake in it is."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from own_documents import REQUEST, own_document, stored

from conformance.contract import ContractError, load_contract, read_dialect, shipped_profiles
from conformance.contract.dialect import Dialect, check_parameters, dialect_in, distinct_parameters, known_parameters
from conformance.contract.documents import Document
from conformance.targets.configuration import parameter_keys

TENANT: dict[str, Any] = {
    "name": "workspace",
    "in": "path",
    "noun": "workspace",
    "key": "workspace",
    "variable": "CONFORMANCE_WORKSPACE",
    "demo": "ws-demo",
    "second": {
        "key": "other_workspace",
        "variable": "CONFORMANCE_OTHER_WORKSPACE",
        "demo": "ws-other",
        "unknown": "ws-nowhere",
    },
}
BRAND: dict[str, Any] = {
    "name": "brand",
    "in": "body",
    "noun": "brand",
    "key": "brand",
    "variable": "CONFORMANCE_BRAND",
    "default": "chat-conformance",
}
DIALECT: dict[str, Any] = {
    "parameters": [TENANT, BRAND],
    "reference": {
        "mount": "/v1",
        "challenge": "Bearer",
        "error": {"body": {"error": "{code}", "message": "{message}"}},
        "provider_failure": {"status": 502, "passes_429_on": True},
        "honours": ["max_tokens"],
    },
}


def changed(*steps: str | int, to: Any) -> dict[str, Any]:
    """The dialect with another value at a place; `...` takes the member out."""
    dialect = copy.deepcopy(DIALECT)
    holder: Any = dialect
    for step in steps[:-1]:
        holder = holder[step]
    if to is ...:
        del holder[steps[-1]]
    else:
        holder[steps[-1]] = to
    return dialect


def read(folder: Path, dialect: Any, name: str = "acme") -> tuple[Dialect, Document]:
    path = folder / f"{name}.dialect.yaml"
    path.write_text(yaml.safe_dump(dialect, sort_keys=False), encoding="utf-8")
    return dialect_in(path, name)


def test_a_whole_dialect_is_read(tmp_path: Path) -> None:
    dialect, _ = read(tmp_path, DIALECT)
    workspace, brand = dialect.parameters
    assert (workspace.in_path, workspace.default, brand.in_path, brand.default) == (True, None, False, BRAND["default"])
    assert dialect.tenancy == (workspace,)
    assert (brand.placeholder, dialect.mount, dialect.has_logprobs) == ("{brand}", "/v1", False)


@pytest.mark.parametrize(
    ("dialect", "words"),
    [
        ({}, "reference"),
        (changed("reference", "mount", to="v1"), "does not match"),
        (changed("reference", "error", to=...), "error"),
        (changed("reference", "error", "body", to="text"), "not of type"),
        (changed("reference", "error", "body", to={"type": "{type}"}), "the body has a {type}"),
        (changed("reference", "error", "types", to={"403": "x"}), "default"),
        (changed("reference", "provider_failure", "status", to=404), "500"),
        (changed("reference", "surprise", to=1), "surprise"),
        (changed("parameters", 0, "variable", to="WORKSPACE"), "does not match"),
        (changed("parameters", 0, "variable", to="CONFORMANCE_API_KEY"), "CONFORMANCE_API_KEY"),
        (changed("parameters", 0, "key", to="model"), "model"),
        (changed("parameters", 0, "in", to="query"), "query"),
        (changed("parameters", 0, "format", to="email"), "email"),
        (changed("parameters", 0, "demo", to=...), '"demo" is a required property'),
        (changed("parameters", 0, "second", "unknown", to=...), "unknown"),
        (changed("parameters", 1, "default", to=...), '"demo" is a required property'),
        (changed("parameters", 1, "second", to=TENANT["second"]), "False schema does not allow"),
    ],
)
def test_a_dialect_that_departs_from_its_schema_is_refused_with_its_file_and_line(
    tmp_path: Path, dialect: Any, words: str
) -> None:
    with pytest.raises(ContractError) as caught:
        read(tmp_path, dialect)
    assert words in str(caught.value)
    assert caught.value.path == tmp_path / "acme.dialect.yaml"
    assert caught.value.line is not None
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "properties", "words"),
    [
        ("/{tenant}/chat/completions", {"brand": {}}, "`workspace` is not among the operation's path (tenant)"),
        ("/chat/completions", {"brand": {}}, "(none)"),
        ("/{workspace}/chat/completions", {}, "`brand` is not among the request's properties (model, messages"),
        ("/{workspace}/{zone}/chat/completions", {"brand": {}}, "the path has a parameter `zone`"),
    ],
)
def test_the_parameters_are_those_of_the_operation(
    tmp_path: Path, path: str, properties: dict[str, Any], words: str
) -> None:
    request = {**REQUEST, "properties": {**REQUEST["properties"], **properties}}
    operation = load_contract(stored(tmp_path, own_document(request, path=path))).operation
    with pytest.raises(ContractError) as caught:
        check_parameters(*read(tmp_path, DIALECT), operation)
    assert words in str(caught.value)
    assert caught.value.line is not None


@pytest.mark.parametrize(
    ("member", "value", "words"),
    [
        ("key", "workspace", "the key `workspace`"),
        ("key", "other_workspace", "the key `other_workspace`"),
        ("variable", "CONFORMANCE_WORKSPACE", "the variable `CONFORMANCE_WORKSPACE`"),
        ("name", "workspace", "the name `workspace`"),
    ],
)
def test_no_two_parameters_share_a_word(tmp_path: Path, member: str, value: str, words: str) -> None:
    alone = changed("parameters", to=[{**BRAND, member: value}])
    together = changed("parameters", 1, member, to=value)
    first = changed("parameters", to=[TENANT])
    for dialects in ([read(tmp_path, together)], [read(tmp_path, first, "one"), read(tmp_path, alone, "two")]):
        with pytest.raises(ContractError, match=f"{words} stands for something else already"):
            distinct_parameters(dialects)


def test_two_profiles_may_have_the_same_parameter(tmp_path: Path) -> None:
    one, two = read(tmp_path, DIALECT, "one"), read(tmp_path, DIALECT, "two")
    assert [parameter.name for parameter in distinct_parameters([one, two])] == ["workspace", "brand"]


def test_an_error_is_its_template_filled_in(tmp_path: Path) -> None:
    template = {"problem": [{"at": "{param}"}, "{status}", "{type}", "about {message}"], "code": "{code}"}
    types = {"403": "forbidden", "4XX": "client", "default": "server"}
    error = {"body": template, "types": types}
    dialect, _ = read(tmp_path, changed("reference", "error", to=error))
    bodies = [dialect.error_body(status, "slug", "A sentence.", "n") for status in (403, 404, 500)]
    assert bodies[0] == {"problem": [{"at": "n"}, 403, "forbidden", "about {message}"], "code": "slug"}
    assert [body["problem"][2] for body in bodies] == ["forbidden", "client", "server"]
    assert dialect.error_body(400, "slug", "A sentence.")["problem"][0] == {"at": None}


@pytest.mark.parametrize(
    ("spelling", "schema", "form"),
    [
        ("orgId", {"type": "string", "format": "uuid"}, "uuid"),
        ("organization_id", {"type": "string", "format": "uuid"}, "uuid"),
        ("org-id", {"type": "string"}, None),
        ("organizationId", True, None),
    ],
)
def test_a_user_s_own_document_has_the_parameters_that_shipped_dialects_know(
    tmp_path: Path, spelling: str, schema: Any, form: str | None
) -> None:
    path = f"/{{{spelling}}}/chat/completions"
    document = own_document(path=path)
    described = {"name": spelling, "in": "path", "required": True, "schema": schema}
    document["paths"][path]["post"]["parameters"] = [described]
    (parameter,) = load_contract(stored(tmp_path, document)).parameters
    assert (parameter.name, parameter.variable, parameter.format) == (spelling, "CONFORMANCE_ORG_ID", form)


def test_every_shipped_profile_has_a_dialect_that_fits_it() -> None:
    for profile in shipped_profiles():
        assert load_contract(profile).parameters == read_dialect(profile).parameters
    assert set(known_parameters()) >= set(read_dialect("kodexa").parameters)


def test_keys_and_variables_of_the_shipped_profiles_stay_what_they_are() -> None:
    known = {
        "org_id": "CONFORMANCE_ORG_ID",
        "other_org_id": "CONFORMANCE_OTHER_ORG_ID",
        "brand_id": "CONFORMANCE_BRAND_ID",
        "requested_by": "CONFORMANCE_REQUESTED_BY",
    }
    assert known.items() <= parameter_keys().items()

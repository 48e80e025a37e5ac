"""The requirements that follow from the keywords of a schema: ids, levels, words, pointers, digests."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from own_documents import REQUEST, own_document, stored, the_post

from conformance.contract import Contract, ContractError, Level, Section, load_contract
from conformance.contract.pointers import look_up

SENT = {
    **REQUEST,
    "properties": {
        **REQUEST["properties"],
        "stop": {
            "anyOf": [
                {"title": "string", "type": "string", "maxLength": 9},
                {"title": "Array of strings", "type": "array", "maxItems": 4, "items": {"type": "string"}},
                {"title": "null", "type": "null"},
            ]
        },
        "kind": {"enum": ["a", "b"]},
        "topK": {"type": "integer", "exclusiveMinimum": 0},
        "tag": {"type": "string", "minLength": 0, "format": "unixtime"},
        "meta": {"type": "object", "maxProperties": 2, "additionalProperties": {"type": "string", "maxLength": 3}},
        "never": False,
        "pair": {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": False},
    },
}


def contract_of(directory: Path, request: Any = None, **parts: Any) -> Contract:
    return load_contract(stored(directory, own_document(SENT if request is None else request, **parts)))


def derived(contract: Contract, prefix: str = "request.") -> list[str]:
    return [row.id for row in contract.requirements if row.keyword is not None and row.id.startswith(prefix)]


def test_each_constraining_keyword_makes_one_requirement_with_a_readable_id(tmp_path: Path) -> None:
    assert derived(contract_of(tmp_path)) == [
        "request.type",
        "request.messages.required",
        "request.model.type",
        "request.messages.type",
        "request.messages.min-items",
        "request.messages.items.type",
        "request.temperature.type",
        "request.temperature.minimum",
        "request.temperature.maximum",
        "request.stop.any-of",
        "request.stop.string.max-length",
        "request.stop.array-of-strings.max-items",
        "request.stop.array-of-strings.items.type",
        "request.kind.enum",
        "request.topk.type",
        "request.topk.exclusive-minimum",
        "request.tag.type",
        "request.meta.type",
        "request.meta.max-properties",
        "request.meta.additional-properties.type",
        "request.meta.additional-properties.max-length",
        "request.never.not",
        "request.pair.type",
        "request.pair.items",
        "request.pair.prefix-items.0.type",
        "request.pair.prefix-items.1.type",
    ]


def test_what_holds_for_a_kind_that_has_a_name_makes_requirements_of_its_own(tmp_path: Path) -> None:
    note = {"required": ["kind"], "properties": {"kind": {"const": "note"}}}
    part: dict[str, Any] = {
        "if": note,
        "then": {"required": ["text"]},
        "else": {"properties": {"size": {"minimum": 1}}},
    }
    request = {**SENT, "properties": {**SENT["properties"], "part": part}}
    assert derived(contract_of(tmp_path, request), "request.part") == ["request.part.if"]
    part["if"] = {**note, "title": "a note"}
    contract = contract_of(tmp_path, request)
    assert derived(contract, "request.part") == ["request.part.text.required", "request.part.size.minimum"]
    required, minimum = (row for row in contract.requirements if row.id.startswith("request.part."))
    assert required.statement == "`part` in the request, as a note, has `text`: without it the request is refused."
    assert minimum.statement.startswith("`part.size` in the request, as any but a note, is at least 1")
    assert required.keyword is not None
    assert required.keyword.pointer == "/properties/part/then/required"


def test_a_pointer_leads_to_its_keyword_in_the_schema_of_the_operation(tmp_path: Path) -> None:
    contract = contract_of(tmp_path)
    seen = 0
    for row in contract.requirements:
        if row.keyword is None or row.keyword.location != "request":
            continue
        found = look_up(contract.operation.request_schema, row.keyword.pointer)
        assert row.keyword.value in found if row.keyword.name == "required" else found == row.keyword.value
        assert row.keyword.pointer.endswith(f"/{row.keyword.name}")
        seen += 1
    assert seen == len(derived(contract))


@pytest.mark.parametrize(
    ("identifier", "statement"),
    [
        ("request.type", "The request is an object: a value of another type is refused."),
        ("request.messages.required", "The request has `messages`: without it the request is refused."),
        ("request.temperature.maximum", "`temperature` in the request is at most 2: 2 is served, more is refused."),
        (
            "request.kind.enum",
            "`kind` in the request is one of `a`, `b`: each of them is served, anything else is refused.",
        ),
        ("request.topk.exclusive-minimum", "`topK` in the request is more than 0: 0 itself is refused."),
        (
            "request.messages.items.type",
            "`messages[]` in the request is an object: a value of another type is refused.",
        ),
        (
            "request.stop.array-of-strings.max-items",
            "`stop` in the request, as array-of-strings, is an array of at most 4 items: more items are refused.",
        ),
        ("completion.created.type", "`created` in the completion is an integer or null."),
        ("completion.choices.required", "The completion has `choices`."),
        ("error.404.why.min-length", "`why` in the body of a 404 answer is at least 1 character long."),
        ("error.default.why.const", "`why` in the body of an error is `no`."),
    ],
)
def test_statements_are_plain_sentences(tmp_path: Path, identifier: str, statement: str) -> None:
    completion = {"required": ["choices"], "properties": {"created": {"type": ["integer", "null"]}}}
    document = own_document(SENT, completion=completion)
    for status, why in (("404", {"minLength": 1}), ("default", {"const": "no"})):
        content = {"application/json": {"schema": {"properties": {"why": why}}}}
        the_post(document)["responses"][status] = {"content": content}
    row = load_contract(stored(tmp_path, document)).requirement(identifier)
    assert row is not None
    assert row.statement == statement


def test_what_only_selects_a_branch_is_no_requirement_of_its_own(tmp_path: Path) -> None:
    def message(role: str, **more: Any) -> dict[str, Any]:
        properties = {"role": {"type": "string", "const": role}, **more}
        return {"type": "object", "title": role, "required": ["role", *more], "properties": properties}

    kinds = [message("user", content={"type": "string"}), message("tool", call={"type": "string"})]
    schema = copy.deepcopy(REQUEST)
    schema["properties"]["messages"]["items"] = {"oneOf": kinds}
    ids = derived(contract_of(tmp_path, schema), "request.messages.items")
    assert ids == [
        "request.messages.items.one-of",
        "request.messages.items.user.content.required",
        "request.messages.items.user.content.type",
        "request.messages.items.tool.call.required",
        "request.messages.items.tool.call.type",
    ]


def test_branches_without_titles_are_named_by_reference_type_or_number(tmp_path: Path) -> None:
    branches = [
        {"$ref": "#/components/schemas/PlainText"},
        {"type": "array", "minItems": 1},
        {"type": "array", "minItems": 2},
        {"maximum": 3},
    ]
    schema = {**REQUEST, "properties": {"messages": {}, "x": {"anyOf": branches}}}
    components = {"schemas": {"PlainText": {"type": "string", "minLength": 1}}}
    assert derived(contract_of(tmp_path, schema, components=components), "request.x.")[1:] == [
        "request.x.plain-text.min-length",
        "request.x.array.min-items",
        "request.x.3.min-items",
        "request.x.4.maximum",
    ]


def test_names_that_differ_only_in_their_marks_get_ids_of_their_own(tmp_path: Path) -> None:
    names = ("a.b", "a b", "A-B")
    schema = {**REQUEST, "properties": {"messages": {}, **{name: {"type": "string"} for name in names}}}
    ids = derived(contract_of(tmp_path, schema), "request.a-b")
    assert ids == ["request.a-b.type", "request.a-b.type-2", "request.a-b.type-3"]


def test_sections_follow_the_location(tmp_path: Path) -> None:
    contract = load_contract("kodexa")
    for identifier, section in (
        ("request.path.org-id.format", Section.REQUEST),
        ("request.model.required", Section.REQUEST),
        ("completion.id.required", Section.COMPLETION),
        ("stream.chunk.id.required", Section.STREAM),
        ("error.default.error.required", Section.ERROR),
    ):
        row = contract.requirement(identifier)
        assert row is not None
        assert row.section is section


def sourced(x_source: Any, **keywords: Any) -> dict[str, Any]:
    document = own_document({**REQUEST, "properties": {"messages": {}, "t": {**keywords, "x-source": x_source}}})
    document["x-conformance"] = {
        "standards": ["rfc9110"],
        "sources": {"ours": {"title": "Our manual"}, "rfc9110": {"title": "HTTP"}, "openai": {"title": "OpenAI"}},
    }
    return document


def entry(basis: str, document: str = "ours", **more: str) -> dict[str, str]:
    return {"document": document, "place": f"chapter {basis}", "basis": basis, **more}


@pytest.mark.parametrize(
    ("written", "level"),
    [
        (entry("stated"), Level.MUST),
        (entry("schema"), Level.MUST),
        (entry("reference", "rfc9110"), Level.MUST),
        (entry("reference", "openai"), Level.SHOULD),
        (entry("example"), Level.SHOULD),
        (entry("inferred"), Level.SHOULD),
        (entry("stated", level="SHOULD"), Level.SHOULD),
        (entry("stated", level="MAY"), Level.MAY),
        (entry("inferred", level="MAY"), Level.MAY),
    ],
)
def test_the_level_follows_the_basis_and_may_only_be_lowered(tmp_path: Path, written: Any, level: Level) -> None:
    row = load_contract(stored(tmp_path, sourced(written, maximum=2))).requirement("request.t.maximum")
    assert row is not None
    assert row.level is level
    assert (row.source.document, row.source.place) == (written["document"], written["place"])


def test_each_keyword_may_have_a_source_of_its_own(tmp_path: Path) -> None:
    x_source = {
        "*": entry("stated"),
        "maximum": entry("inferred"),
        "required": entry("example"),
        "required.b": entry("schema"),
    }
    contract = load_contract(stored(tmp_path, sourced(x_source, minimum=0, maximum=2, required=["a", "b"])))
    bases = {row.id: row.source.basis.value for row in contract.requirements if row.id.startswith("request.t.")}
    assert bases == {
        "request.t.minimum": "stated",
        "request.t.maximum": "inferred",
        "request.t.a.required": "example",
        "request.t.b.required": "schema",
    }


def test_a_source_beside_a_reference_speaks_of_this_use(tmp_path: Path) -> None:
    document = sourced(entry("stated"), maximum=2)
    properties = the_post(document)["requestBody"]["content"]["application/json"]["schema"]["properties"]
    document["components"] = {"schemas": {"T": properties["t"]}}
    properties["t"] = {"$ref": "#/components/schemas/T", "x-source": entry("inferred")}
    properties["u"] = {"$ref": "#/components/schemas/T"}
    contract = load_contract(stored(tmp_path, document))
    levels = [getattr(contract.requirement(f"request.{name}.maximum"), "level", None) for name in "tu"]
    assert levels == [Level.SHOULD, Level.MUST]


@pytest.mark.parametrize(
    ("written", "words"),
    [
        (entry("inferred", level="MUST"), "the basis `inferred` allows SHOULD at most"),
        (entry("reference", "openai", level="MUST"), "allows SHOULD at most"),
        (entry("guessed"), "the basis is one of"),
        (entry("stated", level="OUGHT"), "the level is one of"),
        (entry("stated", "nobody"), "the source `nobody` is not listed"),
        ({"document": "ours", "place": "", "basis": "stated"}, "`place`"),
        ({"document": "ours", "basis": "stated"}, "has `document`, `place` and `basis`"),
        ({"*": entry("stated", page="3")}, "has `document`, `place` and `basis`"),
        ([], "x-source is an object"),
    ],
)
def test_a_wrong_source_is_refused_with_its_line(tmp_path: Path, written: Any, words: str) -> None:
    path = Path(stored(tmp_path, sourced(written, maximum=2)))
    with pytest.raises(ContractError) as caught:
        load_contract(str(path))
    assert words in str(caught.value)
    assert caught.value.line is not None
    assert "x-source" in "".join(path.read_text().splitlines()[caught.value.line - 2 : caught.value.line])


def test_without_x_source_the_document_itself_is_the_source(tmp_path: Path) -> None:
    document = own_document({"$ref": "#/components/schemas/R"}, components={"schemas": {"R": REQUEST}})
    contract = load_contract(stored(tmp_path, document))
    row = contract.requirement("request.temperature.maximum")
    assert row is not None
    assert row.level is Level.MUST
    assert row.source.document == "gateway"
    assert row.source.place == "#/components/schemas/R/properties/temperature/maximum"
    assert row.source.title == "Our gateway"


def test_a_keyword_may_be_kept_for_another_tier(tmp_path: Path) -> None:
    t = {"type": "number", "maximum": 2, "x-tier": {"type": "exhaustive"}}
    u = {"type": "string", "x-tier": "smoke", "x-note": {"of": "no interest"}}
    contract = contract_of(tmp_path, {**REQUEST, "properties": {"messages": {}, "t": t, "u": u}})
    tiers = {row.id: row.tier.value for row in contract.requirements if row.id.startswith(("request.t.", "request.u."))}
    assert tiers == {"request.t.type": "exhaustive", "request.t.maximum": "standard", "request.u.type": "smoke"}
    for wrong in ("exhausting", ["smoke"], {"type": 3}):
        with pytest.raises(ContractError, match="`x-tier` should be one of smoke, standard, exhaustive"):
            contract_of(tmp_path, {"properties": {"t": {"type": "string", "x-tier": wrong}}})


def digest_after(directory: Path, change: Any) -> dict[str, str]:
    document = sourced({"*": entry("stated"), "minimum": entry("schema")}, minimum=0, maximum=2)
    change(document, the_post(document)["requestBody"]["content"]["application/json"]["schema"]["properties"]["t"])
    contract = load_contract(stored(directory, document))
    return {row.id: row.digest for row in contract.requirements if row.id.startswith("request.t.")}


@pytest.mark.parametrize(
    ("change", "changed"),
    [
        (lambda document, t: t.update(description="Warmth."), set()),
        (lambda document, t: document["info"].update(version="8"), set()),
        (lambda document, t: t.update(maximum=1), {"request.t.maximum"}),
        (lambda document, t: t["x-source"]["*"].update(place="chapter 9"), {"request.t.maximum"}),
        (lambda document, t: t["x-source"]["minimum"].update(level="SHOULD"), {"request.t.minimum"}),
        (
            lambda document, t: document["x-conformance"]["sources"]["ours"].update(sha256="0" * 64),
            {"request.t.maximum", "request.t.minimum"},
        ),
    ],
)
def test_a_digest_changes_with_what_the_requirement_rests_on_and_with_nothing_else(
    tmp_path: Path, change: Any, changed: set[str]
) -> None:
    before = digest_after(tmp_path, lambda document, t: None)
    after = digest_after(tmp_path, change)
    assert {name for name in before if before[name] != after[name]} == changed


@pytest.mark.parametrize("profile", ["kodexa", "loop-health", "openai"])
def test_the_shipped_profiles_have_unique_ids_and_a_source_for_each_requirement(profile: str) -> None:
    contract = load_contract(profile)
    ids = [row.id for row in (*contract.requirements, *contract.excluded)]
    assert len(set(ids)) == len(ids)
    assert all(row.source.place and row.source.title for row in contract.requirements)
    assert all(len(row.digest) == 64 for row in contract.requirements)
    assert {row.id.split(".")[0] for row in contract.requirements if row.keyword} >= {"request", "completion", "stream"}


def test_a_keyword_whose_source_is_null_is_in_force_and_judges_nobody(tmp_path: Path) -> None:
    limited = {"type": "integer", "maximum": 9, "x-source": {"maximum": None}}
    chosen = {"type": "string", "enum": ["a"], "x-source": {"*": None}}
    request = {**REQUEST, "properties": {**REQUEST["properties"], "limited": limited, "chosen": chosen}}
    contract = contract_of(tmp_path, request)
    assert [one for one in derived(contract) if one.startswith(("request.limited", "request.chosen"))] == [
        "request.limited.type"
    ]
    schema = contract.operation.request_schema
    assert look_up(schema, "/properties/limited/maximum") == 9
    assert look_up(schema, "/properties/chosen/enum") == ["a"]


def test_a_use_of_a_schema_may_be_left_out_of_judging(tmp_path: Path) -> None:
    request = {
        **REQUEST,
        "properties": {
            **REQUEST["properties"],
            "judged": {"$ref": "#/components/schemas/Limited"},
            "free": {"$ref": "#/components/schemas/Limited", "x-source": {"*": None}},
        },
    }
    contract = contract_of(tmp_path, request, components={"schemas": {"Limited": {"type": "integer", "maximum": 9}}})
    assert [one for one in derived(contract) if "judged" in one or "free" in one] == [
        "request.judged.type",
        "request.judged.maximum",
    ]

"""The catalogue: what a row may say, how it applies to a profile, and where a mistake in it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from own_documents import own_document, stored, the_post

from conformance.contract import Contract, ContractError, Level, Tier, load_contract
from conformance.contract.catalogue import read_rows, shipped_requirements, shipped_rows
from conformance.contract.declaration import shared_sources
from conformance.contract.provenance import Provenance

ROW: dict[str, Any] = {
    "id": "stream.done-once",
    "section": "stream",
    "statement": "The sentinel comes once.",
    "source": {"document": "openai", "place": "stream", "basis": "reference"},
    "profiles": {"openai": "MUST", "kodexa": "SHOULD", "*": "MUST"},
}


def written(directory: Path, *rows: Any, name: str = "stream.yaml") -> Path:
    path = directory / name
    path.write_text(yaml.safe_dump(list(rows), sort_keys=False), encoding="utf-8")
    return path


def provenance(profile: str, *standards: str) -> Provenance:
    return Provenance(profile, shared_sources(), standards, complete=True)


def refusal(path: Path) -> ContractError:
    with pytest.raises(ContractError) as caught:
        read_rows(path)
    return caught.value


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"id": "stream"}, "does not match"),
        ({"id": "Stream.done"}, "does not match"),
        ({"id": "streams.done"}, "does not match"),
        ({"section": "error"}, "the id begins with `stream`, but the section is `error`"),
        ({"section": "elsewhere"}, "elsewhere"),
        ({"statement": "  "}, "does not match"),
        ({"tier": "huge"}, "huge"),
        ({"profiles": {}}, "less than 1 property"),
        ({"profiles": {"openai": "OUGHT"}}, "OUGHT"),
        ({"profiles": {"openai": {}}}, "less than 1 property"),
        ({"level": "OUGHT"}, "OUGHT"),
        ({"when": "sometimes"}, "sometimes"),
        ({"source": {"document": "openai", "place": "x"}}, "basis"),
        ({"source": {**ROW["source"], "basis": "guessed"}}, "guessed"),
        ({"unknown": 1}, "unknown"),
        ({"case": {"request": {}}}, "expect"),
        ({"case": {"request": {"body": {}, "raw": ""}, "expect": {"status": 400}}}, "not"),
        ({"case": {"expect": {"status": 42}}}, "42"),
        ({"case": {"expect": {"status": "4xx"}}}, "4xx"),
        ({"case": {"request": {"credential": "mine"}, "expect": {"status": 400}}}, "mine"),
    ],
)
def test_a_row_that_departs_from_the_schema_is_refused_with_its_name_and_line(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    good = {**ROW, "id": "stream.first"}
    error = refusal(written(tmp_path, good, {**ROW, **change}))
    assert words in str(error)
    assert "row `" in str(error)
    assert error.line is not None
    assert error.line >= 12
    assert "\n" not in str(error)


def test_a_whole_case_is_accepted(tmp_path: Path) -> None:
    case = {
        "request": {"body": {"n": 2}, "headers": {"x-a": None}, "method": "POST", "credential": "none"},
        "expect": {"status": [400, "4XX"], "media_type": "application/json", "schema": {"type": "object"}},
        "cost": 4,
    }
    (row,) = read_rows(written(tmp_path, {**ROW, "case": case}))
    (requirement,) = shipped_requirements([row], "openai", provenance("openai", "openai"))
    assert requirement.case == case


@pytest.mark.parametrize("data", [None, {}, "text", [3], [None], [{}]])
def test_a_file_that_is_no_list_of_rows_is_refused(tmp_path: Path, data: Any) -> None:
    path = tmp_path / "rows.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    assert refusal(path).path == path


def test_an_id_stands_once_in_a_file_and_across_files(tmp_path: Path) -> None:
    twice = written(tmp_path, ROW, ROW)
    assert "the id stands twice (first in stream.yaml:1)" in str(refusal(twice))
    written(tmp_path, ROW)
    written(tmp_path, ROW, name="zzz.yaml")
    with pytest.raises(ContractError, match=r"zzz.yaml:1: row `stream.done-once`: the id stands twice"):
        shipped_rows(tmp_path)


@pytest.mark.parametrize("lacking", ["source", "section", "profiles", "statement"])
def test_a_row_of_the_catalogue_is_complete(tmp_path: Path, lacking: str) -> None:
    written(tmp_path, {key: value for key, value in ROW.items() if key != lacking})
    with pytest.raises(ContractError, match=r"row `stream.done-once`"):
        shipped_rows(tmp_path)


def applied(directory: Path, row: Any, profile: str, *standards: str) -> list[tuple[str, Level, str | None]]:
    rows = read_rows(written(directory, row))
    found = shipped_requirements(rows, profile, provenance(profile, *standards))
    return [(one.id, one.level, one.excluded) for one in found]


def test_a_row_applies_to_the_profiles_that_it_names_at_their_levels(tmp_path: Path) -> None:
    assert applied(tmp_path, ROW, "openai", "openai") == [("stream.done-once", Level.MUST, None)]
    assert applied(tmp_path, ROW, "kodexa", "openai") == [("stream.done-once", Level.SHOULD, None)]
    assert applied(tmp_path, ROW, "loop-health", "openai") == []


DEFAULT: dict[str, Any] = {key: value for key, value in ROW.items() if key != "profiles"} | {"level": "MUST"}


def test_the_level_of_a_row_holds_for_every_profile_and_every_document(tmp_path: Path) -> None:
    for profile in ("openai", "kodexa", "one-of-tomorrow", "*"):
        assert applied(tmp_path, DEFAULT, profile, "openai") == [("stream.done-once", Level.MUST, None)]


def test_a_default_level_is_lowered_to_what_the_standards_of_a_profile_support(tmp_path: Path) -> None:
    assert applied(tmp_path, DEFAULT, "one-of-tomorrow", "rfc9110") == [("stream.done-once", Level.SHOULD, None)]


def test_an_exception_changes_the_level_the_source_or_both_or_leaves_the_row_out(tmp_path: Path) -> None:
    source = {"document": "rfc9110", "place": "section 9", "basis": "reference"}
    exceptions = {"openai": "MAY", "kodexa": {"source": source}, "loop-health": None, "*": {"level": "MAY"}}
    row = {**DEFAULT, "profiles": exceptions}
    (openai,), (kodexa,), (own,), other = (
        applied(tmp_path, row, profile, "openai", "rfc9110") for profile in ("openai", "kodexa", "*", "loop-health")
    )
    assert (openai[1], kodexa[1], own[1], other) == (Level.MAY, Level.MUST, Level.MAY, [])
    (found,) = shipped_requirements(read_rows(tmp_path / "stream.yaml"), "kodexa", provenance("kodexa", "rfc9110"))
    assert found.source.place == "section 9"


def test_an_exception_needs_a_level_where_the_row_has_none(tmp_path: Path) -> None:
    row = {**ROW, "profiles": {"openai": {"source": ROW["source"]}}}
    with pytest.raises(ContractError, match=r"row `stream\.done-once`: the exception has no `level`"):
        applied(tmp_path, row, "openai", "openai")


def test_a_condition_restricts_the_default_and_no_exception(tmp_path: Path) -> None:
    rows = read_rows(written(tmp_path, {**DEFAULT, "when": "tenants", "profiles": {"kodexa": "SHOULD"}}))

    def levels(profile: str, *conditions: str) -> list[Level]:
        found = shipped_requirements(rows, profile, provenance(profile, "openai"), conditions=conditions)
        return [one.level for one in found]

    assert (levels("openai"), levels("openai", "tenants")) == ([], [Level.MUST])
    assert levels("kodexa") == [Level.SHOULD]


def test_a_row_may_rest_on_the_document_that_is_judged_against(tmp_path: Path) -> None:
    rows = read_rows(written(tmp_path, {**DEFAULT, "source": {**ROW["source"], "document": "contract"}}))
    (found,) = shipped_requirements(rows, "openai", provenance("openai", "openai"))
    assert found.source.document == "openai"


def test_a_profile_may_have_a_source_of_its_own(tmp_path: Path) -> None:
    source = {"document": "rfc9110", "place": "section 9", "basis": "reference"}
    rows = read_rows(written(tmp_path, {**ROW, "profiles": {"openai": {"level": "SHOULD", "source": source}}}))
    (found,) = shipped_requirements(rows, "openai", provenance("openai"))
    assert (found.source.document, found.source.place) == ("rfc9110", "section 9")
    assert found.source.url == "https://www.rfc-editor.org/rfc/rfc9110"


def test_a_level_above_its_basis_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"row `stream.done-once`: the level MUST is more than SHOULD"):
        applied(tmp_path, ROW, "openai", "rfc9110")
    inferred = {**ROW, "source": {**ROW["source"], "basis": "inferred"}}
    with pytest.raises(ContractError, match="the basis `inferred`"):
        applied(tmp_path, inferred, "openai", "openai")


def test_for_a_users_document_the_level_is_lowered_to_what_its_standards_support(tmp_path: Path) -> None:
    assert applied(tmp_path, ROW, "*", "openai") == [("stream.done-once", Level.MUST, None)]
    assert applied(tmp_path, ROW, "*") == [("stream.done-once", Level.SHOULD, None)]


def test_an_unknown_document_is_refused_by_name(tmp_path: Path) -> None:
    row = {**ROW, "source": {**ROW["source"], "document": "rfc1"}}
    with pytest.raises(ContractError, match=r"row `stream.done-once`: the document `rfc1` is not listed"):
        applied(tmp_path, row, "openai", "openai")
    excluded = {key: value for key, value in row.items() if key != "profiles"} | {"excluded": "Not to be seen."}
    with pytest.raises(ContractError, match=r"`rfc1` is not in sources.yaml"):
        applied(tmp_path, excluded, "openai", "openai")


def test_an_excluded_row_applies_where_its_document_is_known(tmp_path: Path) -> None:
    row = {key: value for key, value in ROW.items() if key != "profiles"} | {"excluded": "Not to be seen."}
    assert applied(tmp_path, row, "kodexa", "openai") == [("stream.done-once", Level.MUST, "Not to be seen.")]
    of_kodexa = {**row, "source": {"document": "kodexa", "place": "x", "basis": "stated"}}
    assert applied(tmp_path, of_kodexa, "openai", "openai") == []


@pytest.mark.parametrize("profile", ["kodexa", "loop-health", "openai"])
def test_the_shipped_catalogue_fits_each_profile(profile: str) -> None:
    contract = load_contract(profile)
    rows = {row.id for row in contract.requirements if row.keyword is None}
    whole = [row for row in shipped_rows() if "level" in row.written and "when" not in row.written]
    assert rows >= {row.id for row in whole if profile not in row.written.get("profiles", {})}
    assert not rows & {row.id for row in shipped_rows() if row.written.get("profiles", {}).get(profile, "") is None}
    assert all(row.excluded for row in contract.excluded)


def own(directory: Path, *rows: Any, **parts: Any) -> Contract:
    written(directory, *rows, name="rows.yaml")
    document = own_document(**parts)
    document["x-conformance"] = {"requirements": "rows.yaml", "sources": {"manual": {"title": "Our manual"}}}
    the_post(document)["responses"]["200"]["content"]["text/event-stream"] = {}
    return load_contract(stored(directory, document))


def test_a_user_adds_changes_and_excludes_requirements(tmp_path: Path) -> None:
    new = {"id": "error.teapot", "statement": "A teapot\n  says so.", "level": "MUST", "tier": "smoke"}
    contract = own(
        tmp_path,
        new,
        {"id": "robustness.connection-reuse", "level": "SHOULD"},
        {"id": "robustness.at-once", "tier": "exhaustive"},
        {"id": "request.temperature.maximum", "excluded": "We let it be hotter."},
    )
    teapot = contract.requirement("error.teapot")
    assert teapot is not None
    assert (teapot.level, teapot.tier, teapot.statement) == (Level.MUST, Tier.SMOKE, "A teapot says so.")
    assert (teapot.source.document, teapot.source.basis) == ("gateway", "stated")
    assert getattr(contract.requirement("robustness.connection-reuse"), "level", None) is Level.SHOULD
    assert getattr(contract.requirement("robustness.at-once"), "tier", None) is Tier.EXHAUSTIVE
    assert contract.requirement("request.temperature.maximum") is None
    assert "We let it be hotter." in [row.excluded for row in contract.excluded]


def test_a_users_row_may_leave_a_document_out(tmp_path: Path) -> None:
    row = {"id": "error.teapot", "statement": "A teapot says so.", "level": "MUST", "profiles": {"gateway": None}}
    assert own(tmp_path, row).requirement("error.teapot") is None


def test_a_users_row_may_have_a_source_and_a_level_by_profile(tmp_path: Path) -> None:
    source = {"document": "manual", "place": "chapter 2", "basis": "example"}
    row = {"id": "error.teapot", "statement": "A teapot says so.", "source": source, "profiles": {"*": "SHOULD"}}
    found = own(tmp_path, row).requirement("error.teapot")
    assert found is not None
    assert (found.level, found.source.title) == (Level.SHOULD, "Our manual")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"id": "error.teapot", "level": "MUST"}, "no requirement has this id"),
        ({"id": "robustness.at-once", "statement": "Mine.", "level": "MUST"}, "the id is taken"),
        ({"id": "request.model.type", "statement": "Mine.", "level": "MUST"}, "the id is taken"),
        ({"id": "error.teapot", "statement": "Mine."}, "the row has no `level`"),
        ({"id": "access.before-validation", "level": "MUST"}, "the basis `inferred` allows SHOULD at most"),
        ({"id": "error.teapot"}, "less than 2 properties"),
        ({"id": "error.teapot", "statement": "Mine.", "level": "MAY", "when": "tenants"}, "`when` has a meaning in"),
        ({"id": "error.teapot", "statement": "Mine.", "level": "MAY", "why": "For a good reason."}, "shorter than 20"),
        (
            {
                "id": "error.teapot",
                "statement": "Mine.",
                "level": "MUST",
                "source": {"document": "manual", "place": "x", "basis": "inferred"},
            },
            "more than SHOULD",
        ),
    ],
)
def test_a_users_row_that_makes_no_sense_is_refused(tmp_path: Path, row: Any, words: str) -> None:
    with pytest.raises(ContractError) as caught:
        own(tmp_path, row)
    assert words in str(caught.value)
    assert caught.value.path == tmp_path / "rows.yaml"
    assert caught.value.line is not None

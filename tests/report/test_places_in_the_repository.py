"""results.sarif points at files that the user's repository has: a document, conformance.toml, or the workflow."""

from __future__ import annotations

from pathlib import Path

import pytest
from own_documents import own_document, stored
from shipped_contracts import shipped_contract

from conformance.contract import WrittenAt, load_contract
from conformance.running.repository import places_in_repository
from conformance.targets import NamedTarget

WORKFLOW = {
    "GITHUB_WORKFLOW_REF": "we/our-app/.github/workflows/staging.yml@refs/heads/main",
    "GITHUB_REPOSITORY": "we/our-app",
}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, which is the user's repository."""
    (tmp_path / "app").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def target(place: str) -> NamedTarget:
    return NamedTarget("staging", "https://host/v1", "openai", place)


def test_a_shipped_profile_has_no_file_in_the_users_repository(repository: Path) -> None:
    assert places_in_repository(shipped_contract("openai"), None, {})("stream.done-once") is None


def test_a_named_target_stands_for_all_that_it_breaks(repository: Path) -> None:
    places = places_in_repository(shipped_contract("openai"), target("app/conformance.toml:7"), WORKFLOW)
    assert places("stream.done-once") == WrittenAt("app/conformance.toml", 7)


def test_in_github_actions_the_workflow_stands_for_it_otherwise(repository: Path) -> None:
    places = places_in_repository(shipped_contract("openai"), None, WORKFLOW)
    assert places("stream.done-once") == WrittenAt(".github/workflows/staging.yml", 1)


@pytest.mark.parametrize("named", ["../conformance.toml:7", "/etc/conformance.toml:7", "conformance.toml:None"])
def test_a_configuration_outside_of_the_repository_is_no_place(repository: Path, named: str) -> None:
    assert places_in_repository(shipped_contract("openai"), target(named), {})("stream.done-once") is None


def test_paths_begin_at_the_checkout_of_the_job(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository / "app")
    places = places_in_repository(
        shipped_contract("openai"), target("conformance.toml:3"), {"GITHUB_WORKSPACE": str(repository)}
    )
    assert places("stream.done-once") == WrittenAt("app/conformance.toml", 3)


def test_a_keyword_of_the_users_own_document_stands_at_its_line(repository: Path) -> None:
    document = own_document(completion={"type": "object"})
    contract = load_contract(stored(repository / "app", document))
    places = places_in_repository(contract, None, WORKFLOW)
    place = places("request.temperature.maximum")
    assert place is not None
    assert place.file == "app/gateway.yaml"
    assert '"maximum": 2' in (repository / place.file).read_text().splitlines()[place.line - 1]
    assert places("stream.done-once") == WrittenAt(".github/workflows/staging.yml", 1)  # it is ours


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"GITHUB_WORKFLOW_REF": "other/repo/x.yml@main", "GITHUB_REPOSITORY": "we/our-app"},
        {"GITHUB_WORKFLOW_REF": "x"},
    ],
)
def test_a_workflow_of_another_repository_is_no_place(repository: Path, environ: dict[str, str]) -> None:
    assert places_in_repository(shipped_contract("openai"), None, environ)("stream.done-once") is None

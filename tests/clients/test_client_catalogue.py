"""The list of clients: a mistake in it is named with file and line, and every client has what it takes to be run."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.clients.catalogue import read_clients, shipped_clients
from conformance.clients.environments import cache_folder, environment_of
from conformance.contract import ContractError

ROW = """\
clients:
- name: one
  title: One
  language: python
  packages: [one==1.0]
  driver: one.py
  scenarios: [completion, error]
"""


def listed(tmp_path: Path, text: str) -> Path:
    (tmp_path / "one.py").touch()
    path = tmp_path / "clients.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_at_least_twelve_clients_of_both_languages_are_shipped() -> None:
    languages = [one.language for one in shipped_clients()]
    assert len(languages) >= 12
    assert {"python", "node", "program", "browser"} <= set(languages)


def test_an_error_of_every_status_is_one_kind(tmp_path: Path) -> None:
    (one,) = read_clients(listed(tmp_path, ROW))
    assert [one.supports(kind) for kind in ("error-401", "error-429", "stream-error-401", "completion", "stream")] == [
        True,
        True,
        False,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (ROW.replace("one==1.0", "one>=1.0"), 5, "does not match"),
        (ROW.replace("one.py", "two.py"), 6, "has no driver two.py"),
        (ROW + ROW.removeprefix("clients:\n"), 8, "stands twice"),
        (ROW.replace("completion", "compleion"), 7, "compleion"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    with pytest.raises(ContractError, match=words) as caught:
        read_clients(listed(tmp_path, text))
    assert caught.value.line == line


def test_what_is_not_installed_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFORMANCE_CLIENTS_CACHE", str(tmp_path / "cache"))
    (one,) = read_clients(listed(tmp_path, ROW))
    assert environment_of(one) == ("it is not installed; run: chat-conformance clients --install --client one")
    assert cache_folder() == tmp_path / "cache"


def test_a_program_that_is_missing_is_named(tmp_path: Path) -> None:
    text = ROW.replace("language: python", "language: program\n  needs: [no-such-program]")
    (one,) = read_clients(listed(tmp_path, text))
    assert environment_of(one) == "the command no-such-program is not there"

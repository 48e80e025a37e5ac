"""Compiled templates are kept where Python keeps bytecode, if it keeps any; a closed folder changes nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import jinja2
import pytest

from conformance.report.compiled_templates import compiled_templates


def rendered(templates: Path) -> str:
    loader = jinja2.FileSystemLoader(templates)
    return jinja2.Environment(loader=loader, bytecode_cache=compiled_templates(templates)).get_template("a").render()


@pytest.fixture
def templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", None)
    (tmp_path / "a").write_text("{{ 1 + 1 }}", "utf-8")
    return tmp_path


def test_what_was_compiled_is_used_again_until_the_template_changes(
    templates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert rendered(templates) == "2"
    assert list((templates / "__pycache__").glob("*.jinja"))
    with monkeypatch.context() as broken:
        broken.setattr(jinja2.Environment, "_generate", None)  # nothing can be compiled
        assert rendered(templates) == "2"
    (templates / "a").write_text("{{ 1 + 2 }}", "utf-8")
    assert rendered(templates) == "3"


def test_nothing_is_kept_where_python_keeps_no_bytecode(templates: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert rendered(templates) == "2"
    assert [path.name for path in templates.iterdir()] == ["a"]


def test_a_folder_that_cannot_be_written_to_is_passed_over(templates: Path) -> None:
    (templates / "__pycache__").write_text("in the way", "utf-8")
    assert rendered(templates) == "2"

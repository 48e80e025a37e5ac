"""The documents hold: their links resolve, and every path, command, option, requirement and fault they name exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from conformance.cli.main import commands
from conformance.contract import load_contract, read_dialect, shipped_profiles
from conformance.contract.catalogue import read_rows
from conformance.reference.faults import every_fault, read_fault_rows

ROOT = Path(__file__).parents[2]
BESIDE_THE_README = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
DOCUMENTS = tuple(ROOT / name for name in BESIDE_THE_README) + tuple(sorted((ROOT / "docs").glob("*.md")))
MADE_BY_THE_SITE = ("requirements/", "command-line.md", "faults.md", "would-have-caught.md", "faults-and-clients.md")
MADE_UP = {"transport.head-size", "head-line.too-many"}
"""What docs/adding-a-check.md adds, by way of example."""
OF_PYTEST = {"--lf", "--junitxml"}
FOLDERS = ("specs", "conformance", "tests", "benchmarks", "integrations", "docs")

_LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s]*)\)")
_FENCED = re.compile(r"^( *)```.*?^\1```", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_COMMAND = re.compile(r"\bchat-conformance ([a-z]+)\b((?:[^\n#`|&;]|\\\n)*)")
_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
_ID = re.compile(
    r"(?:transport|completion|stream|tools|structured|reasoning|parts|request|error|access|robustness)(?:\.[a-z0-9_-]+)+"
)
_FILE_ENDINGS = (".yaml", ".json", ".py", ".md")


@pytest.fixture(scope="module")
def ids() -> frozenset[str]:
    """Every requirement and fault of the shipped profiles."""
    contracts = [load_contract(name) for name in shipped_profiles()]
    rows = {row.id for contract in contracts for row in (*contract.requirements, *contract.excluded)}
    return frozenset(rows | {fault.id for contract in contracts for fault in every_fault(contract)})


def each_document() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


@each_document()
def test_every_link_leads_somewhere(document: Path) -> None:
    missing = [link for link in _LINK.findall(_without_code(_text(document))) if not _resolves(link, document)]
    assert missing == []


def test_the_page_on_architecture_names_every_folder_of_the_code() -> None:
    page = _text(ROOT / "docs" / "architecture.md")
    folders = [path.parent for path in (ROOT / "conformance").glob("*/*.py")]
    assert [path.name for path in folders if f"`{path.relative_to(ROOT)}/`" not in page] == []


def test_getting_started_names_every_variable_of_the_dialects() -> None:
    page = _text(ROOT / "docs" / "getting-started.md")
    parameters = [one for name in shipped_profiles() for one in read_dialect(name).parameters]
    variables = [one.variable for one in parameters] + [one.second.variable for one in parameters if one.second]
    assert [variable for variable in variables if f"`{variable}`" not in page] == []


def test_the_example_of_a_new_check_is_what_the_loaders_take(tmp_path: Path) -> None:
    page = _text(ROOT / "docs" / "adding-a-check.md")
    row, fault = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "row.yaml").write_text(row, encoding="utf-8")
    (tmp_path / "fault.yaml").write_text(fault, encoding="utf-8")
    (written,) = read_rows(tmp_path / "row.yaml")
    (broken,) = read_fault_rows(tmp_path / "fault.yaml")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert compile(code, "the test", "exec")
    assert {written.id, broken.id} == MADE_UP


@each_document()
def test_every_path_that_is_named_is_there(document: Path) -> None:
    named = [code for code in _CODE.findall(_text(document)) if code.startswith(tuple(f"{name}/" for name in FOLDERS))]
    patterns = [re.sub(r"\b[A-Z]{2,}\b", "*", path).rstrip("/") for path in named]
    assert [path for path in patterns if not list(ROOT.glob(path))] == []


@each_document()
def test_every_command_and_option_that_is_named_is_one(document: Path) -> None:
    unknown = []
    for name, words in _COMMAND.findall("\n".join(_codes(_text(document)))):
        command = commands.commands.get(name)
        known = _options(command) if command else set()
        unknown += [] if command else [name]
        unknown += [f"{name} {option}" for option in _OPTION.findall(words) if option not in known]
    assert unknown == []


@each_document()
def test_every_task_that_is_named_is_one(document: Path) -> None:
    tasks = re.findall(r"@nox\.session\ndef (\w+)", (ROOT / "noxfile.py").read_text(encoding="utf-8"))
    assert [name for name in re.findall(r"nox (?:--no-venv )?-s (\w+)", _text(document)) if name not in tasks] == []


@each_document()
def test_every_option_that_is_named_alone_is_one(document: Path) -> None:
    known = _options(commands)
    alone = [match[0] for code in _CODE.findall(_without_fences(_text(document))) if (match := _OPTION.match(code))]
    assert [option for option in alone if option not in known | OF_PYTEST] == []


@each_document()
def test_every_requirement_and_fault_that_is_named_is_one(document: Path, ids: frozenset[str]) -> None:
    text = _text(document)
    named = [code for code in _CODE.findall(text) if _ID.fullmatch(code) and not code.endswith(_FILE_ENDINGS)]
    named += re.findall(r"--fault '?([a-z0-9.-]+)", text)
    named += [one for one in re.findall(r"^- (?:requirement|id): ([a-z.-]+)", text, re.MULTILINE) if ".own." not in one]
    assert [one for one in named if one not in ids | MADE_UP] == []
    assert not ids & MADE_UP


def _options(command: click.Command) -> set[str]:
    """The options of a command, and of those in it."""
    own = {option for one in command.params for option in one.opts}
    return own.union(*map(_options, command.commands.values())) if isinstance(command, click.Group) else own


def _text(document: Path) -> str:
    return document.read_text(encoding="utf-8")


def _without_fences(text: str) -> str:
    return _FENCED.sub("", text)


def _without_code(text: str) -> str:
    return _CODE.sub("", _without_fences(text))


def _codes(text: str) -> Iterator[str]:
    yield from (fence[0] for fence in _FENCED.finditer(text))
    yield from _CODE.findall(_without_fences(text))


def _resolves(link: str, document: Path) -> bool:
    path, _, anchor = link.partition("#")
    if path.removeprefix("docs/").startswith(MADE_BY_THE_SITE):
        return True
    target = (document.parent / path).resolve() if path else document
    return target.exists() and (not anchor or anchor in _anchors(target))


def _anchors(document: Path) -> Iterator[str]:
    for heading in re.findall(r"^#+ (.+)$", _without_fences(_text(document)), re.MULTILINE):
        yield re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower())

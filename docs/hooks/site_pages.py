"""The events of MkDocs in which the site takes in what is not written by hand, and the pages above this folder."""

from __future__ import annotations

import re
from pathlib import Path

from caught_page import PATH as CAUGHT
from caught_page import caught_page
from client_faults_page import PATH as CLIENT_FAULTS
from client_faults_page import client_faults_page
from command_page import PATH as COMMANDS
from command_page import command_page
from fault_page import PATH as FAULTS
from fault_page import fault_page
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from requirement_pages import FOLDER, navigation, requirement_pages

from conformance.clients.prediction import TABLE as CLIENT_TABLE

_ROOT = Path(__file__).parents[2]
_BESIDE_THE_README = {name: f"{name.lower()}" for name in ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")}
_DRAWING = re.compile(r'<img alt="(?P<alt>[^"]*)" src="(?P<source>[^"]*\.svg)"\s*/?>')


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made from the data, and those that stand beside the README."""
    requirements = requirement_pages()
    pages = {**requirements, COMMANDS: command_page(), FAULTS: fault_page(), CAUGHT: caught_page()}
    if CLIENT_TABLE.is_file():
        pages[CLIENT_FAULTS] = client_faults_page()
    for name, path in _BESIDE_THE_README.items():
        pages[path] = _within_the_site((_ROOT / name).read_text(encoding="utf-8").replace("](docs/", "]("))
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    listed = [*navigation(requirements), {"Faults that break them": FAULTS}]
    listed += [{"Faults and clients": CLIENT_FAULTS}] if CLIENT_FAULTS in pages else []
    config.nav = [_filled_in(entry, listed) for entry in config.nav or []]
    return files


def _filled_in(entry: object, requirements: list[object]) -> object:
    """An entry of the navigation; the one that names the folder of requirements gets their pages."""
    if not isinstance(entry, dict):
        return entry
    return {title: requirements if of == f"{FOLDER}/" else of for title, of in entry.items()}


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead from a page to those beside the README as they stand in the site."""
    return _within_the_site(markdown)


def _within_the_site(markdown: str) -> str:
    for name, path in _BESIDE_THE_README.items():
        markdown = re.sub(rf"\]\((\.\./)?{re.escape(name)}", f"]({path}", markdown)
    return markdown


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Put drawings into the page itself, where they follow its colours."""

    def drawn(image: re.Match[str]) -> str:
        path = Path(config.docs_dir, "images", Path(image["source"]).name)
        drawing = path.read_text(encoding="utf-8").partition("?>")[2] or path.read_text(encoding="utf-8")
        return f'<figure class="drawing">{drawing}</figure>'

    return _DRAWING.sub(drawn, html)

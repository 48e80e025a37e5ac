"""The events of MkDocs in which the site takes in what is not written by hand, and the pages above this folder."""

from __future__ import annotations

import re
from pathlib import Path

from command_page import PATH as COMMANDS
from command_page import command_page
from fault_page import PATH as FAULTS
from fault_page import fault_page
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from requirement_pages import FOLDER, requirement_pages

_ROOT = Path(__file__).parents[2]
_OF_THE_REPOSITORY = {"CONTRIBUTING.md": "contributing.md", "SECURITY.md": "security.md", "CHANGELOG.md": "changelog.md"}
_DRAWING = re.compile(r'<img alt="(?P<alt>[^"]*)" src="(?P<source>[^"]*\.svg)"\s*/?>')


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made from the data, and those that stand beside the README."""
    pages = {**requirement_pages(), COMMANDS: command_page(), FAULTS: fault_page()}
    for name, path in _OF_THE_REPOSITORY.items():
        pages[path] = (_ROOT / name).read_text(encoding="utf-8").replace("](docs/", "](")
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    config.nav = [_with_requirements(entry, pages) for entry in config.nav or []]
    return files


def _with_requirements(entry: object, pages: dict[str, str]) -> object:
    """An entry of the navigation; the one that names the folder of requirements gets all their pages."""
    if not isinstance(entry, dict):
        return entry
    return {title: _requirements(pages) if of == f"{FOLDER}/" else of for title, of in entry.items()}


def _requirements(pages: dict[str, str]) -> list[object]:
    own = [path for path in pages if path.startswith(f"{FOLDER}/")]
    sections = [path for path in own if "." not in Path(path).stem and not _of_keywords(path) and not _is_index(path)]
    return [
        *filter(_is_index, own),
        *(
            {Path(section).stem: [section, *(path for path in own if Path(path).stem.startswith(f"{Path(section).stem}."))]}
            for section in sections
        ),
        {"from schema keywords": [{Path(path).stem.removeprefix("keywords-"): path} for path in own if _of_keywords(path)]},
        {"faults that break them": FAULTS},
    ]


def _is_index(path: str) -> bool:
    return path == f"{FOLDER}/index.md"


def _of_keywords(path: str) -> bool:
    return path.startswith(f"{FOLDER}/keywords-")


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead from a page to those beside the README as they stand in the site."""
    for name, path in _OF_THE_REPOSITORY.items():
        markdown = markdown.replace(f"](../{name}", f"]({path}")
    return markdown


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Put drawings into the page itself, where they follow its colours."""

    def drawn(image: re.Match[str]) -> str:
        path = Path(config.docs_dir, "images", Path(image["source"]).name)
        drawing = path.read_text(encoding="utf-8").partition("?>")[2] or path.read_text(encoding="utf-8")
        return f'<figure class="drawing">{drawing}</figure>'

    return _DRAWING.sub(drawn, html)

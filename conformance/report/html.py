"""What all HTML pages have in common: no network, a content security policy, and text that stays text."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from conformance.contract.model import Basis
from conformance.quoting import visible
from conformance.report.quantities import byte_size, counted, duration
from conformance.suite.outcome import Outcome, Verdict

if TYPE_CHECKING:
    import jinja2

TEMPLATES = Path(__file__).parent / "templates"

GLYPHS = {
    Outcome.FAILED: "✕",
    Outcome.WARNING: "!",
    Outcome.WAIVED: "≈",
    Outcome.BLOCKED: "⊘",
    Outcome.INCONCLUSIVE: "?",
    Outcome.UNTESTED: "○",
    Outcome.SKIPPED: "»",
    Outcome.PASSED: "✓",
}
MEANINGS = {
    Outcome.FAILED: "a MUST is broken",
    Outcome.WARNING: "a SHOULD is broken",
    Outcome.WAIVED: "broken, and a waiver accepts it",
    Outcome.BLOCKED: "cannot be seen while another requirement is broken",
    Outcome.INCONCLUSIVE: "the run could not decide it",
    Outcome.UNTESTED: "nothing was sent that could decide it",
    Outcome.SKIPPED: "does not apply to this target",
    Outcome.PASSED: "kept",
}
VERDICTS = {
    Verdict.CONFORMANT: ("✓", "Conformant"),
    Verdict.NONCONFORMANT: ("✕", "Nonconformant"),
    Verdict.INCONCLUSIVE: ("?", "Inconclusive"),
}
BASES = {
    Basis.STATED: "the document says it",
    Basis.SCHEMA: "the schema in the document says it",
    Basis.REFERENCE: "a standard that the document builds on says it",
    Basis.EXAMPLE: "only an example shows it",
    Basis.INFERRED: "nothing says it, but clients depend on it",
}


_CODE = re.compile(r"`([^`\n]+)`")


def styles(*names: str, own: Path = TEMPLATES) -> str:
    """The style of a page: what all pages share, and its own files after that."""
    return _joined(TEMPLATES / "page.css", *(own / name for name in names))


def scripts(*names: str, own: Path = TEMPLATES) -> str:
    """The script of a page: what all pages share, and its own files after that."""
    return _joined(TEMPLATES / "rows.js", *(own / name for name in names))


def _joined(*paths: Path) -> str:
    return "".join(path.read_text(encoding="utf-8") for path in paths)


def print_footer(words: str) -> str:
    """Style that prints these words at the foot of each page; beside them stands the page's number."""
    # It stands in a style, where nothing is escaped: what is not plain is left out.
    plain = re.sub(r"[^\w .,:+-]", "", words, flags=re.ASCII)
    return f'@page {{ @bottom-left {{ content: "chat-conformance: {plain}"; }} }}\n'


def script_data(value: object) -> object:
    """A JSON value that can stand in a script element: nothing in it can end the element or begin a comment."""
    import markupsafe  # noqa: PLC0415 - costs time, and only the pages need it

    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return markupsafe.Markup(  # noqa: S704 - the characters of markup are escaped here
        text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    )


def prose(text: str) -> object:
    """A sentence as HTML: escaped, and what stands between backticks as code."""
    import markupsafe  # noqa: PLC0415 - as above

    # What is HTML already stays as it is.
    escaped = str(markupsafe.escape(text if isinstance(text, markupsafe.Markup) else visible(text)))
    return markupsafe.Markup(_CODE.sub(r"<code>\1</code>", escaped))  # noqa: S704 - escaped above


_PIECES = 4
_WITHHELD = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Withheld</title>'
    "<h1>This page is withheld</h1><p>A part of it could not be searched for secrets. results.json has the record.</p>"
)
"""What stands in the place of a page of which so much was masked that its parts cannot be told any more."""


def assembled(pieces: Sequence[str], style: str, script: str) -> str:
    """The four pieces of a page with its security policy, style and script between them.

    These three are put in last, so that redaction cannot change them: the policy names their digests.
    """
    if len(pieces) != _PIECES:
        return _WITHHELD
    before_policy, before_style, before_script, rest = pieces
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}';"
        " base-uri 'none'; form-action 'none'"
    )
    return "".join((before_policy, policy, before_style, style, before_script, script, rest))


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def html_environment(templates: Path = TEMPLATES) -> jinja2.Environment:
    """A template environment that escapes every text and makes hidden characters visible."""
    import jinja2  # noqa: PLC0415 - costs 120 ms, and only the page needs it
    import markupsafe  # noqa: PLC0415 - the same

    from conformance.report.compiled_templates import compiled_templates  # noqa: PLC0415 - the same

    def finalize(value: object) -> object:
        # Every text of the page passes here, whatever expression of the template it comes from.
        return visible(value) if isinstance(value, str) and not isinstance(value, markupsafe.Markup) else value

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([templates, TEMPLATES]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=finalize,
        bytecode_cache=compiled_templates(templates),
    )
    environment.filters.update(
        byte_size=byte_size, duration=duration, counted=counted, cut=_cut, prose=prose, web_address=web_address
    )
    return environment


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def web_address(url: str | None) -> str | None:
    """The URL if a reader may safely follow it, else None: a user's own rows may hold any text."""
    try:
        return url if url and urlsplit(url).scheme in {"http", "https"} else None
    except ValueError:
        return None

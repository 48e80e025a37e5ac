"""The page that explains a requirement to whom a finding is shown: its address, and the same as text."""

from __future__ import annotations

from conformance.contract.explanations import Explanation, explanation, shipped_explanations
from conformance.quoting import escape_markdown, visible
from conformance.report.results import RequirementResult
from conformance.shipped import documentation_url, shipped_profiles

_LONGEST = 2000


def help_page(result: RequirementResult, profile: str) -> str | None:
    """The address of a requirement's page in the documentation site, if the site is published and has one."""
    site, path = documentation_url(), help_path(result, profile)
    return None if site is None or path is None else f"{site}/{path}"


def help_path(result: RequirementResult, profile: str) -> str | None:
    """Where the site has the page: one for each row of the catalogue, and one for the keywords of a shipped profile."""
    if result.pointer is not None:
        return f"requirements/keywords-{profile}.html#{result.id}" if profile in shipped_profiles() else None
    return f"requirements/{result.id}.html" if result.id in shipped_explanations() else None


def help_text(result: RequirementResult, profile: str) -> str:
    """What the page says of a requirement, as plain text."""
    said, command = explanation(result.id, result.pointer), _command(result, profile)
    lines = [result.statement, f"Source: {_source(result)}", *(_advice(said) if said else ())]
    return visible("\n".join([*lines, *([f"More: {command}"] if command else [])]))


def help_markdown(result: RequirementResult, profile: str) -> str:
    """The same as Markdown; what an operator's own document says is text in it, and nothing else."""
    said, command = explanation(result.id, result.pointer), _command(result, profile)
    paragraphs = [
        f"**{result.level.value}** {escape_markdown(result.statement, _LONGEST)}",
        f"Source: {escape_markdown(_source(result), _LONGEST)}",
        *(_advice(said) if said else ()),
        *([f"More: `{command}`"] if command else []),
    ]
    return visible("\n\n".join(paragraphs))


def _source(result: RequirementResult) -> str:
    source = result.source
    return f"{source.title or source.document}, {source.place} (basis: {source.basis.value})"


def _advice(said: Explanation) -> tuple[str, str]:
    return f"Why: {said.why}", f"How to fix it: {said.fix}"


def _command(result: RequirementResult, profile: str) -> str | None:
    return f"chat-conformance explain {result.id} {profile}" if profile in shipped_profiles() else None

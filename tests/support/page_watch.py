"""Notes whatever a page should not do: complain, throw, open a dialog, or ask for anything but itself."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Dialog, Page


def watch(page: Page, path: Path) -> list[str]:
    """The problems of a page that is to show a file; the list grows while it is used."""
    problems: list[str] = []
    address = path.as_uri()

    def dismiss(dialog: Dialog) -> None:
        problems.append(f"opened a dialog: {dialog.message}")
        dialog.dismiss()

    def asked(url: str) -> None:
        # Its query and its fragment say what is shown; neither asks for anything else.
        if url.split("#", maxsplit=1)[0].split("?", maxsplit=1)[0] != address:
            problems.append(f"asked for {url}")

    def wrote(kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            problems.append(f"wrote to the console: {text}")

    page.on("console", lambda message: wrote(message.type, message.text))
    page.on("pageerror", lambda error: problems.append(f"threw {error}"))
    page.on("dialog", dismiss)
    page.on("request", lambda request: asked(request.url))
    return problems

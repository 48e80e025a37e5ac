"""Makes the pictures of the report: judges the reference deployment with one fault, and photographs what was found.

    python docs/hooks/report_picture.py

Run it by hand when the report has changed its looks; it needs playwright and an installed Chromium.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

PROFILE, FAULT = "openai", "stream-end.done-missing"
REQUIREMENT = "stream.done-once"
_IMAGES = Path(__file__).parents[1] / "images"
_COMMAND = [sys.executable, "-m", "conformance.cli"]
_WIDTH, _TOP, _FINDING = 1280, 640, 880


def main() -> None:
    """Write docs/images/report.png and finding.png, and print what the console said of the same run."""
    with tempfile.TemporaryDirectory() as folder:
        served = [*_COMMAND, "serve", PROFILE, "--fault", FAULT]
        with subprocess.Popen(served, stdout=subprocess.PIPE, text=True, cwd=folder) as server:
            assert server.stdout is not None
            server.stdout.readline()  # it says where it serves once it does
            run = [*_COMMAND, "run", PROFILE, "--base-url", "http://127.0.0.1:8080/v1", "--out", "run"]
            print(subprocess.run(run, cwd=folder, check=False, capture_output=True, text=True).stdout)
            server.terminate()
        _photograph(Path(folder, "run", "compliance.html"))


def _photograph(page: Path) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, height, place in (("report.png", _TOP, ""), ("finding.png", _FINDING, f"#{REQUIREMENT}")):
            opened = browser.new_page(viewport={"width": _WIDTH, "height": height}, color_scheme="light")
            opened.goto(f"{page.as_uri()}{place}")
            opened.evaluate("document.activeElement.blur()")
            opened.screenshot(path=_IMAGES / name)
            opened.close()
        browser.close()


if __name__ == "__main__":
    main()

"""A target that answers with markup, scripts and terminal codes, and with the key in every encoding, harms nobody."""

from __future__ import annotations

import base64
import html
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from command_line import CANARY, CLI, call, results
from deployments import Answer, http_deployment
from playwright.sync_api import Page, expect

from conformance.evidence import read_evidence

pytestmark = [pytest.mark.browser, pytest.mark.network]

HOSTILE = (
    "</script><script>document.title='owned';alert(1)</script><img src=http://127.0.0.1:9/x onerror=alert(2)>"
    "<svg onload=alert(3)><!-- ]]> '\" {{ 7*7 }} ${7*7} javascript:alert(4) [link](javascript:alert(5)) "
    "\x1b[31mred\x1b[0m\x1b]0;title\x07\x9b31m \u202egnirts\u202c \u2028 \x00 \ufeff"
)


def encodings(key: str) -> dict[str, str]:
    """The key as a target may write it."""
    return {
        "plain": key,
        "upper case": key.upper(),
        "base64": base64.b64encode(key.encode()).decode(),
        "base64, shifted by one": base64.b64encode(f"x{key}".encode()).decode(),
        "base64, shifted by two": base64.b64encode(f"xy{key}".encode()).decode(),
        "hex": key.encode().hex(),
        "reversed": key[::-1],
        "percent": "".join(f"%{ord(char):02X}" for char in key),
        "json": "".join(f"\\u{ord(char):04x}" for char in key),
        "html": "".join(f"&#{ord(char)};" for char in key),
    }


def hostile_answer(headers: dict[str, str], body: bytes) -> Answer:
    echoes = " ".join(encodings(CANARY).values())
    text = f"{HOSTILE} {echoes} {headers.get('Authorization', '')}"
    fields = {
        "X-Note": text.encode("ascii", "ignore").decode().replace("\x00", "").replace("\r", ""),
        "X-Key": CANARY,
        "Set-Cookie": f"key={quote(CANARY)}",
    }
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        asked = None
    if not isinstance(asked, dict) or not isinstance(asked.get("messages"), list) or len(body) > 20_000:
        return 400, {**fields, "Content-Type": "text/html"}, f"<h1>{text}</h1><!-- {html.escape(text)}".encode()
    if asked.get("stream") is True:
        pieces = [text, *CANARY, CANARY[: len(CANARY) // 2], CANARY[len(CANARY) // 2 :]]
        events = "".join(f"data: {json.dumps(chunk(piece))}\n\n" for piece in pieces)
        stream = f": {echoes}\nevent: {text.splitlines()[0]}\nid: {CANARY}\n{events}data: [DONE]\n\n"
        return 200, {**fields, "Content-Type": "text/event-stream"}, stream.encode()
    return 200, {**fields, "Content-Type": "application/json"}, json.dumps(completion(text)).encode()


def chunk(piece: str) -> dict[str, Any]:
    delta = {"role": HOSTILE, "content": piece}
    return {"id": HOSTILE, "object": HOSTILE, "choices": [{"index": 0, "delta": delta, "finish_reason": HOSTILE}]}


def completion(text: str) -> dict[str, Any]:
    message = {"role": text, "content": text, text: text}
    return {"id": text, "object": text, "model": text, "choices": [{"index": 0, "message": message}], text: text}


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The directory and the bundle of a run of the hostile target."""
    folder = tmp_path_factory.mktemp("hostile")
    with http_deployment(hostile_answer) as address:
        # In a process of its own: the browser's driver has an event loop in this one.
        arguments = ("--base-url", f"{address}/{CANARY}/v1", "--out", "out", "--bundle", "run.zip")
        run = call((*CLI, "run", "openai", *arguments), folder, CONFORMANCE_API_KEY=CANARY, CONFORMANCE_MODEL="m")
    assert run.returncode == 1, run.stderr
    for form in encodings(CANARY).values():
        assert form not in run.stdout + run.stderr
    assert sum(row["outcome"] == "failed" for row in results(folder / "out")["requirements"]) > 20
    return folder / "out", folder / "run.zip"


def all_bytes(out: Path, bundle: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(out.rglob("*")):
        if path.is_file():
            yield path.name, path.read_bytes()
    yield bundle.name, bundle.read_bytes()
    with zipfile.ZipFile(bundle) as archive:
        for name in archive.namelist():
            yield f"{bundle.name}: {name}", archive.read(name)


def test_the_key_is_in_no_byte_of_any_file(judged: tuple[Path, Path]) -> None:
    seen = 0
    for name, content in all_bytes(*judged):
        seen += 1
        folded = content.lower()
        for encoding, text in encodings(CANARY).items():
            core = text[4:-4] if encoding.startswith("base64") else text
            assert core.lower().encode() not in folded, f"{name} has the key: {encoding}"
    assert seen >= 20


def test_the_key_is_not_in_the_joined_pieces_of_a_stream(judged: tuple[Path, Path]) -> None:
    har = json.loads((judged[0] / "exchanges.har").read_text(encoding="utf-8"))
    streams = [entry for entry in har["log"]["entries"] if "_events" in entry]
    assert streams
    for entry in streams:
        lines = entry["response"]["content"].get("text", "").splitlines()
        chunks = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
        assert CANARY not in "".join(one["choices"][0]["delta"]["content"] for one in chunks)


def test_the_target_did_tell_the_key_in_every_encoding(judged: tuple[Path, Path]) -> None:
    exchanges = read_evidence(judged[0] / "evidence").exchanges
    forms = {redaction.form for exchange in exchanges for redaction in exchange.redactions}
    assert forms >= {
        *("plain", "case-changed", "base64", "hex", "reversed", "url-encoded", "json-escaped", "html-escaped"),
        "spread over events",
    }, forms


@pytest.mark.parametrize("name", ["results.json", "ctrf.json", "results.sarif", "exchanges.har", "junit.xml"])
def test_no_file_for_programs_has_a_character_that_acts(judged: tuple[Path, Path], name: str) -> None:
    text = (judged[0] / name).read_text(encoding="utf-8")
    assert not any(char in text for char in "\x00\x1b\x07\x9b\u202e\u2028\ufeff")


def test_the_page_runs_nothing(judged: tuple[Path, Path], open_page: Callable[..., Page]) -> None:
    page = open_page(judged[0] / "compliance.html")
    for row in page.locator(".requirement[data-outcome=failed]").all()[:40]:
        row.locator("> summary").click()
        expect(row).to_have_attribute("open", "")
    for exchange in page.locator(".exchange").all()[:40]:
        exchange.locator("> summary").click()
    expect(page.locator(".exchange pre")).not_to_have_count(0)
    assert "owned" not in page.title()
    assert page.locator("img, iframe, object, embed, svg[onload]").count() == 0
    assert page.locator("script:not([type='application/json'])").count() == 1


def test_the_run_log_runs_nothing(judged: tuple[Path, Path], open_page: Callable[..., Page]) -> None:
    page = open_page(judged[0] / "run-log.html")
    expect(page.locator(".requirement[data-outcome=failed]")).not_to_have_count(0)
    for row in page.locator(".requirement[data-outcome=failed]").all()[:20]:
        row.locator("> summary").click()
    assert "owned" not in page.title()
    assert page.locator("img, iframe, object, embed, svg[onload]").count() == 0
    assert page.locator("script").count() == 1


def test_the_badge_is_shown_as_an_image(judged: tuple[Path, Path], open_page: Callable[..., Page]) -> None:
    page = open_page(judged[0] / "badge.svg")
    assert page.evaluate("document.documentElement.getAttribute('aria-label')").startswith("openai, standard tier: ")


def test_the_bundle_holds(judged: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    from conformance.commands.verify import verify_bundle  # noqa: PLC0415 - loads the suite

    status = verify_bundle(judged[1], None)
    printed = capsys.readouterr().out
    assert status == 0, printed
    assert "Nonconformant: openai, standard tier." in printed

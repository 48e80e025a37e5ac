"""`registry build`: what the site says, what a further build costs, and that nothing hostile stops it."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag
from xml.etree import ElementTree

import jsonschema
import pytest
from bombs import with_member
from certification import make_keys
from registries import Bundles, Folder
from repacked_bundles import EVIDENCE, careless, contents, packed

from conformance.bundle import MANIFEST, STATEMENT, fingerprint, manifest_text, public_key, signing_key, statement_text
from conformance.certificates import Issuer, new_revocation, read_certificate, write_revocation
from conformance.registry import judging
from conformance.report import read_results
from conformance.report.record import results_text
from conformance.shipped import specs_directory
from conformance.suite.outcome import BROKEN, Outcome, Verdict

pytestmark = pytest.mark.network

NOW = datetime.now(UTC)
MARKUP = "<img src=x onerror=alert(1)>"
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def filled(folder: Folder, bundles: Bundles) -> Folder:
    """Acme keeps its contract in one version and breaks it in the next; Birch keeps only an older release."""
    folder.put(bundles.good, "Acme AI", "Chat", "1.0", "run.zip")
    folder.put(bundles.bad, "Acme AI", "Chat", "1.1", "run.zip")
    folder.put(bundles.outdated, "Birch", "7", "run.bundle")
    return folder


def record(folder: Folder) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((folder.site / "registry.json").read_text(encoding="utf-8"))
    return read


# --- what it says --------------------------------------------------------------------------------------------------


def test_the_first_page_says_who_passes_what_since_when_and_what_is_broken(filled: Folder) -> None:
    status, said = filled.build()
    assert status == 0, said
    assert "3 bundles, 3 judged, 0 kept; 0 files not taken" in said
    page = filled.page()
    assert "0 of 2 keep their contract in the newest version." in page
    day = NOW.date().isoformat()
    broken = r"2 MUST access\.key-required , access\.key-checked"
    assert re.search(rf"Acme AI Chat # openai 1\.1 ✕ nonconformant smoke tier since {day} {broken}", page)
    assert re.search(r"Birch # openai 7 ✕ nonconformant", page)
    assert "1 earlier version" in page


def test_a_verdict_that_changed_is_explained_by_the_document_or_the_deployment(filled: Folder) -> None:
    filled.build()
    by_vendor = {one["vendor"]: one for one in record(filled)["changes"]}
    assert by_vendor["Birch"]["causes"] == ["document"]
    assert by_vendor["Birch"]["earlier"] is None
    assert by_vendor["Acme AI"]["causes"] == ["deployment"]
    page = filled.page("changes.html")
    assert "✓ conformant → , now ✕ nonconformant document The same run: recorded by release 2026.11.0" in page
    assert "The same run: recorded by release 2026.11.0 (the same program), judged again by release 2026.11.1." in page
    row = "error.success-is-no-error failed in both ; document : release 2026.11.1 has it"
    assert f"{row}, and what the run was scored by did not" in page
    assert "1.0 before, 1.1 now; both judged by release 2026.11.1 and this program." in page
    assert "deployment : the answers are other ones" in page


def test_a_page_for_each_vendor_requirement_and_run(filled: Folder, bundles: Bundles) -> None:
    filled.build()
    pages = filled.pages()
    assert {
        "vendors/acme-ai.html",
        "vendors/birch.html",
        "requirements/openai/access.key-required.html",
    } <= pages.keys()
    assert sum(name.startswith("runs/") for name in pages) == 3
    requirement = filled.page("requirements/openai/access.key-required.html")
    assert "Broken in the newest version by 1 of 2 whose run has it." in requirement
    assert f"Acme AI Chat 1.1 ✕ failed {NOW.date()}" in requirement


class Links(HTMLParser):
    """The ids and the links of a page, and whatever it would load."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag in {"a", "link"} and found.get("href"):
            self.links.append(str(found["href"]))
        self.loads += [value for name, value in attrs if name in {"src", "srcset", "action"} and value]


def test_every_link_of_every_page_leads_somewhere_and_nothing_is_loaded(filled: Folder) -> None:
    keys = make_keys(filled.root.parent, "issuer")
    filled.certify(keys, filled.root / "Acme AI" / "Chat" / "1.0" / "run.zip", NOW - timedelta(days=1))
    filled.build()
    read: dict[Path, Links] = {}
    for name, html in filled.pages().items():
        read[(filled.site / name).resolve()] = links = Links()
        links.feed(html)
        assert links.loads == [], name
        assert len(set(links.ids)) == len(links.ids), name
    for path, links in read.items():
        for link in links.links:
            if link.startswith(("https:", "http:")):
                continue
            place, fragment = urldefrag(link)
            target = (path.parent / place).resolve() if place else path
            assert target.is_file(), f"{path}: {link}"
            assert not fragment or fragment in read[target].ids, f"{path}: {link}"


def test_the_record_keeps_its_schema(filled: Folder) -> None:
    filled.put(filled.root / "Birch" / "7" / "run.bundle", "loose.zip")
    filled.certify(make_keys(filled.root.parent, "issuer"), filled.root / "Birch" / "7" / "run.bundle", NOW)
    filled.build()
    schema = json.loads((specs_directory() / "registry.schema.json").read_text(encoding="utf-8"))
    made = record(filled)
    jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(made)
    assert made["certificates"]
    assert made["refused"]


def test_the_feed_tells_of_runs_changes_and_certificates_and_keeps_their_ids(filled: Folder) -> None:
    (filled.root / "registry.yaml").write_text("format: 1\ntitle: The & list\nurl: https://list.example/\n")
    filled.certify(make_keys(filled.root.parent, "issuer"), filled.root / "Birch" / "7" / "run.bundle", NOW)
    filled.build()
    before = entries(filled)
    filled.build()
    assert entries(filled) == before
    assert len(before) == 6
    assert any(title == "Birch 7: nonconformant, conformant before (document)" for _, title, _ in before)
    assert all(link.startswith("https://list.example/") for *_, link in before)


def entries(folder: Folder) -> list[tuple[str, str, str]]:
    feed = ElementTree.fromstring((folder.site / "changes.atom").read_text(encoding="utf-8"))
    assert feed.findtext(f"{ATOM}title") == "The & list"
    return [
        (
            one.findtext(f"{ATOM}id") or "",
            one.findtext(f"{ATOM}title") or "",
            one.find(f"{ATOM}link").attrib["href"],  # type: ignore[union-attr]
        )
        for one in feed.iter(f"{ATOM}entry")
    ]


def test_settings_that_cannot_be_used_are_named_with_their_line(filled: Folder) -> None:
    (filled.root / "registry.yaml").write_text("format: 1\ntitel: A list\n")
    status, said = filled.build()
    assert status == 2
    assert "registry.yaml:1: Additional properties are not allowed ('titel' was unexpected)" in said


# --- what it costs -------------------------------------------------------------------------------------------------


def test_one_bundle_added_costs_one_bundle(filled: Folder, bundles: Bundles, judged: list[Path]) -> None:
    last = filled.root / "Birch" / "7" / "run.bundle"
    last.rename(filled.root.parent / "later")
    filled.build()
    assert len(judged) == 2
    judged.clear()
    filled.put(bundles.outdated, "Birch", "7", "run.bundle")
    status, said = filled.build()
    assert status == 0
    assert "3 bundles, 1 judged, 2 kept" in said
    assert judged == [last]
    assert "3 bundles, 1 judged, 2 kept" in filled.page()


def test_another_program_judges_all_anew(filled: Folder, judged: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    filled.build()
    monkeypatch.setattr("conformance.registry.cache.program_digest", lambda: "0" * 64)
    judged.clear()
    filled.build()
    assert len(judged) == 3


def test_what_is_kept_and_broken_is_judged_again(filled: Folder) -> None:
    filled.build()
    for path in filled.site.with_name("site.cache").glob("*.json"):
        path.write_text(path.read_text(encoding="utf-8")[:-9], encoding="utf-8")
    assert "3 bundles, 3 judged, 0 kept" in filled.build()[1]


def test_a_build_that_was_stopped_goes_on(filled: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    whole: Callable[..., object] = vars(judging)["reexamined"]
    asked: list[Path] = []

    def stopped(path: Path, *given: object) -> object:
        asked.append(path)
        if len(asked) > 2:
            raise KeyboardInterrupt
        return whole(path, *given)

    monkeypatch.setattr(judging, "reexamined", stopped)
    status, said = filled.build("--workers", 1)
    assert status == 3
    assert "stopped; 1 bundles are left" in said
    monkeypatch.setattr(judging, "reexamined", whole)
    assert "3 bundles, 1 judged, 2 kept" in filled.build()[1]


def test_what_an_earlier_build_left_is_removed_and_nothing_else(filled: Folder) -> None:
    filled.build()
    (filled.site / "CNAME").write_text("list.example")
    gone = filled.root / "Birch" / "7" / "run.bundle"
    gone.unlink()
    filled.build()
    assert not (filled.site / "vendors" / "birch.html").exists()
    assert (filled.site / "CNAME").exists()


def test_a_folder_with_files_of_others_is_refused(filled: Folder) -> None:
    filled.site.mkdir()
    (filled.site / "thesis.txt").write_text("of somebody")
    status, said = filled.build()
    assert status == 2
    assert "holds files that no registry wrote" in said


@pytest.mark.process
def test_the_real_thing_judges_in_confinement(folder: Folder, bundles: Bundles) -> None:
    folder.put(bundles.outdated, "Birch", "7", "run.zip")
    (folder.root / "Birch" / "8.zip").write_bytes(b"PK nothing")
    status, said = folder.build("--workers", 2, "--strict")
    assert status == 1, said
    assert "Not taken: Birch/8.zip: the archive is broken" in said
    assert "1 nonconformant; 1 change of a verdict explained" in said


# --- what is hostile -----------------------------------------------------------------------------------------------


def test_hostile_bundles_stop_nothing_and_are_named(filled: Folder, bundles: Bundles, tmp_path: Path) -> None:
    evil = filled.root / "Evil" / "1"
    evil.mkdir(parents=True)
    packed({"../../../escaped.txt": b"x"}, evil / "path.zip")
    with zipfile.ZipFile(evil / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("statement.json", bytes(8 * 1024 * 1024))
    with_member("contract/requirements.json", b'{"a":' * 200_000 + b"1" + b"}" * 200_000)(
        bundles.good, evil / "deep.zip"
    )
    careless(bundles.good, evil / "changed.zip", "results.json", lambda old: old.replace(b"smoke", b"smokE"))
    (evil / "empty.zip").write_bytes(b"")
    (evil / f"{MARKUP.replace('/', '')}.zip").write_bytes(b"no archive")
    (evil / "link.zip").symlink_to("/etc/passwd")
    (evil / ("n" * 240 + ".zip")).write_bytes(b"no archive")
    filled.put(bundles.bad, "Evil", "2", "copy.zip")
    status, said = filled.build()
    assert status == 0, said
    page = filled.page("refused.html")
    for name in ("path", "bomb", "deep", "changed", "empty", "link"):
        assert f"Not taken: Evil/1/{name}.zip: " in said
        assert f"Evil/1/{name}.zip" in page
    assert f"Evil/1/{MARKUP}.zip" in page
    assert "Evil/2/copy.zip it is the same bundle as Acme AI/Chat/1.1/run.zip." in page
    assert "has a name that is not allowed in a bundle; nothing was unpacked" in page
    assert not [*tmp_path.rglob("escaped.txt")]
    assert "2 products in the newest version" in said


def test_names_stay_text_on_every_page_and_in_every_address(folder: Folder, bundles: Bundles) -> None:
    name = "<img src=x onerror=alert(1)> \u202eevil"
    folder.put(bundles.bad, name, "<script>alert(1)<", "'\"><b>", f"{'x' * 90}.zip")
    status, said = folder.build()
    assert status == 0, said
    for place, html in folder.pages().items():
        assert "<img" not in html, place
        assert "<script>alert" not in html, place
        assert "<b>" not in html, place
        assert "\u202e" not in html, place
        assert re.fullmatch(r"[a-z0-9./-]+", place, re.IGNORECASE), place
    assert "\u202e" not in (folder.site / "changes.atom").read_text(encoding="utf-8")
    assert name.partition(" ")[0] in folder.page()


def test_a_vendor_with_a_key_has_its_bundles_signed_by_it(folder: Folder, bundles: Bundles) -> None:
    folder.put(bundles.good, "Acme", "1", "run.zip")
    keys = make_keys(folder.root.parent, "vendor")
    (folder.root / "Acme" / "vendor.pub.pem").write_bytes(keys.public.read_bytes())
    _, said = folder.build()
    assert "Not taken: Acme/1/run.zip: it is not signed, and its vendor's bundles have to be." in said


def test_what_another_version_recorded_is_its_word_and_changes_are_the_suite_s(
    folder: Folder, bundles: Bundles, tmp_path: Path
) -> None:
    folder.put(of_another_version(bundles.bad, tmp_path), "Acme", "1", "run.zip")
    status, said = folder.build()
    assert status == 0, said
    (change,) = record(folder)["changes"]
    assert (change["before"], change["after"], change["causes"]) == ("conformant", "nonconformant", ["suite"])
    (run,) = [name for name in folder.pages() if name.startswith("runs/")]
    assert "made by chat-conformance 0.0.9, so that what it recorded is its own word" in folder.page(run)


def of_another_version(bundle: Path, folder: Path) -> Path:
    """The bundle as an older program could have made it, which did not see what is broken."""
    files = {name: one for name, one in contents(bundle).items() if name not in {MANIFEST, STATEMENT}}
    (folder / "results.json").write_bytes(files["results.json"])
    results = read_results(folder / "results.json")
    rows = tuple(
        replace(row, outcome=Outcome.PASSED, findings=(), messages=(), blocked_by=None, leniency=False)
        if row.outcome in {*BROKEN, Outcome.BLOCKED}
        else row
        for row in results.requirements
    )
    older = replace(
        results, suite_version="0.0.9", verdict=Verdict.CONFORMANT, reasons=("All pass.",), requirements=rows, gate=None
    )
    lines = [json.loads(line) for line in files[EVIDENCE].splitlines()]
    lines[0]["suite"]["version"] = "0.0.9"
    files[EVIDENCE] = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    files["results.json"] = results_text(older).encode()
    manifest = manifest_text("0.0.9", files)
    texts = {MANIFEST: manifest, STATEMENT: statement_text(older, manifest)}
    return packed({**files, **{name: text.encode() for name, text in texts.items()}}, folder / "older.zip")


# --- certificates --------------------------------------------------------------------------------------------------


def test_a_badge_ends_with_its_certificate(filled: Folder) -> None:
    keys = make_keys(filled.root.parent, "issuer")
    bundle = filled.root / "Acme AI" / "Chat" / "1.0" / "run.zip"
    made = filled.certify(keys, bundle, NOW - timedelta(days=1))
    filled.build()
    assert badge(filled) == f"until {made.last_day}"
    assert f"certified until {made.last_day}" in filled.page()
    (filled.root / "certificates" / made.id / "certificate.json").unlink()
    over = filled.certify(keys, bundle, NOW - timedelta(days=10), days=9)
    filled.build()
    assert badge(filled) == f"expired {over.last_day}"
    assert not (filled.site / "certificates" / made.id).exists()


def test_a_revocation_counts(filled: Folder) -> None:
    keys = make_keys(filled.root.parent, "issuer")
    made = filled.certify(keys, filled.root / "Acme AI" / "Chat" / "1.0" / "run.zip", NOW - timedelta(days=1))
    path = filled.root / "certificates" / made.id / "certificate.json"
    issuer = Issuer("The programme", fingerprint(public_key(keys.public)))
    revoked = new_revocation(made.id, read_certificate(path).sha256, issuer, "It broke its streams.", NOW)
    write_revocation(revoked, signing_key(keys.private), filled.root / "revocations" / "revocation-1.json")
    filled.build()
    assert badge(filled) == f"revoked {NOW.date()}"
    assert "because: It broke its streams." in filled.page("certificates.html")


def test_a_certificate_of_nobody_known_is_named(filled: Folder) -> None:
    keys, other = make_keys(filled.root.parent, "issuer"), make_keys(filled.root.parent, "other")
    filled.certify(keys, filled.root / "Birch" / "7" / "run.bundle", NOW)
    (filled.root / "issuers" / "programme.pem").write_bytes(other.public.read_bytes())
    _, said = filled.build()
    assert "is not signed by the given key" in said
    assert "There is no certificate yet." in filled.page("certificates.html")


def badge(folder: Folder) -> str:
    path = folder.site / "badges" / "acme-ai" / "chat-openai.json"
    message: str = json.loads(path.read_text(encoding="utf-8"))["message"]
    assert message in path.with_suffix(".svg").read_text(encoding="utf-8")
    return message

"""Writes the site of a registry: pages, record, feed, certificates and badges; removes what is left of others."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from conformance.certificates.badge import badge_files
from conformance.certificates.page import certificate_page
from conformance.registry.feed import atom_feed
from conformance.registry.pages import Pages
from conformance.registry.places import FEED, RECORD, Places
from conformance.registry.record import registry_json
from conformance.registry.registry import Registry
from conformance.report.files import write_atomically

_LIST: Final = ".registry-files"
"""The names of what a build wrote, so that the next one can tell its own files from others."""


class SiteError(Exception):
    """A folder cannot take the site. The message is one sentence that says what to do."""


def check_folder(out: Path) -> None:
    """Check that a folder is empty, or holds a site of an earlier build.

    Raises:
        SiteError: it holds something else.
    """
    if out.exists() and not out.is_dir():
        raise SiteError(f"--out {out} is a file; name a folder.")
    if out.is_dir() and any(out.iterdir()) and not (out / _LIST).is_file():
        raise SiteError(f"--out {out} holds files that no registry wrote; name another folder.")


def write_site(registry: Registry, out: Path, cost: str) -> int:
    """Write the site; gives the number of its files. `cost` says how much was judged anew.

    Raises:
        FeedError: the package that the feed takes is missing.
        OSError: a file cannot be written.
    """
    check_folder(out)
    before = _listed(out)
    files = dict(_files(registry, cost))
    write_atomically(out / _LIST, "".join(f"{name}\n" for name in sorted({*before, *files})))
    for name, text in files.items():
        path = out / name
        if not _is_same(path, text):
            write_atomically(path, text)
    for name in before - files.keys():
        _remove(out, name)
    write_atomically(out / _LIST, "".join(f"{name}\n" for name in sorted(files)))
    return len(files)


def _files(registry: Registry, cost: str) -> Iterator[tuple[str, str]]:
    places = Places.of(registry)
    yield from Pages(registry, cost).all()
    yield RECORD, registry_json(registry)
    yield FEED, atom_feed(registry)
    yield ".nojekyll", ""
    for one in registry.certificates:
        folder = places.certificate(one)
        yield f"{folder}/certificate.html", certificate_page(one.stands, one.signed.sha256)
        yield f"{folder}/certificate.json", one.path.read_text(encoding="utf-8")
        for name, text in badge_files(one.stands, registry.made).items():
            yield f"{folder}/{name}", text
    for subject in registry.subjects:
        held = registry.certificate_of(subject)
        if held is not None:
            for name, text in badge_files(held.stands, registry.made).items():
                yield places.badge(subject) + name.removeprefix("badge"), text


def _listed(out: Path) -> set[str]:
    """What an earlier build wrote; only names that cannot lead out of the folder."""
    try:
        names = (out / _LIST).read_text(encoding="utf-8").splitlines()
    except OSError:
        return set()
    return {name for name in names if name and not Path(name).is_absolute() and ".." not in Path(name).parts}


def _is_same(path: Path, text: str) -> bool:
    try:
        return not path.is_symlink() and path.read_bytes() == text.encode()
    except OSError:
        return False


def _remove(out: Path, name: str) -> None:
    path = out / name
    with contextlib.suppress(OSError):
        path.unlink()
        path.parent.rmdir()  # where nothing else is in it

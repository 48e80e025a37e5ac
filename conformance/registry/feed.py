"""Makes the Atom feed of a registry: new runs, verdicts that changed, and certificates."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from conformance.quoting import visible
from conformance.registry.changes import MEANINGS, VerdictChange
from conformance.registry.places import FEED, Places
from conformance.registry.registry import Registry

if TYPE_CHECKING:
    from feedgenerator import Atom1Feed

_MOST_ENTRIES: Final = 100
_MOST_ROWS: Final = 10
_NOWHERE: Final = "urn:chat-conformance:registry"
"""What the feed is called as long as nobody says where it is published."""


class FeedError(Exception):
    """The feed cannot be made. The message is one sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """Something that happened; `place` is a page of the site."""

    id: str
    at: datetime
    title: str
    words: str
    place: str


def atom_feed(registry: Registry) -> str:
    """The feed as XML text; each entry keeps its id and its moment from one build to the next.

    Raises:
        FeedError: the package that it takes is missing.
    """
    feed = _empty(registry)
    url = registry.settings.url or ""
    entries = sorted(_entries(registry), key=lambda one: (one.at, one.id), reverse=True)
    for one in entries[:_MOST_ENTRIES]:
        feed.add_item(
            title=visible(one.title),
            link=url + one.place,
            # A summary is HTML, so that words are written as such.
            description=html.escape(visible(one.words)),
            pubdate=one.at.astimezone(UTC),
            updateddate=one.at.astimezone(UTC),
            unique_id=one.id,
        )
    return str(feed.writeString("utf-8"))


def _empty(registry: Registry) -> Atom1Feed:
    try:
        from feedgenerator import Atom1Feed  # noqa: PLC0415 - of an extra
    except ImportError as error:
        raise FeedError(
            "the feed of a registry needs a further package; install it with: pip install 'chat-conformance[registry]'."
        ) from error
    settings = registry.settings
    return Atom1Feed(
        title=visible(settings.title),
        link=settings.url or "index.html",
        description=visible(settings.about or "Who keeps the contract of chat completions, and what changed."),
        language="en",
        author_name=visible(settings.title),
        feed_url=None if settings.url is None else settings.url + FEED,
        feed_guid=settings.url or _NOWHERE,
    )


def _entries(registry: Registry) -> Iterator[_Entry]:
    places = Places.of(registry)
    for change in registry.changes:
        kind = "anew" if change.earlier is None else "run"
        yield _Entry(
            f"urn:chat-conformance:change:{change.run.sha256}:{kind}:{change.before.value}:{change.after.value}",
            change.at,
            f"{change.subject.title} {change.run.file.version}: {change.after.value}, {change.before.value} before"
            f" ({', '.join(change.causes)})",
            _words(change),
            places.run(change.run),
        )
    for subject in registry.subjects:
        for run in subject.runs:
            yield _Entry(
                f"urn:chat-conformance:run:{run.sha256}",
                run.started_at,
                f"{subject.title} {run.file.version}: {run.verdict.value}",
                f"A run of {run.newest.about}. {' '.join(run.newest.reasons)}",
                places.run(run),
            )
    for one in registry.certificates:
        certificate, revocation = one.certificate, one.stands.revocation
        place = f"{places.certificate(one)}/certificate.html"
        about = f"{certificate.subject.title}, {certificate.scope.about}"
        of = f"urn:chat-conformance:certificate:{certificate.id}"
        words = f"Issued by {certificate.issuer.name}, until {certificate.last_day}."
        yield _Entry(f"{of}:issued", certificate.issued_at, f"Certified: {about}", words, place)
        if revocation is not None:
            yield _Entry(f"{of}:revoked", revocation.revoked_at, f"Revoked: {about}", revocation.reason, place)
        elif certificate.expires_at <= registry.made:
            yield _Entry(f"{of}:expired", certificate.expires_at, f"Expired: {about}", words, place)


def _words(change: VerdictChange) -> str:
    causes = "; ".join(f"{cause.value}: {MEANINGS[cause]}" for cause in change.causes)
    rows = "; ".join(f"{row.requirement}: {row.why} ({row.cause.value})" for row in change.rows[:_MOST_ROWS])
    left = len(change.rows) - _MOST_ROWS
    more = f"; and {left} more" if left > 0 else ""
    return f"{change.before.value} before, {change.after.value} now: {change.under}. {causes}. {rows}{more}"

"""Takes secrets out of what is kept: finds them by their value in whatever a reader could see, and moves no byte."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from conformance.evidence.charsets import decoded_text
from conformance.evidence.content_coding import Decoded, decode, form_of_clear, form_of_withheld
from conformance.evidence.joinings import joined, joined_fields
from conformance.evidence.json_shapes import Shapes
from conformance.evidence.masking import Named, masked
from conformance.evidence.search import Found, Search, TooMuchWorkError
from conformance.evidence.secret_pieces import CHANCE, MASKED, NEARLY, SHORTEST_ANYWHERE, VARIED
from conformance.evidence.text_fields import TextFields
from conformance.evidence.views import View, together, view_of
from conformance.targets.keys import SHORTEST_VARIED, changed_key, cut_key, extended_key, varied_keys
from conformance.wire.exchange import UNSEARCHED, Answer, Ending, Exchange, Headers, Read, Redaction, SentRequest

__all__ = ["CHANCE", "CREDENTIAL_HEADERS", "MASKED", "NEARLY", "UNKNOWN_CREDENTIAL", "VARIED", "Redactor"]

CREDENTIAL_HEADERS = ("Authorization", "Proxy-Authorization", "X-API-Key", "Api-Key")
"""Request headers whose value is a credential, whatever it is."""

UNKNOWN_CREDENTIAL = "credential"
"""The name of a credential that is not one of the target's secrets, such as a wrong key."""

_SCHEME = re.compile(r"(?:[A-Za-z][A-Za-z0-9-]* +)?(?P<key>.*)", re.DOTALL)
_SCHEMES_ALONE = {"bearer", "basic", "digest", "token"}
_VALUES, _NAMES = "values of header fields", "names of header fields"
_CredentialField = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Searched:
    """What is kept of a body, and the name and form of each secret that was taken out."""

    kept: bytes
    named: tuple[tuple[str, str], ...] = ()
    is_decoded: bool = False
    """Whether it is kept without its coding."""


class Redactor:
    """Replaces secrets by asterisks of the same length, so that offsets, reads and lengths stay true."""

    def __init__(self, secrets: Mapping[str, str], credential_headers: Iterable[str] = CREDENTIAL_HEADERS) -> None:
        """`secrets` maps names that may be shown to values; the values of `credential_headers` are always redacted."""
        self._secrets = {name: secret for name, secret in secrets.items() if secret}
        self._search = Search(self._secrets)
        self._credential_headers = {name.lower() for name in (*CREDENTIAL_HEADERS, *credential_headers)}
        self._names_before: tuple[tuple[str, ...], list[str]] = ((), [])
        """The names of the header fields of the answer before, and how they are shown."""
        self._shapes = Shapes()
        self._without_secrets: dict[tuple[object, ...], None] = {}
        """Short bodies that were searched, with what says how they are read: many refusals are the same."""
        self._found_before: dict[tuple[object, ...], _Searched] = {}
        """The same for bodies that have secrets: what echoes a key mostly does so in one way."""

    @property
    def short_secrets(self) -> tuple[str, ...]:
        """The names of the secrets that are too short to be found within other text."""
        return tuple(name for name, secret in self._secrets.items() if len(secret) < SHORTEST_ANYWHERE)

    @property
    def work(self) -> int:
        """Bytes that were looked at so far, in all views; for tests of what hostile bodies cost."""
        return self._search.work

    def data(self, data: bytes) -> tuple[bytes, tuple[tuple[str, str], ...]]:
        """The data without secrets, and the name and form of each that was taken out."""
        named: Named = []
        cleaned = self._cleaned(data, (view_of(data),), named)
        return cleaned, tuple(dict.fromkeys(named))

    def text(self, text: str) -> str:
        """The text without secrets; for messages, reports and logs."""
        return self.data(text.encode("utf-8", "surrogatepass"))[0].decode("utf-8", "surrogatepass")

    def report(self, text: str) -> str:
        """A report without secrets. It is made of what was redacted, so that less is looked for."""
        data = text.encode("utf-8", "surrogatepass")
        return self._cleaned(data, (replace(view_of(data), is_report=True),), []).decode("utf-8", "surrogatepass")

    def value(self, value: Any) -> Any:
        """A JSON value of this program with every string redacted, names of members included."""
        together = _APART.join(_strings(value)).encode("utf-8", "surrogatepass")
        # To look once costs less than to look into each of a thousand strings, and rarely is anything there.
        has_any = self._founds((view_of(together),)) != ([], None)
        return self._each(value, self.text if has_any else str)

    def _each(self, value: Any, clean: Callable[[str], str]) -> Any:
        if isinstance(value, str):
            return clean(value)
        if isinstance(value, Mapping):
            return {self._each(name, clean): self._each(member, clean) for name, member in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._each(element, clean) for element in value]
        return value

    def exchange(self, exchange: Exchange) -> Exchange:
        """The exchange without secrets, with a `Redaction` for each place where one stood."""
        redactions: dict[Redaction, None] = dict.fromkeys(exchange.redactions)
        request = self._request(exchange.request, redactions)
        detail, answer = self._fields(exchange.answer, exchange.ending.detail, redactions)
        ending = Ending(exchange.ending.kind, at=exchange.ending.at, detail=detail)
        head = self._head(exchange.head, redactions)
        return replace(exchange, request=request, answer=answer, ending=ending, redactions=tuple(redactions), head=head)

    # Exchanges

    def _request(self, request: SentRequest, redactions: dict[Redaction, None]) -> SentRequest:
        headers = [
            (name, self._credential(value, redactions) if name.lower() in self._credential_headers else value)
            for name, value in request.headers
        ]
        flat = (("request", text, "") for pair in headers for text in pair)
        url, *texts = self._clean_fields(TextFields([("request", request.url, ""), *flat]), redactions)
        named: Named = []
        body = request.body
        if ("request", body) not in self._without_secrets:
            body = self._cleaned(body, (view_of(body),), named)
            if not named:
                self._remember(body, _Searched(body), ("request", body))
        _note(named, "request", redactions)
        return replace(request, url=url, headers=_paired(texts), body=body)

    def _credential(self, value: str, redactions: dict[Redaction, None]) -> str:
        """A credential header's value: the scheme's name stays, everything else is masked, known or not."""
        match = _SCHEME.fullmatch(value)
        key = value if match is None else match["key"]
        if not key or value.lower() in _SCHEMES_ALONE:
            return value
        names = self._names(value, key) or {UNKNOWN_CREDENTIAL}
        _note([(name, "credential header") for name in sorted(names)], "request", redactions)
        return value[: len(value) - len(key)] + "*" * len(key)

    def _names(self, value: str, key: str) -> set[str]:
        """The names of the secrets in a credential; one that differs little is nearly the secret."""
        key = key.strip()
        for name, secret in self._secrets.items():
            if key == secret:
                return {name}
            if len(secret) >= SHORTEST_VARIED and key in varied_keys(secret):
                return {VARIED.format(name)}
            if len(secret) > _SHORTEST_NEARLY and key in {changed_key(secret), cut_key(secret), extended_key(secret)}:
                return {NEARLY.format(name)}
        return {found.secret for found in self._search.find(view_of(value.encode("latin-1", "replace")))}

    def _fields(
        self, answer: Answer | None, detail: str, redactions: dict[Redaction, None]
    ) -> tuple[str, Answer | None]:
        """The detail of an ending, and an answer, without secrets."""
        if answer is None:
            (detail,) = self._clean_fields(TextFields([("ending", detail, "")]), redactions)
            return detail, None
        shown = dict(zip(answer.headers, self._shown_names(answer.headers), strict=True))
        fields = TextFields(
            [
                ("status", answer.reason, ""),
                *(("header", name, _NAMES) for name, _ in answer.headers),
                *((f"header {shown[name, value]}", value, _VALUES) for name, value in answer.headers),
                ("ending", detail, ""),
            ]
        )
        reason, *texts, detail = self._clean_fields(fields, redactions)
        count = len(answer.headers)
        headers: Headers = tuple(zip(texts[:count], texts[count:], strict=True))
        return detail, replace(answer, reason=reason, headers=headers, reads=self._body(answer, redactions))

    def _shown_names(self, headers: Headers) -> list[str]:
        names = tuple(name for name, _ in headers)
        if names != self._names_before[0]:  # nearly all answers of a target have the same
            fields = TextFields([("header", name, _NAMES) for name in names])
            self._names_before = names, fields.texts(self._cleaned(fields.data, fields.views(), []))
        return self._names_before[1]

    def _clean_fields(self, fields: TextFields, redactions: dict[Redaction, None]) -> list[str]:
        founds, _ = self._founds(fields.views())
        if not founds:
            return fields.texts(fields.data)
        cleaned = fields.data
        for found in sorted(founds, key=lambda one: one.form in {CHANCE, MASKED}):
            named: Named = []
            before = cleaned
            cleaned = masked(cleaned, [found], named)
            if cleaned != before:
                for place in fields.place_of(found):
                    _note(named, place, redactions)
        return fields.texts(cleaned)

    def _head(self, head: bytes, redactions: dict[Redaction, None]) -> bytes:
        if not head:
            return head
        named: Named = []
        whole = view_of(head)
        cleaned = self._cleaned(head, together((whole, *joined_fields(whole))), named)
        # What stands in a field is noted under the field's name.
        noted = {(one.secret, one.form) for one in redactions if one.where.startswith(("status", "header"))}
        _note([one for one in named if one not in noted], "head", redactions)
        return cleaned

    # Bodies

    def _body(self, answer: Answer, redactions: dict[Redaction, None]) -> tuple[Read, ...]:
        if not self._secrets or not answer.reads:
            return answer.reads
        body = answer.body
        codings = tuple(value for name, value in answer.headers if name.lower() == "content-encoding")
        how = "answer", body, answer.header("Content-Type"), *codings
        if how in self._without_secrets:
            return answer.reads
        found = self._found_before.get(how)
        if found is None:
            found = self._searched(body, answer.header("Content-Type"), codings)
            self._remember(body, found, how)
        _note(found.named, "body", redactions)
        if found.is_decoded:
            return (Read(at=answer.reads[-1].at, data=found.kept),)
        return answer.reads if found.kept == body else _cut_again(found.kept, answer.reads)

    def _searched(self, body: bytes, media_type: str | None, codings: tuple[str, ...]) -> _Searched:
        named: Named = []
        cleaned = self._clean_body(body, media_type, named)
        decoded = decode(body, codings)
        if decoded is not None:
            inside: Named = []
            clear = self._clean_body(decoded.data, media_type, inside)
            if inside:
                # A secret within coded bytes cannot be masked, so the decoded body is kept instead.
                return _Searched(clear, (*inside, (inside[0][0], form_of_clear(decoded))), is_decoded=True)
            cleaned = _withhold(cleaned, decoded, named)
        return _Searched(cleaned, tuple(named))

    def _clean_body(self, body: bytes, media_type: str | None, named: Named) -> bytes:
        return self._cleaned(body, self._views_of_body(body, media_type), named)

    def _views_of_body(self, body: bytes, media_type: str | None) -> Iterator[View]:
        whole = view_of(body)
        yield whole
        text = decoded_text(whole, media_type)
        if text is not None:
            yield text
        yield from joined(text or whole, self._shapes)

    def _remember(self, body: bytes, found: _Searched, how: tuple[object, ...]) -> None:
        """Remember what came of searching a body, so that the same one is not searched again."""
        size = max(len(body), len(found.kept))
        if found.named:
            if size <= _LONGEST_FOUND and len(self._found_before) < _MOST_FOUND:
                self._found_before[how] = found
        elif found.kept == body and size <= _LONGEST_REMEMBERED and len(self._without_secrets) < _MOST_REMEMBERED:
            self._without_secrets[how] = None

    # Bytes

    def _cleaned(self, data: bytes, views: Iterable[View], named: Named) -> bytes:
        founds, withheld_from = self._founds(views)
        cleaned = masked(data, founds, named)
        if withheld_from is not None:
            named.append((UNKNOWN_CREDENTIAL, UNSEARCHED))
            cleaned = cleaned[:withheld_from] + b"*" * (len(data) - withheld_from)
        return cleaned

    def _founds(self, views: Iterable[View]) -> tuple[list[Found], int | None]:
        """What is found in views of one source, and from where on the source could not be looked into."""
        founds: list[Found] = []
        withheld_from: int | None = None
        for view in views:
            try:
                founds += self._search.find(view)
            except TooMuchWorkError as error:
                start = error.args[0] if view.is_source else 0
                withheld_from = start if withheld_from is None else min(start, withheld_from)
        return founds, withheld_from


_SHORTEST_NEARLY = 8
_MOST_REMEMBERED, _LONGEST_REMEMBERED = 512, 8 * 1024
_MOST_FOUND, _LONGEST_FOUND = 32, 128 * 1024
_APART = "\n \0 \n"
"""What stands between the strings of a value that are searched together, so that none hides the end of another."""


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, member in value.items():
            yield from _strings(name)
            yield from _strings(member)
    elif isinstance(value, (list, tuple)):
        for element in value:
            yield from _strings(element)


def _paired(texts: list[str]) -> Headers:
    return tuple(zip(texts[::2], texts[1::2], strict=True))


def _withhold(body: bytes, decoded: Decoded, found: Named) -> bytes:
    """Mask the coded bytes that could not be searched: of an unknown coding, or beyond the bound (a bomb)."""
    if decoded.read >= len(body):
        return body
    found.append((UNKNOWN_CREDENTIAL, form_of_withheld(decoded)))
    return body[: decoded.read] + b"*" * (len(body) - decoded.read)


def _cut_again(body: bytes, reads: Iterable[Read]) -> tuple[Read, ...]:
    cut, at = [], 0
    for read in reads:
        cut.append(Read(at=read.at, data=body[at : at + len(read.data)]))
        at += len(read.data)
    return tuple(cut)


def _note(found: Iterable[tuple[str, str]], where: str, redactions: dict[Redaction, None]) -> None:
    for secret, form in found:
        redactions[Redaction(secret, form, where)] = None

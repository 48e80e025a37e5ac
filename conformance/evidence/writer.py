"""Writes exchanges to disk as they happen, without secrets. Nothing else writes exchanges."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from io import RawIOBase
from pathlib import Path
from types import TracebackType
from typing import Any

from conformance.evidence.jsonl import FILE_NAME, FORMAT, dump_line, exchange_to_json
from conformance.evidence.reader import Evidence, EvidenceError, read_evidence
from conformance.evidence.redaction import Redactor
from conformance.wire.exchange import Exchange, Redaction


class EvidenceWriter:
    """An `exchanges.jsonl` that grows by a line with each exchange; specs/evidence.schema.json describes the lines.

    Each line is handed to the operating system at once, so that a killed process loses at most the line that it was
    writing. A file without its last line (`finish`) is evidence of a run that did not end.
    """

    def __init__(self, directory: Path, redactor: Redactor, header: Mapping[str, Any]) -> None:
        """Begin new evidence in a directory, which is created if it does not exist.

        `header` says what was run: suite, profile, target, tier, started, probes. It is redacted like everything else.

        Raises:
            EvidenceError: the file cannot be written, or exists already.
        """
        _refuse_links(directory)
        try:
            directory.mkdir(parents=True, exist_ok=True)
            file = (directory / FILE_NAME).open("xb", buffering=0)
        except FileExistsError:
            raise EvidenceError(
                "evidence is here already; choose another directory.", path=directory / FILE_NAME
            ) from None
        except OSError as error:
            raise EvidenceError(f"it cannot be written ({error.strerror}).", path=directory / FILE_NAME) from error
        self._begin(directory, redactor, file)
        self._write({"format": FORMAT, **redactor.value(header)})

    @classmethod
    def resume(cls, directory: Path, redactor: Redactor) -> tuple[EvidenceWriter, Evidence]:
        """Continue the evidence of a run that was stopped; returns the writer and what was written before.

        The last line of the stopped run, and a line that was cut, are removed from the file.

        Raises:
            EvidenceError: the evidence cannot be read or written.
        """
        evidence = read_evidence(directory)
        path = directory / FILE_NAME
        _refuse_links(directory)
        try:
            lines = path.read_bytes().split(b"\n")[: 1 + len(evidence.exchanges)]
            file = path.open("r+b", buffering=0)
            file.seek(sum(map(len, lines)) + len(lines) - 1)
            file.write(b"\n")
            file.truncate()
        except OSError as error:
            raise EvidenceError(f"it cannot be written ({error.strerror}).", path=path) from error
        writer = cls.__new__(cls)
        writer._begin(directory, redactor, file)
        writer._ids.update(exchange.id for exchange in evidence.exchanges)
        return writer, evidence

    def append(self, exchange: Exchange) -> Exchange:
        """Write an exchange and return it without secrets, as it was written: only that may be judged and shown.

        Raises:
            EvidenceError: the line cannot be written, or an exchange with this id was written before.
        """
        redacted = _without_secret_certificates(self._redactor.exchange(exchange), self._redactor)
        if redacted.id in self._ids:
            raise EvidenceError(f"the exchange {redacted.id!r} was written before; ids are unique.", path=self.path)
        self._ids.add(redacted.id)
        self._write(exchange_to_json(redacted))
        return redacted

    def finish(self, unsent: Mapping[str, str] | None = None, *, interrupted: bool = False) -> None:
        """Write the last line: the number of exchanges, and the probes that were not sent, each with the reason."""
        unsent = self._redactor.value(unsent or {})
        self._write({"end": True, "count": len(self._ids), "unsent": unsent, "interrupted": interrupted})
        self.close()

    def close(self) -> None:
        """Close the file, finished or not."""
        self._file.close()

    def __enter__(self) -> EvidenceWriter:
        """The writer itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()

    def _begin(self, directory: Path, redactor: Redactor, file: RawIOBase) -> None:
        self.path = directory / FILE_NAME
        self._redactor = redactor
        self._file = file
        self._ids: set[str] = set()

    def _write(self, value: Mapping[str, Any]) -> None:
        line = memoryview(dump_line(value))
        begin = self._file.tell()
        try:
            while line:
                line = line[self._file.write(line) or 0 :]
        except OSError as error:
            with suppress(OSError):  # the half line that was written is no evidence, and nothing may follow it
                self._file.seek(begin)
                self._file.truncate()
            raise EvidenceError(
                f"it cannot be written ({error.strerror}); what was seen before is kept: make room, then --resume the"
                " run.",
                path=self.path,
            ) from error


def _refuse_links(directory: Path) -> None:
    """Refuse to write through a symbolic link, which may lead to any file of the user's."""
    for path in (directory, directory / FILE_NAME):
        if path.is_symlink():
            raise EvidenceError("it is a symbolic link; remove it, or choose another directory.", path=path)


def _without_secret_certificates(exchange: Exchange, redactor: Redactor) -> Exchange:
    """The exchange without those certificates of its peer in which a secret stands, and with a note of each secret.

    They are left out whole, for nobody could read one with asterisks in it.
    """
    peer = exchange.peer
    if peer is None:
        return exchange
    searched = [(certificate, redactor.data(certificate)[1]) for certificate in peer.certificates]
    found = dict.fromkeys(one for _, secrets in searched for one in secrets)
    if not found:
        return exchange
    kept = tuple(certificate for certificate, secrets in searched if not secrets)
    notes = tuple(Redaction(secret, form, "certificate") for secret, form in found)
    return replace(exchange, peer=replace(peer, certificates=kept), redactions=(*exchange.redactions, *notes))

"""Finds the keys of a run on the worker that judges it: in its environment, or in a folder of files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from conformance.contract.regular_files import UnreadableError, read_regular_file
from conformance.running.run import RunSettings
from conformance.targets import TargetError
from conformance.targets.environment import API_KEY, OTHER_API_KEY
from conformance.targets.reach import CLIENT_KEY_PASSWORD, PROXY_CREDENTIALS

_LONGEST = 64 * 1024


def worker_environment(settings: RunSettings, folder: str | None, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment, and with it the variables of secrets that are not set and have a file in the folder.

    Raises:
        TargetError: a file cannot be read; the message does not quote it.
    """
    found = dict(environ)
    for variable in () if folder is None else _secrets(settings):
        path = Path(folder or "") / variable
        if not found.get(variable, "").strip() and path.exists():
            found[variable] = _content(path)
    return found


def _secrets(settings: RunSettings) -> Iterable[str]:
    reach, named = settings.reach, settings.named
    return (
        *(() if named is None else named.secrets.values()),
        *(API_KEY, OTHER_API_KEY, CLIENT_KEY_PASSWORD, PROXY_CREDENTIALS),
        *reach.headers_env.values(),
        *reach.query_env.values(),
        *filter(None, (reach.client_key_password_env, reach.proxy_credentials_env)),
    )


def _content(path: Path) -> str:
    try:
        # A mounted secret is a symbolic link to the file that holds it.
        return read_regular_file(path.resolve(), _LONGEST).decode("utf-8").strip()
    except (OSError, UnreadableError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not a regular file of UTF-8 text"
        raise TargetError(f"the key in {path} cannot be read ({reason}).") from None

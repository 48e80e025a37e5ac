"""Shows, without the suite, whether deployments do what they say, and the unharmed reference does not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatch

from by_hand import Caller
from held_out import HeldOut, deployment
from second.parts import PacedProvider

from conformance.reference import EmbeddedReference

Look = Callable[[Caller], bool]


def unharmed_of(entry: HeldOut) -> EmbeddedReference:
    """What a deployment is compared with: the reference of its profile, as slow as it where that is slow."""
    return deployment(None, PacedProvider() if entry.provider is PacedProvider else None, entry.profile)


def show(
    entries: Iterable[HeldOut],
    looks: Mapping[str, Look],
    errors: tuple[type[Exception], ...],
    globs: Sequence[str] = (),
    *,
    unharmed: Callable[[HeldOut], EmbeddedReference] = unharmed_of,
) -> int:
    """Look at every deployment whose id one of the globs matches, or at all; 1 where one does not do what it says."""
    wrong = 0
    for entry in entries:
        if globs and not any(fnmatch(entry.id, glob) for glob in globs):
            continue
        look = looks[entry.id]
        here, there = seen(entry.reference(), look, errors), seen(unharmed(entry), look, errors)
        sound = here is True and there is False
        wrong += not sound
        print(f"{'shown' if sound else 'NOT SHOWN'}  {entry.id}" + ("" if sound else f"  {here} / {there}"), flush=True)
    return 1 if wrong else 0


def seen(reference: EmbeddedReference, look: Look, errors: tuple[type[Exception], ...]) -> bool | str:
    """What was looked for, or the error that looking for it ended with."""
    with reference:
        caller = Caller(reference.base_url)
        try:
            return look(caller)
        except errors as error:
            return repr(error)
        finally:
            caller.http.close()

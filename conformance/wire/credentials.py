"""Which value the credential header of a probe has: the right key, a wrong one, none."""

from __future__ import annotations

import random
import string

from conformance.contract.model import CredentialScheme
from conformance.probes.model import Credential
from conformance.target.model import Target
from conformance.wire.errors import CredentialMissingError

USUAL_SCHEME = CredentialScheme(header="Authorization", prefix="Bearer ")
"""What is sent where a contract declares no scheme and the target has a key all the same."""

VENDOR_PREFIXES = ("sk-proj-", "sk-ant-", "sk-or-", "sk-", "pk-", "gsk_", "xai-", "hf_", "nvapi-", "key-")
WRONG_KEY_LENGTH = 48
"""How long the wrong key is where no right one is known."""


def credential_value(credential: Credential, scheme: CredentialScheme, target: Target) -> str | None:
    """The value of the header that `scheme` names, or None where it is not sent.

    Raises:
        CredentialMissingError: the probe needs a key that the target does not have.
    """
    match credential:
        case Credential.NONE:
            return None
        case Credential.OWN:
            return None if target.api_key is None else scheme.prefix + target.api_key
        case Credential.EMPTY:
            # RFC 9110 section 5.5: white space around a field's value is not part of it, so `Bearer` stands alone.
            return scheme.prefix.rstrip()
        case Credential.WRONG:
            return scheme.prefix + wrong_key(target)
        case Credential.OTHER:
            return scheme.prefix + _required(target.other_api_key, "CONFORMANCE_OTHER_API_KEY")
        case Credential.WRONG_SCHEME:
            prefix = "Basic " if scheme.prefix.lower().startswith("bearer") else "Bearer "
        case Credential.OWN_LOWER_CASE:
            prefix = scheme.prefix.lower()
    return prefix + _required(target.api_key, "CONFORMANCE_API_KEY")


def wrong_key(target: Target) -> str:
    """A key of the form and length of the target's own that was never issued; the same in every run.

    It is drawn from the length alone, so that nothing of the real key but a vendor's prefix can be read from it.
    """
    real = target.api_key or ""
    prefix = next((prefix for prefix in VENDOR_PREFIXES if real.startswith(prefix)), "")
    length = max((len(real) or WRONG_KEY_LENGTH) - len(prefix), 1)
    generator = random.Random(f"chat-conformance wrong key {length}")  # noqa: S311 - it is meant to be repeatable
    while True:
        key = prefix + "".join(generator.choices(string.ascii_letters + string.digits, k=length))
        if key not in {target.api_key, target.other_api_key}:
            return key


def _required(key: str | None, variable: str) -> str:
    if not key:
        raise CredentialMissingError(f"The target has no key for this probe; set {variable}.")
    return key

"""Where the words come from: the interface of a provider, and the providers."""

from conformance.reference.providers.echo import EchoProvider
from conformance.reference.providers.model import Ended, Provider

__all__ = ["EchoProvider", "Ended", "Provider"]

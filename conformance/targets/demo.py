"""The public credentials of the reference deployment, so that `serve` and `run` work together without configuration.

The public values of a profile's parameters are in its dialect.

They protect nothing: the reference deployment listens on loopback and echoes what it is sent.
"""

from __future__ import annotations

API_KEY = "demo-key-of-the-chat-conformance-reference-deployment"
OTHER_API_KEY = "demo-key-of-the-second-tenant-of-the-reference-deployment"
MODEL = "reference-echo"

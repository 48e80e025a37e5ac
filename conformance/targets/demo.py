"""The public credentials of the reference deployment, so that `serve` and `run` meet without configuration.

They protect nothing: the reference deployment listens on loopback and echoes what it is sent.
"""

from __future__ import annotations

API_KEY = "demo-key-of-the-chat-conformance-reference-deployment"
OTHER_API_KEY = "demo-key-of-the-second-tenant-of-the-reference-deployment"
ORG_ID = "6f1e3c52-9f0a-4c07-8a55-0d5b8f6a2b11"
OTHER_ORG_ID = "b3a9d9c4-52a1-4f0e-9b5d-7c1f0f6e4d22"
MODEL = "reference-echo"

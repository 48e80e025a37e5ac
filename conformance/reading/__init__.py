"""Readers: pure functions and state machines that judge what came, in layers, without sending anything."""

from __future__ import annotations

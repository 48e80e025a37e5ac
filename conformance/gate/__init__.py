"""Decides whether a run lets the deployment through: waivers, findings known from a baseline, and the decision."""

from conformance.gate.decision import gate, waiver_failures
from conformance.gate.waivers import as_waived, load_waivers

__all__ = ["as_waived", "gate", "load_waivers", "waiver_failures"]

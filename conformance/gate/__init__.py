"""What lets a run through: waivers, the findings that a baseline knows, and the decision."""

from conformance.gate.decision import gate, waiver_failures
from conformance.gate.waivers import as_waived, load_waivers

__all__ = ["as_waived", "gate", "load_waivers", "waiver_failures"]

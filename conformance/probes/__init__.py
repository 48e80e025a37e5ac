"""What is sent: probes made from the contract's template, its keywords and its examples, and the plan of a run."""

from conformance.probes.challenge import Challenge
from conformance.probes.model import Credential, Intent, Probe
from conformance.probes.plan import Plan, ProbeError, check_request, plan, plan_data, plan_from

__all__ = [
    "Challenge",
    "Credential",
    "Intent",
    "Plan",
    "Probe",
    "ProbeError",
    "check_request",
    "plan",
    "plan_data",
    "plan_from",
]

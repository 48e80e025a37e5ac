"""Which deployment is judged, how to reach it, and what may be spent on it."""

from conformance.target.configuration import FILE_NAME as CONFIGURATION_FILE
from conformance.target.configuration import NamedTarget, read_target
from conformance.target.environment import checked_base_url, is_loopback, target_from_environment
from conformance.target.errors import TargetError
from conformance.target.model import Limits, Target
from conformance.target.waivers import Waiver, load_waivers

__all__ = [
    "CONFIGURATION_FILE",
    "Limits",
    "NamedTarget",
    "Target",
    "TargetError",
    "Waiver",
    "checked_base_url",
    "is_loopback",
    "load_waivers",
    "read_target",
    "target_from_environment",
]

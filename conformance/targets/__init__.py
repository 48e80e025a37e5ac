"""Which deployment is judged, how to reach it, and what may be spent on it."""

from conformance.targets.configuration import FILE_NAME as CONFIGURATION_FILE
from conformance.targets.configuration import NamedTarget, read_target
from conformance.targets.environment import checked_base_url, is_loopback, target_from_environment
from conformance.targets.model import Limits, Target, TargetError

__all__ = [
    "CONFIGURATION_FILE",
    "Limits",
    "NamedTarget",
    "Target",
    "TargetError",
    "checked_base_url",
    "is_loopback",
    "read_target",
    "target_from_environment",
]

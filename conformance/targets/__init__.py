"""Which deployment is judged, how to reach it, and what may be spent on it."""

from conformance.targets.configuration import FILE_NAME as CONFIGURATION_FILE
from conformance.targets.configuration import NamedTarget, editor_schema, read_target, target_names
from conformance.targets.environment import checked_base_url, is_loopback, target_from_environment
from conformance.targets.errors import TargetError
from conformance.targets.model import Limits, Target
from conformance.targets.reach import Reach, checked_reach, reach_from, values_of

__all__ = [
    "CONFIGURATION_FILE",
    "Limits",
    "NamedTarget",
    "Reach",
    "Target",
    "TargetError",
    "checked_base_url",
    "checked_reach",
    "editor_schema",
    "is_loopback",
    "reach_from",
    "read_target",
    "target_from_environment",
    "target_names",
    "values_of",
]

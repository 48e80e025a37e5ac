"""Deliberate, named deviations of the reference deployment, each with the requirements that it breaks."""

from conformance.reference.faults.catalogue import FaultRow, read_fault_rows, shipped_fault_rows
from conformance.reference.faults.fault import EFFECT_BROKEN, Fault
from conformance.reference.faults.keyword_faults import KeywordFault, keyword_faults, keywords_without_fault
from conformance.reference.faults.selection import composed, every_fault

__all__ = [
    "EFFECT_BROKEN",
    "Fault",
    "FaultRow",
    "KeywordFault",
    "composed",
    "every_fault",
    "keyword_faults",
    "keywords_without_fault",
    "read_fault_rows",
    "shipped_fault_rows",
]

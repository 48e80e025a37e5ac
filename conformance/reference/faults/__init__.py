"""Deliberate, named deviations of the reference deployment, each with the requirement that it breaks."""

from conformance.reference.faults.keyword_faults import KeywordFault, keyword_faults

__all__ = ["KeywordFault", "keyword_faults"]

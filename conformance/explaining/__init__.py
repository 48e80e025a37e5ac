"""Explains requirements to people: why they are there, what breaks them, how that is mended."""

from conformance.explaining.explained import Explained, FaultView, explained
from conformance.explaining.page import requirements_page

__all__ = ["Explained", "FaultView", "explained", "requirements_page"]

"""The command line: a thin shell that parses options and calls one module of `commands` for each verb."""

from conformance.cli.main import main

__all__ = ["main"]

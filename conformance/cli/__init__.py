"""The command line: parses options and calls one module of `commands` for each command."""

from conformance.cli.main import main

__all__ = ["main"]

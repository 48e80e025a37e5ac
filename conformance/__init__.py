"""chat-conformance: tells whether a live chat-completions deployment keeps its contract, and proves it."""

__version__ = "0.1.0"

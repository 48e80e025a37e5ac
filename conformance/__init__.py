"""chat-conformance: proves whether a live chat-completions deployment keeps its contract."""

__version__ = "0.1.0"

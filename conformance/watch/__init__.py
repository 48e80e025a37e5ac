"""Watches deployments: a run a day within a budget, a history of them, and what has changed since when."""

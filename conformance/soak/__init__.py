"""Judges every answer of a load of valid requests, and says how many in how many break each requirement."""

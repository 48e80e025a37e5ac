"""Judges many targets by many profiles and tiers, a run at a time on each of several workers."""

"""Crash drills: the whole product lives through what kills its parts, and what was lost is counted."""

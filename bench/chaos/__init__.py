"""Crash drills: the whole product lives through what kills its parts, and what was lost is counted."""

# Before an answer of the installation's own shell, among whatever else that prints.
MARK = "ANSWER"

"""Doors: each parses, calls one verb, answers."""

"""Exam day, measured. Each module is one noun with ``measure(world)``, a generator of figures."""

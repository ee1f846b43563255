"""Exams: papers, sittings, clocks, saved answers, grades."""

"""Measurements of the product beside raw calls of what it stands on, in the same run. Printed, never asserted in tests."""

"""Questions in the formats of other systems: read with a report of what cannot be kept, written so that they read back."""

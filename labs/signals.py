"""What labs tell the apps above them; a nudge, the truth is in labs.api."""

from django.dispatch import Signal

# Sent on commit with ``session``, the LabSession that was passed.
lab_passed = Signal()

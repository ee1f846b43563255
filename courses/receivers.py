"""Nudges from labs."""

from typing import Any

from django.dispatch import receiver

from courses import progress
from labs.api import LabSession, lab_passed


@receiver(lab_passed)
def on_lab_passed(sender: object, session: LabSession, **kwargs: Any) -> None:
    progress.complete_courses_with(session.learner, session.lab_id)

"""Nudges from below; the truth is asked for."""

from typing import Any

from django.dispatch import receiver

from certification import tasks
from community.api import User
from courses.api import course_completed


@receiver(course_completed)
def on_course_completed(sender: object, learner: User, **kwargs: Any) -> None:
    tasks.issue_earned.delay_on_commit(learner.pk)

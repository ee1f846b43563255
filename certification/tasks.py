"""What workers are asked to do; each task is one line over a repeatable verb."""

from celery import shared_task

from certification import issuing
from community.api import User


@shared_task
def issue_earned(learner_id: int) -> None:
    issuing.issue_earned(User.objects.get(pk=learner_id))


@shared_task
def settle() -> None:
    issuing.issue_owed()

"""The worker's door to courses."""

from celery import shared_task

from courses import classes, progress


@shared_task
def settle() -> None:
    progress.settle()
    classes.settle()

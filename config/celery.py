"""The worker's switchboard and the one schedule."""

import os

from celery import Celery
from django_structlog.celery.steps import DjangoStructLogInitStep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")

app = Celery("yunlian")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(["courses.exams"])
app.steps["worker"].add(DjangoStructLogInitStep)
app.conf.beat_schedule = {
    "sweep sandboxes": {"task": "labs.tasks.sweep", "schedule": 10.0, "options": {"expires": 10}},
    "forget snapshots": {
        "task": "labs.tasks.forget_snapshots",
        "schedule": 600.0,
        "options": {"expires": 600},
    },
    "refill the pool": {"task": "labs.tasks.refill", "schedule": 10.0, "options": {"expires": 10}},
    "read the meters": {"task": "labs.tasks.sample", "schedule": 10.0, "options": {"expires": 10}},
    "forget recordings": {
        "task": "labs.tasks.forget_recordings",
        "schedule": 3600.0,
        "options": {"expires": 3600},
    },
    "forget requests to the outside": {
        "task": "labs.tasks.forget_egress",
        "schedule": 3600.0,
        "options": {"expires": 3600},
    },
    "issue statements": {
        "task": "labs.tasks.issue_statements",
        "schedule": 3600.0,
        "options": {"expires": 3600},
    },
    "close attempts": {"task": "courses.exams.tasks.close_due", "schedule": 5.0, "options": {"expires": 5}},
    "settle grades": {
        "task": "courses.exams.tasks.settle_grades",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "settle completions": {"task": "courses.tasks.settle", "schedule": 60.0, "options": {"expires": 60}},
    "settle credentials": {
        "task": "certification.tasks.settle",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
}

"""The Celery app and what beat ticks."""

import os

from celery import Celery

from writingapp.queues import Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "writingapp.settings")

app = Celery("bailu")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["writingapp"])

SWEEP_EVERY = 3.0  # seconds; with the lease it bounds how long a killed worker's poem waits
FIT_EVERY = 5.0  # seconds; how long a restarted node goes without its adapters

app.conf.beat_schedule = {
    "sweep": {
        "task": "upkeep.sweep",
        "schedule": SWEEP_EVERY,
        "options": {"queue": Queue.UPKEEP, "expires": SWEEP_EVERY},
    },
    "fit": {
        "task": "upkeep.fit",
        "schedule": FIT_EVERY,
        "options": {"queue": Queue.UPKEEP, "expires": FIT_EVERY},
    },
}

"""The Celery apps, for poems and for the night, and what beat ticks."""

import os

from celery import Celery
from django.conf import settings

from writingapp.queues import Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "writingapp.settings")
# Django's checks would load every page into workers and beat, 50 MB each; `migrate` and `make lint` run them.
os.environ.setdefault("CELERY_SKIP_CHECKS", "yes")

app = Celery("bailu")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.include = ["writingapp.tasks"]

# Another app with a broker database of its own: a worker that trains for hours, and whatever piles up before it,
# disturbs no poem.
night = Celery("bailu-night", set_as_current=False)
night.config_from_object("django.conf:settings", namespace="CELERY")
night.conf.update(broker_url=settings.REDIS_NIGHT, include=["writingapp.night_tasks"], worker_concurrency=1)

SWEEP_EVERY = 3.0  # seconds; with the lease it bounds how long a killed worker's poem waits
FIT_EVERY = 5.0  # seconds; how long a restarted node goes without its adapters
LOGINS_EVERY = 3600.0  # seconds; a login that has run out lets nobody in, its row only takes room
NIGHT_EVERY = 60.0  # seconds; what is due is decided from rows and the clock, so that a lost tick is none

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
    "logins": {
        "task": "upkeep.forget_logins",
        "schedule": LOGINS_EVERY,
        "options": {"queue": Queue.UPKEEP, "expires": LOGINS_EVERY},
    },
    "night": {
        "task": "upkeep.call_night",
        "schedule": NIGHT_EVERY,
        "options": {"queue": Queue.UPKEEP, "expires": NIGHT_EVERY},
    },
}

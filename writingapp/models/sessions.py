"""A timed sitting and the manuscript written in it."""

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

MANUSCRIPT_LIMIT = 500_000  # characters (code points)


class WritingSession(models.Model):
    """One sitting. The server owns its clock: `deadline` is true while it runs, and moves by each pause when resumed.

    `deadline` is empty for a session without limit. While paused, what remains is `deadline - paused_at`.
    `text` and `rev` are the manuscript now; how it came to be is in its revisions.
    """

    class State(models.TextChoices):
        """Where a sitting stands."""

        RUNNING = "running", _("running")
        PAUSED = "paused", _("paused")
        FINISHED = "finished", _("finished")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sessions")
    day = models.DateField()  # the writer's own day, which starts at 04:00
    theme = models.CharField(max_length=200, blank=True)
    minutes = models.PositiveSmallIntegerField(null=True, blank=True)
    goal = models.PositiveIntegerField(null=True, blank=True)  # characters as Chinese writers count them
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    started_at = models.DateTimeField()
    deadline = models.DateTimeField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_total = models.DurationField(default=timedelta)
    finished_at = models.DateTimeField(null=True, blank=True)
    text = models.TextField(blank=True)
    rev = models.PositiveIntegerField(default=0)
    on_time_rev = models.PositiveIntegerField(default=0)  # the last revision saved before time was up
    characters = models.PositiveIntegerField(default=0)  # as Chinese writers count them
    saved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-started_at"]
        indexes = [models.Index(fields=["user", "-started_at"]), models.Index(fields=["state", "started_at"])]

    def __str__(self) -> str:
        return f"{self.day} {self.pk}"  # her theme is hers: staff see this line

    def remaining(self, now: datetime) -> timedelta | None:
        """What is left of the time, negative once it is over; None without a limit."""
        if self.deadline is None:
            return None
        return self.deadline - (self.finished_at or self.paused_at or now)

    def written_for(self, now: datetime) -> timedelta:
        """How long she has sat here, pauses left out."""
        return (self.finished_at or self.paused_at or now) - self.started_at - self.paused_total


class Revision(models.Model):
    """One accepted or conflicting save; append-only.

    A saved revision replaces characters `start` to `end` of revision `rev - 1` by `inserted`; every so often the whole
    text stands in `snapshot`, so that no rebuild is long. A conflicting one has no `rev`, and replaces characters of
    revision `base_rev`, or has its text in `snapshot` if there was none such: nothing that came is thrown away.
    """

    id = models.BigAutoField(primary_key=True)
    session = models.ForeignKey(WritingSession, on_delete=models.CASCADE, related_name="revisions")
    save_id = models.UUIDField()
    base_rev = models.PositiveIntegerField()
    rev = models.PositiveIntegerField(null=True, blank=True)
    start = models.PositiveIntegerField(default=0)
    end = models.PositiveIntegerField(default=0)
    inserted = models.TextField(blank=True)
    snapshot = models.TextField(null=True, blank=True)  # noqa: DJ001 - an empty manuscript is not a missing snapshot
    late = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["session", "save_id"], name="a_save_counts_once"),
            models.UniqueConstraint(fields=["session", "rev"], name="a_revision_follows_one"),
        ]

    def __str__(self) -> str:
        return f"{self.session_id} r{self.rev}"

"""The nights: a run trains an adapter, which pairs it saw, and the blind trial that a new one stands."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from writingapp.models.engines import Adapter
from writingapp.models.feedback import Pair, Rating
from writingapp.models.people import User


class TrainingRun(models.Model):
    """One training, or why there was none. A night has one run, held by whoever holds its lease."""

    class State(models.TextChoices):
        """Each step is written down before the next begins; a run that stops is taken up where it stands."""

        PAIRING = "pairing", _("pairing")
        TRAINING = "training", _("training")
        GATING = "gating", _("at the gate")
        PROMOTING = "promoting", _("promoting")
        PROMOTED = "promoted", _("promoted")
        REFUSED = "refused", _("refused by the gate")
        SKIPPED = "skipped", _("skipped")
        FAILED = "failed", _("failed")
        STOPPED = "stopped", _("stopped")

    TERMINAL = (State.PROMOTED, State.REFUSED, State.SKIPPED, State.FAILED, State.STOPPED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    night = models.DateField(null=True, blank=True)  # empty: started by hand
    method = models.CharField(max_length=10, default="dpo")  # of training.config.Method
    state = models.CharField(max_length=10, choices=State.choices, default=State.PAIRING)
    why = models.CharField(max_length=60, blank=True)  # a code: why skipped, failed, stopped or refused
    config = models.JSONField(default=dict)  # training.config.Config, whole: with the seed
    manifest = models.JSONField(default=dict)  # counts in and out by reason, digest of the data, library versions
    progress = models.JSONField(default=dict)  # {step, steps, loss, …} as last told; curves lie in the run's folder
    gate = models.JSONField(default=dict)  # the verdict with its numbers
    adapter = models.ForeignKey(Adapter, on_delete=models.PROTECT, null=True, blank=True, related_name="runs")
    pairs = models.ManyToManyField(Pair, related_name="runs", blank=True)
    alone = models.ManyToManyField(Rating, related_name="runs", blank=True)  # learnt without a pair; see services.alone
    letter = models.JSONField(default=dict, blank=True)  # what the morning letter says, as facts; see services.letters
    deadline = models.DateTimeField(null=True, blank=True)  # training stops cleanly by then
    attempt = models.PositiveSmallIntegerField(default=0)
    holder = models.CharField(max_length=100, blank=True)  # host and process that holds the lease
    lease_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint(fields=["night"], name="one_run_a_night")]

    def __str__(self) -> str:
        return f"{self.night or self.created_at:%Y-%m-%d} {self.method} {self.state}"


class Trial(models.Model):
    """A challenger beside the champion: for some writers the two candidates are one of each, and nobody knows which.

    With a share of 0 nobody meets it: it writes in the shadow, see writingapp.shadowing.
    """

    class State(models.TextChoices):
        """Won and lost are said by the test, which may be looked at any day; stopped is said by people."""

        RUNNING = "running", _("running")
        WON = "won", _("won")
        LOST = "lost", _("lost")
        STOPPED = "stopped", _("stopped")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    challenger = models.ForeignKey(Adapter, on_delete=models.PROTECT, related_name="challenges")
    champion = models.ForeignKey(Adapter, on_delete=models.PROTECT, null=True, blank=True, related_name="defences")
    share = models.FloatField(default=0.0)  # of the writers, 0 to 1; whoever is in stays in as it grows
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    figures = models.JSONField(default=dict, blank=True)  # wins, losses, ties, evidence, as last counted
    shadow = models.JSONField(default=dict, blank=True)  # counts by services.trials.SHADOW
    started_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-started_at"]
        constraints = [
            models.UniqueConstraint(fields=["state"], condition=models.Q(state="running"), name="one_trial_at_a_time")
        ]

    def __str__(self) -> str:
        return f"{self.challenger_id} {self.state}"


class School(models.Model):
    """The night school's switch: one row. While it is paused no night begins and nothing is promoted."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True)

    def __str__(self) -> str:
        return "paused" if self.paused_at else "open"

"""The nights: a run trains an adapter, and which pairs it saw."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from writingapp.models.engines import Adapter
from writingapp.models.feedback import Pair


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
    attempt = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint(fields=["night"], name="one_run_a_night")]

    def __str__(self) -> str:
        return f"{self.night or self.created_at:%Y-%m-%d} {self.method} {self.state}"

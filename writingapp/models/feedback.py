"""What writers say of the texts, the pairs that come of it, and what staff decide."""

import uuid
from typing import Any, NoReturn

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from writingapp.models.inspiration import Candidate, Inspiration


class Rating(models.Model):
    """A writer's judgement: of an inspiration's two texts beside each other, or of one text or one of its lines.

    Changing her mind changes the row; what it said before stands in `history`. `fate` tells what became of it.
    """

    class Kind(models.TextChoices):
        """PREFER names the better one in `candidate`; TIE and BOTH_BAD name none; SCORE gives one 1 to 5."""

        PREFER = "prefer", _("better than the other")
        TIE = "tie", _("equally good")
        BOTH_BAD = "both_bad", _("neither is good")
        SCORE = "score", _("stars")

    COMPARING = (Kind.PREFER, Kind.TIE, Kind.BOTH_BAD)

    class Fate(models.TextChoices):
        """Where it has come to. NOT_PAIRED and HELD give their reason in `reason`."""

        WAITING = "waiting", _("waiting for the night")
        NO_CONSENT = "no_consent", _("kept to yourself")
        NOT_PAIRED = "not_paired", _("not paired")
        HELD = "held", _("held back")
        PAIRED = "paired", _("paired")
        APPROVED = "approved", _("approved")
        DISCARDED = "discarded", _("discarded")
        TRAINED = "trained", _("trained on")
        WITHDRAWN = "withdrawn", _("withdrawn")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="ratings")
    inspiration = models.ForeignKey(Inspiration, on_delete=models.CASCADE, related_name="ratings")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    candidate = models.ForeignKey(Candidate, on_delete=models.CASCADE, null=True, blank=True, related_name="ratings")
    line = models.PositiveSmallIntegerField(null=True, blank=True)  # from 0; empty: the whole text
    score = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(5)]
    )
    tags = models.JSONField(default=list, blank=True)  # of TAGS
    again = models.BooleanField(default=False)  # the same two, shown swapped days later: never paired
    swapped = models.BooleanField(default=False)  # whether they stood in the other order when she judged
    latency_ms = models.PositiveIntegerField(null=True, blank=True)  # from both finished to judged
    consent = models.BooleanField(default=False)  # to train on it; her own word for this one
    history = models.JSONField(default=list, blank=True)  # [{at, kind, candidate, score, tags, consent}], oldest first
    fate = models.CharField(max_length=12, choices=Fate.choices, default=Fate.NO_CONSENT)
    reason = models.CharField(max_length=40, blank=True)  # of training.pairs.Reason
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["inspiration", "again"],
                condition=models.Q(kind__in=["prefer", "tie", "both_bad"]),
                name="two_texts_are_compared_once",
            ),
            models.UniqueConstraint(
                fields=["candidate", "line"], condition=models.Q(kind="score"), name="a_line_has_one_score"
            ),
            models.UniqueConstraint(  # an empty line equals no other for a database
                fields=["candidate"], condition=models.Q(kind="score", line=None), name="a_text_has_one_score"
            ),
        ]
        indexes = [models.Index(fields=["user", "-created_at"]), models.Index(fields=["fate", "created_at"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


TAGS = {  # what a writer may add to a judgement; the first four speak for a text
    "fresh": _("fresh imagery"),
    "music": _("good music"),
    "apt": _("to the point"),
    "heartfelt": _("heartfelt"),
    "stale": _("worn phrases"),
    "off_rhyme": _("off rhyme"),
    "off_topic": _("beside the point"),
    "copied": _("copied from the old"),
    "too_long": _("too long"),
}


class Pair(models.Model):
    """A chosen and a rejected text under the same context. What the desk filters by stands in the row itself."""

    class State(models.TextChoices):
        """HELD never trains unless staff approve it; WAITING trains unreviewed only where the house says so."""

        WAITING = "waiting", _("waiting for review")
        HELD = "held", _("held back")
        APPROVED = "approved", _("approved")
        DISCARDED = "discarded", _("discarded")
        FLAGGED = "flagged", _("flagged")
        WITHDRAWN = "withdrawn", _("withdrawn")

    class Split(models.TextChoices):
        """Decided once for an inspiration, by a keyed hash."""

        TRAIN = "train", _("training")
        HELD_OUT = "held_out", _("held out")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    inspiration = models.ForeignKey(Inspiration, on_delete=models.CASCADE, related_name="pairs")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="pairs")
    chosen = models.ForeignKey(Candidate, on_delete=models.CASCADE, related_name="chosen_in")
    rejected = models.ForeignKey(Candidate, on_delete=models.CASCADE, related_name="rejected_in")
    ratings = models.ManyToManyField(Rating, related_name="pairs")
    source = models.CharField(max_length=10)  # of training.pairs.Source: compare, score, swap, taken
    gap = models.FloatField()  # how much better, 0 to 1; a weight
    split = models.CharField(max_length=8, choices=Split.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    reason = models.CharField(max_length=40, blank=True)  # why held (training.pairs.Reason) or discarded (staff's)
    held = models.CharField(max_length=40, blank=True)  # why it was held before staff decided: undoing goes back there
    night = models.DateField()  # the night that made it
    # copied from the rows above, for the desk: 100,000 pairs are filtered without a join
    writer = models.CharField(max_length=20)  # her pseudonym
    form = models.CharField(max_length=20, blank=True)
    kind = models.CharField(max_length=10)
    language = models.CharField(max_length=10)
    wish = models.CharField(max_length=500, blank=True)
    chosen_text = models.TextField()
    rejected_text = models.TextField()
    chosen_adapter = models.CharField(max_length=100, blank=True)
    rejected_adapter = models.CharField(max_length=100, blank=True)
    tags = models.JSONField(default=list, blank=True)
    opinions = models.PositiveSmallIntegerField(default=0)  # standing reviews that decide
    agreement = models.FloatField(null=True, blank=True)  # share of the larger side; empty below two opinions
    created_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [models.UniqueConstraint(fields=["chosen", "rejected"], name="two_texts_make_one_pair")]
        indexes = [
            models.Index(fields=["state", "created_at", "id"]),
            models.Index(fields=["writer", "created_at"]),
            models.Index(fields=["form", "created_at"]),
            models.Index(fields=["night", "state"]),
            models.Index(fields=["created_at"]),  # the newest, whatever their state
            models.Index(fields=["form", "state"]),  # counted without a look at the rows
        ]
        permissions = [("review_pairs", "May review pairs and export them")]

    def __str__(self) -> str:
        return f"{self.form or self.kind} {self.id}"


class Review(models.Model):
    """One reviewer's decision about a pair. Taking it back stamps it; no row goes away."""

    class Decision(models.TextChoices):
        """SKIP says nothing about the pair; FLAG asks for another pair of eyes."""

        APPROVE = "approve", _("approve")
        DISCARD = "discard", _("discard")
        SKIP = "skip", _("skip")
        FLAG = "flag", _("flag")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    pair = models.ForeignKey(Pair, on_delete=models.CASCADE, related_name="reviews")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reviews")
    decision = models.CharField(max_length=10, choices=Decision.choices)
    reason = models.CharField(max_length=40, blank=True)
    batch = models.UUIDField(null=True, blank=True)  # decided together, undone together
    created_at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["pair", "reviewer"], condition=models.Q(undone_at=None), name="one_standing_review_each"
            )
        ]
        indexes = [models.Index(fields=["reviewer", "-created_at"]), models.Index(fields=["batch"])]

    def __str__(self) -> str:
        return f"{self.decision} {self.pair_id}"


class AppendOnly(models.QuerySet["AuditEvent"]):
    """Rows that are only ever added to."""

    def update(self, **_changes: object) -> NoReturn:
        raise NotAllowed

    def delete(self) -> NoReturn:
        raise NotAllowed


class NotAllowed(Exception):
    """The trail is neither changed nor deleted."""


class AuditEvent(models.Model):
    """Who looked at or decided what. Append-only: rows are neither changed nor deleted."""

    id = models.BigAutoField(primary_key=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    action = models.CharField(max_length=40)
    subject = models.CharField(max_length=100, blank=True)  # "pair:<id>", "export:<id>": an address, never a text
    detail = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField()

    objects = AppendOnly.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["actor", "-id"]), models.Index(fields=["subject"])]

    def __str__(self) -> str:
        return f"{self.action} {self.subject}"

    def save(self, **options: Any) -> None:
        if not self._state.adding:
            raise NotAllowed
        super().save(**options)

    def delete(self, using: object = None, keep_parents: bool = False) -> NoReturn:  # noqa: FBT001, FBT002 - Django's
        raise NotAllowed

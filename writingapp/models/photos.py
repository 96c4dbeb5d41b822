"""Photographs, re-encoded on receipt; what came in is never kept."""

import uuid
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.utils.translation import gettext_lazy as _

from writingapp.models.sessions import WritingSession


class Photo(models.Model):
    """One picture of a session, and what was seen in it. Its file is named by `id` and lies outside every web root."""

    class State(models.TextChoices):
        """RECEIVED waits for the decoder; READY has its file; SEEN has its chips; REFUSED says why in `error`."""

        RECEIVED = "received", _("received")
        READY = "ready", _("ready")
        SEEN = "seen", _("seen")
        REFUSED = "refused", _("refused")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    session = models.ForeignKey(WritingSession, on_delete=models.CASCADE, related_name="photos")
    state = models.CharField(max_length=10, choices=State.choices, default=State.RECEIVED)
    error = models.CharField(max_length=40, blank=True)  # a code of inference.vision
    width = models.PositiveIntegerField(default=0)  # of the re-encoded picture
    height = models.PositiveIntegerField(default=0)
    digest = models.CharField(max_length=64, blank=True)  # sha256 of the re-encoded bytes
    chips = models.JSONField(default=list, blank=True)  # imagery as seen, before she edits
    source = models.CharField(max_length=20, blank=True)  # what saw it: "vlm", "tagger" or only "measured"
    facts = models.JSONField(default=dict, blank=True)  # measured: palette, brightness
    kept = models.BooleanField(default=False)  # she chose to keep it beyond its session
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created_at"]
        indexes = [models.Index(fields=["kept", "created_at"])]

    def __str__(self) -> str:
        return f"{self.state} {self.id}"

    @property
    def path(self) -> Path:
        return Path(settings.PHOTOS) / f"{self.pk}.jpg"


@receiver(post_delete, sender=Photo)
def _with_its_file(instance: Photo, **_: Any) -> None:
    """However a row goes, by her hand, with its session or with her account, its file goes with it."""
    path = instance.path
    transaction.on_commit(lambda: path.unlink(missing_ok=True))

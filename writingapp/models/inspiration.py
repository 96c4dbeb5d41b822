"""What a writer asked for, and the texts made for it."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from writingapp.models.photos import Photo
from writingapp.models.sessions import WritingSession


class Inspiration(models.Model):
    """One ask. `messages` is exactly what the model sees; `key` makes a repeated ask the same ask."""

    class Kind(models.TextChoices):
        """What is asked for."""

        LINE = "line", _("next line")
        POEM = "poem", _("poem")
        CONTINUE = "continue", _("continue my text")
        SWAP = "swap", _("another line in its place")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    session = models.ForeignKey(WritingSession, on_delete=models.CASCADE, related_name="inspirations")
    key = models.UUIDField()
    kind = models.CharField(max_length=10, choices=Kind.choices)
    form = models.CharField(max_length=20, blank=True)
    wish = models.CharField(max_length=500, blank=True)
    language = models.CharField(max_length=10)
    options = models.JSONField(default=dict, blank=True)  # of inference.verse.options: what else she asks of a poem
    messages = models.JSONField()
    photo = models.ForeignKey(Photo, on_delete=models.SET_NULL, null=True, blank=True, related_name="inspirations")
    chips = models.JSONField(default=list, blank=True)  # imagery as she left it; of a photo or her own
    of = models.ForeignKey("Candidate", on_delete=models.CASCADE, null=True, blank=True, related_name="swaps")
    line = models.PositiveSmallIntegerField(null=True, blank=True)  # which line of `of` is swapped, from 0
    stop_requested = models.BooleanField(default=False)
    # Hers that was unfinished when she asked this: it is written before this one. There is never more than one.
    after = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created_at"]
        constraints = [models.UniqueConstraint(fields=["session", "key"], name="an_ask_counts_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.form} {self.id}"


class Candidate(models.Model):
    """One text, streamed. The row is the truth; Redis only carries it faster.

    Whoever holds `attempt` and an unexpired `lease_until` may write; any other attempt is fenced off. `text` is a
    checkpoint while it runs and final once `status` is terminal.
    """

    class Status(models.TextChoices):
        """Where a candidate stands; the last four are terminal."""

        QUEUED = "queued", _("waiting")
        RUNNING = "running", _("being written")
        DONE = "done", _("written")
        STOPPED = "stopped", _("stopped")
        FAILED = "failed", pgettext_lazy("candidate", "failed")  # a night fails in another way
        INTERRUPTED = "interrupted", _("interrupted")

    TERMINAL = (Status.DONE, Status.STOPPED, Status.FAILED, Status.INTERRUPTED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    inspiration = models.ForeignKey(Inspiration, on_delete=models.CASCADE, related_name="candidates")
    position = models.PositiveSmallIntegerField()
    sampling = models.JSONField()  # with the constraint; see inference.request
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.QUEUED)
    attempt = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    text = models.TextField(blank=True)
    tokens = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=40, blank=True)  # a code, never a text of the writer's or the model's
    node = models.CharField(max_length=100, blank=True)
    adapter = models.CharField(max_length=100, blank=True)  # which wrote it; empty: the base
    arm = models.CharField(max_length=10, blank=True)  # blind trial: "champion" or "challenger"; hidden until judged
    conforms = models.BooleanField(null=True)  # said by engines that cannot hold a form: whether it came out in it
    queued_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    first_text_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    taken_at = models.DateTimeField(null=True, blank=True)  # when she first took it, or a line of it, into her text

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["inspiration", "position"], name="one_candidate_a_place")]
        indexes = [
            models.Index(fields=["status", "lease_until"]),
            models.Index(
                name="done_lately",  # every `busy` asks how long the last ones took, under the writers' lock
                fields=["status", "-finished_at"],  # SQLite would else rather sort what the other index finds
                condition=models.Q(status="done", started_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.inspiration_id}/{self.position} {self.status}"

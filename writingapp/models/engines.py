"""The engines' nodes, and the adapters that they should serve."""

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

NAME = RegexValidator(r"^[a-z0-9][a-z0-9._-]{0,62}$", _("Lower-case letters, digits, dots, dashes and underscores."))

# Django's own check of addresses wants a dot in a host's name, which those of a private network seldom have.
ADDRESS = RegexValidator(r"^https?://[A-Za-z0-9.\-\[\]:]+(/[\w./-]*)?$", _("An address like http://10.0.0.5:8000."))


class EngineNode(models.Model):
    """One endpoint that makes texts. Workers read these rows every second, so a change here needs no restart.

    An external node runs by itself at `url`. A managed one is started by the keeper of `host` after `plan`, and the
    keeper writes its `url`, and who it is; no other takes the node until `kept_until`. `secret` names where its key is
    found (see writingapp.keys): no row holds a key.
    """

    class State(models.TextChoices):
        """What the operator wants of it."""

        ACTIVE = "active", _("active")
        DRAINING = "draining", _("draining")
        OFF = "off", _("off")

    class Origin(models.TextChoices):
        """Who wrote the row; what the settings wrote, the settings may change."""

        SETTINGS = "settings", _("the settings")
        HAND = "hand", _("by hand")

    name = models.CharField(max_length=63, primary_key=True, validators=[NAME])
    kind = models.CharField(max_length=20)  # one of inference.engines.ENGINES
    url = models.CharField(max_length=300, blank=True, validators=[ADDRESS])
    secret = models.CharField(max_length=63, blank=True)
    model = models.CharField(max_length=200, blank=True)  # what requests call the base
    capacity = models.PositiveSmallIntegerField(default=2, validators=[MinValueValidator(1), MaxValueValidator(4096)])
    weight = models.FloatField(default=1.0, validators=[MinValueValidator(0.01), MaxValueValidator(100.0)])
    managed = models.BooleanField(default=False)
    sees = models.BooleanField(default=False)  # its model reads pictures
    host = models.CharField(max_length=100, blank=True)  # where its keeper lives; empty: any
    keeper = models.CharField(max_length=100, blank=True)  # the host whose keeper has it now; empty: none
    kept_until = models.DateTimeField(null=True, blank=True)  # it is renewed before
    plan = models.JSONField(default=dict, blank=True)  # writingapp.services.keeping.Planned
    state = models.CharField(max_length=10, choices=State.choices, default=State.ACTIVE)
    origin = models.CharField(max_length=10, choices=Origin.choices, default=Origin.HAND)
    adapters = models.JSONField(default=dict, blank=True)  # name: {"state": "proved" | "failed", "why", figures}
    health = models.CharField(max_length=10, blank=True)  # as last seen: ready, loading, down
    seen_at = models.DateTimeField(null=True, blank=True)
    fitting_until = models.DateTimeField(null=True, blank=True)  # one process at a time loads adapters here
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return f"{self.name} ({self.kind})"


class Adapter(models.Model):
    """A LoRA as it lies in the registry: an immutable folder, named by what is in it. A name is never given twice."""

    class State(models.TextChoices):
        """READY lies there; LOADED is kept on the nodes; SERVING, at most one, writes; RETIRED never comes back."""

        READY = "ready", _("ready")
        LOADED = "loaded", _("loaded")
        SERVING = "serving", _("serving")
        RETIRED = "retired", _("retired")

    class Origin(models.TextChoices):
        """Where it came from."""

        NIGHT = "night", _("a night")
        HAND = "hand", _("by hand")
        IMPORT = "import", _("imported")

    WANTED = (State.LOADED, State.SERVING)

    name = models.CharField(max_length=63, primary_key=True, validators=[NAME])
    digest = models.CharField(max_length=64, unique=True)  # sha256 over the folder's files
    folder = models.CharField(max_length=300)
    base = models.CharField(max_length=200)  # the model it was trained on
    rank = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.READY)
    origin = models.CharField(max_length=10, choices=Origin.choices, default=Origin.HAND)
    gate = models.JSONField(default=dict, blank=True)  # the verdict that let it serve, or did not, with its numbers
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="children")
    tainted_at = models.DateTimeField(null=True, blank=True)  # it saw a rating that was withdrawn since
    promoted_at = models.DateTimeField(null=True, blank=True)  # when it last began to serve
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["state"], condition=models.Q(state="serving"), name="one_adapter_serves")
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.state})"

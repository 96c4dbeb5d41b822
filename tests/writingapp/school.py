"""A school for tests: its head, a night with curves and a verdict, and a night in progress."""

import json
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Permission
from django.utils import timezone

from writingapp.models import TrainingRun, User

CHECKS: list[dict[str, Any]] = [
    {"reason": "artifact", "passed": True},
    {"reason": "too_little", "passed": True, "value": 40, "limit": 20, "count": 40},
    {"reason": "heavy_writer", "passed": True, "value": 0.21, "limit": 0.3, "count": 212},
    {
        "reason": "ranking",
        "passed": False,
        "value": -0.021,
        "limit": -0.1,
        "low": -0.153,
        "high": 0.11,
        "count": 40,
        "against": "base",
    },
    {"reason": "poems", "passed": True, "value": 1.012, "limit": 1.05, "count": 32, "against": "serving"},
]
SAMPLE = {"prompt": "wujue 清晨的湖", "base": "底模的诗", "serving": "如今的诗", "candidate": "<b>新的诗"}
REFUSED = {
    "passed": False,
    "reasons": ["ranking"],
    "scale": None,
    "scales": {"1": ["ranking", "variety"], "0.5": ["ranking"]},
    "checks": CHECKS,
    "samples": [SAMPLE],
}
PASSED = REFUSED | {"passed": True, "reasons": [], "scale": 0.5, "scales": {"1": ["ranking"], "0.5": []}}


def head(name: str = "head", *codenames: str) -> User:
    """Staff who may head the school, and whatever others are named."""
    user = User.objects.create_user(username=name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=("change_school", *codenames)))
    return User.objects.get(pk=user.pk)


def night(day: int = 20, **said: Any) -> TrainingRun:
    """A night of November that the gate has refused, unless it is said otherwise."""
    now = timezone.now()
    told: dict[str, Any] = {"state": "refused", "why": "ranking", "gate": REFUSED, "finished_at": now}
    told |= {"config": {"base": "b", "rank": 16}, "started_at": now - timedelta(minutes=37)}
    told |= {
        "manifest": {"ratings": 9, "made": 4, "pairs": {"train": 212, "held_out": 40}, "fates": {"held: copied": 3}}
    }
    return TrainingRun.objects.create(night=date(2026, 11, day), **told | said)


def going(day: int = 21, **said: Any) -> TrainingRun:
    """One that is being trained by somebody who is alive for another minute."""
    now = timezone.now()
    told = {"holder": "elsewhere:1:x", "lease_until": now + timedelta(minutes=1), "attempt": 1}
    told |= {"deadline": now + timedelta(hours=3), "finished_at": None, "gate": {}, "why": "", "state": "training"}
    return night(day, **told | said)


def tell(run: TrainingRun, first: int, last: int, planned: int = 40) -> None:
    """Lines of steps, as training writes them."""
    folder = settings.RUNS / str(run.pk)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "progress.jsonl").open("a", encoding="utf-8") as file:
        if first == 1:
            file.write(json.dumps({"step": 0, "held_out": {"loss": 0.7, "margin": 0.0}}) + "\n")
        for step in range(first, last + 1):
            line = {"step": step, "planned": planned, "loss": 0.7 - step / 100, "margin": step / 50, "kl": step / 1000}
            line |= {"chosen_logp": -2 - step / 90, "rejected_logp": -2.2 - step / 40, "accuracy": 0.5 + step / 100}
            file.write(json.dumps(line | {"seconds_left": 30.0 * (planned - step)}) + "\n")

"""Pairs for tests, with all that stands behind them: a session with a manuscript, an ask, two texts, a rating."""

import itertools
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.models import Permission
from django.utils import timezone

from writingapp.models import Candidate, Inspiration, Pair, Rating, User
from writingapp.services import manuscripts, sessions

SECRET = "藏在手稿里的一句话"
CHOSEN = "晓色入平湖，\n微霜渐可铺。\n孤舟人未起，\n先有一声乌。"
REJECTED = "晓色入空山，\n微霜渐可攀。\n孤舟人未起，\n先有一声还。"
_counter = itertools.count()


def reviewer(name: str = "reviewer", *codenames: str) -> User:
    """Staff with the permission to review, and whatever others are named."""
    user = User.objects.create_user(username=name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=("review_pairs", *codenames)))
    return User.objects.get(pk=user.pk)


def pair(writer: User, *, consent: bool = True, at: datetime | None = None, **said: Any) -> Pair:
    """A pair of a poem, each a second later than the one before. The manuscript behind it holds SECRET."""
    number = next(_counter)
    now = timezone.now()
    session = sessions.start(user=writer, minutes=10, theme="霜", goal=None, now=now)
    change = manuscripts.Change(text=SECRET)
    manuscripts.save(session=session, save_id=uuid.uuid4(), base_rev=0, change=change, now=now)
    session.refresh_from_db()
    sessions.finish(session=session, now=now)
    kind = said.pop("kind", "poem")
    quoted = [{"role": "assistant", "content": SECRET}] if kind in ("line", "continue") else []
    form = said.pop("form", "wujue" if kind == "poem" else "")
    wish = said.pop("wish", "湖上的早晨")
    ask = Inspiration.objects.create(
        session=session,
        key=uuid.uuid4(),
        kind=kind,
        form=form,
        wish=wish,
        language="zh",
        chips=["湖", "霜"],
        messages=[{"role": "user", "content": wish}, *quoted],
    )
    texts = {"chosen": said.pop("chosen_text", CHOSEN), "rejected": said.pop("rejected_text", REJECTED)}
    adapters = {name: said.pop(f"{name}_adapter", "") for name in texts}
    made = {
        name: Candidate.objects.create(
            inspiration=ask,
            position=position,
            sampling={"temperature": 0.7, "seed": number},
            status="done",
            text=texts[name],
            adapter=adapters[name],
            queued_at=now,
            started_at=now,
            finished_at=now + timedelta(seconds=1.5),
        )
        for position, name in enumerate(texts)
    }
    row = Pair.objects.create(
        inspiration=ask,
        user=writer,
        **made,
        split="train",
        night=now.date(),
        writer=writer.pseudonym,
        form=form,
        kind=kind,
        language="zh",
        wish=wish,
        chosen_text=texts["chosen"],
        rejected_text=texts["rejected"],
        chosen_adapter=adapters["chosen"],
        rejected_adapter=adapters["rejected"],
        created_at=at or datetime(2026, 11, 1, tzinfo=UTC) + timedelta(seconds=number),
        **{"gap": 0.5, "source": "compare", **said},
    )
    row.ratings.add(rating(writer, made["chosen"], consent=consent))
    return row


def rating(writer: User, candidate: Candidate, *, consent: bool = True, **said: Any) -> Rating:
    now = timezone.now()
    return Rating.objects.create(
        user=writer,
        inspiration=candidate.inspiration,
        candidate=candidate,
        consent=consent,
        created_at=now,
        updated_at=now,
        **{"kind": "prefer", "fate": "paired", **said},
    )

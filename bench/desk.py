"""What the review desk's pages take with many pairs, and by which queries. On an empty database of its own:

    DATABASE_URL=… python manage.py migrate && python manage.py shell -c "from bench.desk import run; run(100_000)"

Each page is asked for some times through Django's own client, and the middle time told; no page is cached. Leaves out
the network and the web server.
"""

import statistics
import time
import uuid
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from writingapp.models import Candidate, Inspiration, Pair, User, WritingSession
from writingapp.services import sessions

CHARACTERS = "山湖霜露晨舟月风林雪松鹤云水钟寺烟灯桥雨江星梅竹"
WRITERS, PORTION, ROUNDS = 200, 2_000, 7
FORMS = ("wujue", "qijue", "free", "")


def run(count: int) -> None:
    """Fill, ask, tell."""
    if Pair.objects.exists():
        raise SystemExit("These are somebody's pairs: name an empty database.")
    settings.ALLOWED_HOSTS = ["testserver"]
    _fill(count)
    client = Client()
    client.force_login(_reviewer())
    middle = Pair.objects.filter(state="waiting")[count // 3]
    mark = f"{middle.created_at.isoformat()}~{middle.pk}"
    pages: dict[str, tuple[str, dict[str, str]]] = {
        "first page": ("/desk/", {}),
        "a page in the middle": ("/desk/", {"after": mark}),
        "approved": ("/desk/", {"state": "approved"}),
        "one form": ("/desk/", {"form": "qijue"}),
        "one writer": ("/desk/", {"writer": middle.writer}),
        "a tag": ("/desk/", {"tag": "fresh"}),
        "an adapter": ("/desk/", {"adapter": "dew-3"}),
        "days and gap": ("/desk/", {"since": "2026-03-01", "until": "2026-03-31", "gap": "0.7"}),
        "words that many have": ("/desk/", {"words": "山"}),
        "words that nobody has": ("/desk/", {"words": "鲲鹏万里"}),
        "one pair": (f"/desk/pairs/{middle.pk}/", {}),
        "one pair among words": (f"/desk/pairs/{middle.pk}/", {"words": "鲲鹏万里"}),
        "statistics": ("/desk/statistics/", {}),
    }
    print(f"{connection.vendor}, {count:,} pairs\n\n| page | ms | queries |\n|---|---|---|")
    for name, (path, query) in pages.items():
        _tell(client, name, path, query)


def _tell(client: Client, name: str, path: str, query: dict[str, str]) -> None:
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        answer = client.get(path, query)
        took.append((time.perf_counter() - began) * 1000)
        assert answer.status_code == 200, (name, answer.status_code)
    with CaptureQueriesContext(connection) as seen:
        client.get(path, query)
    print(f"| {name} | {statistics.median(took):.0f} | {len(seen)} |")
    for each in seen.captured_queries:
        if "writingapp_pair" in each["sql"] and each["sql"].startswith("SELECT"):
            print(f"    {_plan(each['sql'])}")


def _plan(sql: str) -> str:
    """How the database goes about a query, in one line."""
    with connection.cursor() as cursor:
        told = "EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN "
        cursor.execute(told + sql.replace("%", "%%"), [])
        return "; ".join(str(row[-1]).strip() for row in cursor.fetchall())[:400]


def _reviewer() -> User:
    user = User.objects.create_user(username="bench-reviewer", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="review_pairs"))
    return user


def _fill(count: int) -> None:
    random, now = Random(1), timezone.now()
    writers = [User.objects.create(username=f"bench-{at}") for at in range(WRITERS)]
    seats = [sessions.start(user=writer, minutes=10, theme="", goal=None, now=now) for writer in writers]
    for start in range(0, count, PORTION):
        many = range(start, min(start + PORTION, count))
        _portion([_pair(random, at, random.choice(seats)) for at in many])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _portion(made: list[tuple[Inspiration, Candidate, Candidate, Pair]]) -> None:
    Inspiration.objects.bulk_create([each[0] for each in made], batch_size=500)
    Candidate.objects.bulk_create([text for each in made for text in each[1:3]], batch_size=500)
    Pair.objects.bulk_create([each[3] for each in made], batch_size=500)


def _pair(random: Random, at: int, seat: WritingSession) -> tuple[Inspiration, Candidate, Candidate, Pair]:
    created = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=4 * at)
    form, texts = random.choice(FORMS), [_text(random), _text(random)]
    adapters = [f"dew-{random.randrange(9)}" for _ in texts]
    wish = "".join(random.choices(CHARACTERS, k=6))
    ask = Inspiration(
        session=seat, key=uuid.uuid4(), kind="poem", form=form, wish=wish, language="zh", messages=[{"role": "user"}]
    )
    made = [
        Candidate(
            inspiration=ask, position=place, sampling={}, status="done", text=text, adapter=name, queued_at=created
        )
        for place, (text, name) in enumerate(zip(texts, adapters, strict=True))
    ]
    said: dict[str, Any] = {
        "state": random.choices(Pair.State.values, weights=[60, 10, 20, 6, 3, 1])[0],
        "gap": random.choice([0.25, 0.5, 0.75, 1.0]),
        "tags": random.sample(["fresh", "music", "apt", "stale"], random.randrange(3)),
    }
    pair = Pair(
        inspiration=ask, user=seat.user, chosen=made[0], rejected=made[1], source="compare", split="train",
        night=created.date(), writer=seat.user.pseudonym, form=form, kind="poem", language="zh", wish=wish,
        chosen_text=texts[0], rejected_text=texts[1], chosen_adapter=adapters[0], rejected_adapter=adapters[1],
        created_at=created, **said,
    )  # fmt: skip
    return ask, made[0], made[1], pair


def _text(random: Random) -> str:
    return "，\n".join("".join(random.choices(CHARACTERS, k=7)) for _ in range(4))

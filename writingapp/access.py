"""The only way to another row. Whatever is not the writer's own is, for her, not there."""

import uuid

from django.db.models import QuerySet
from django.http import Http404

from writingapp import statements
from writingapp.models import (
    Adapter,
    Candidate,
    Inspiration,
    Pair,
    Photo,
    Rating,
    TrainingRun,
    Trial,
    User,
    WritingSession,
)


class NotHere(Http404):
    """Not hers, or not there: the answer is the same."""


def _key(value: object) -> uuid.UUID:
    try:
        return uuid.UUID(str(value))
    except ValueError:
        raise NotHere from None


def sessions_of(user: User) -> QuerySet[WritingSession]:
    return WritingSession.objects.filter(user_id=user.pk)


def session_for(user: User, session_id: object) -> WritingSession:
    """Its manuscript, which may be long, is read only when asked for."""
    session = sessions_of(user).filter(pk=_key(session_id)).defer("text").first()
    if session is None:
        raise NotHere
    return session


def asking_session_for(user: User, session_id: object) -> WritingSession:
    """What an ask needs of a session, and no more, for it is on the way to every poem. Nothing of it can be saved."""
    key = _key(session_id)
    theme = statements.theme(key, user.pk)
    if theme is None:
        raise NotHere
    return WritingSession(pk=key, user_id=user.pk, theme=theme)


def inspiration_for(user: User, session_id: object, inspiration_id: object) -> Inspiration:
    """Within one session, so that a socket cannot reach beside its own."""
    inspiration = Inspiration.objects.filter(
        pk=_key(inspiration_id), session_id=_key(session_id), session__user_id=user.pk
    ).first()
    if inspiration is None:
        raise NotHere
    return inspiration


def candidate_for(user: User, session_id: object, candidate_id: object) -> Candidate:
    candidate = Candidate.objects.filter(
        pk=_key(candidate_id), inspiration__session_id=_key(session_id), inspiration__session__user_id=user.pk
    ).first()
    if candidate is None:
        raise NotHere
    return candidate


def ratings_of(user: User) -> QuerySet[Rating]:
    return Rating.objects.filter(user_id=user.pk)


def rating_for(user: User, rating_id: object) -> Rating:
    rating = ratings_of(user).select_related("inspiration").filter(pk=_key(rating_id)).first()
    if rating is None:
        raise NotHere
    return rating


def is_reviewer(user: User) -> bool:
    """Staff who may read and judge pairs. Superusers may as well."""
    return user.is_active and user.is_staff and user.has_perm("writingapp.review_pairs")


def reviewed_by(user: User) -> QuerySet[Pair]:
    """All pairs, for whoever may review them; for everybody else there are none and no desk."""
    if not is_reviewer(user):
        raise NotHere
    return Pair.objects.all()


def pair_for(user: User, pair_id: object) -> Pair:
    pair = reviewed_by(user).filter(pk=_key(pair_id)).select_related("inspiration", "chosen", "rejected").first()
    if pair is None:
        raise NotHere
    return pair


def reads_the_trail(user: User) -> bool:
    return user.is_active and user.is_staff and user.has_perm("writingapp.view_auditevent")


def is_principal(user: User) -> bool:
    """Staff who may begin and stop nights, and say which adapter writes."""
    return user.is_active and user.is_staff and user.has_perm("writingapp.change_school")


def runs_for(user: User) -> QuerySet[TrainingRun]:
    """All runs, for whoever heads the school; for everybody else there are none."""
    if not is_principal(user):
        raise NotHere
    return TrainingRun.objects.select_related("adapter")


def run_for(user: User, run_id: object) -> TrainingRun:
    run = runs_for(user).filter(pk=_key(run_id)).first()
    if run is None:
        raise NotHere
    return run


def adapters_for(user: User) -> QuerySet[Adapter]:
    """The registry, likewise."""
    if not is_principal(user):
        raise NotHere
    return Adapter.objects.select_related("parent")


def adapter_for(user: User, name: str) -> Adapter:
    adapter = adapters_for(user).filter(pk=name).first()
    if adapter is None:
        raise NotHere
    return adapter


def trial_for(user: User, trial_id: object) -> Trial:
    trial = Trial.objects.filter(pk=_key(trial_id)).first() if is_principal(user) else None
    if trial is None:
        raise NotHere
    return trial


def photo_for(user: User, session_id: object, photo_id: object) -> Photo:
    photo = photo_if_here(user, session_id, photo_id)
    if photo is None:
        raise NotHere
    return photo


def photo_if_here(user: User, session_id: object, photo_id: object) -> Photo | None:
    """None: not hers, or not there."""
    return Photo.objects.filter(pk=_key(photo_id), session_id=_key(session_id), session__user_id=user.pk).first()

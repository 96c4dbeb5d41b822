"""The staff's view of the rows. Nothing in it leads to a manuscript: no column, no filter, no search, no address."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

from allauth.account.decorators import secure_admin_login
from csp.decorators import csp_replace
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Permission
from django.db.models import ManyToManyField, QuerySet
from django.forms import CheckboxSelectMultiple, ModelMultipleChoiceField
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from writingapp.accounts import needs_second_step
from writingapp.models import (
    Adapter,
    AuditEvent,
    Candidate,
    EngineNode,
    Inspiration,
    Pair,
    Rating,
    Review,
    User,
    WritingSession,
)

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


def _with_second_step(view: View) -> View:
    @wraps(view)
    def kept(request: HttpRequest, *args: Any, **options: Any) -> HttpResponseBase:
        if isinstance(request.user, User) and needs_second_step(request.user):
            return redirect("mfa_activate_totp")
        return view(request, *args, **options)

    return cast("View", kept)


# What a superuser may give; each opens staff pages of ours. See writingapp.access.
STAFF_RIGHTS = ("review_pairs", "view_auditevent", "change_school")


class StaffDesk(admin.AdminSite):
    """Django's admin behind our own login and its limits."""

    site_header = site_title = _("Bailu, staff desk")
    index_title = _("Rows")

    def admin_view(self, view: View, cacheable: bool = False) -> View:  # noqa: FBT001, FBT002 - Django's signature
        """The admin's jQuery writes markup as strings, so trusted types, and they alone, are off here."""
        inner = super().admin_view(_with_second_step(view), cacheable)
        return cast("View", csp_replace({"require-trusted-types-for": None})(inner))


if TYPE_CHECKING:
    RowAdmin = admin.ModelAdmin[Any]
    PeopleAdmin = UserAdmin[User]
else:  # these take no parameters at run time
    RowAdmin, PeopleAdmin = admin.ModelAdmin, UserAdmin


desk = StaffDesk(name="admin")
desk.login = secure_admin_login(desk.login)  # type: ignore[method-assign]


class ClosedLookups:
    """Only the filters on show. Django would take any field of the model, or of one related to it, from the address:
    `?text__startswith=` would then read a manuscript letter by letter.
    """

    lookups: frozenset[str] = frozenset()

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        return lookup in self.lookups


class Reading(ClosedLookups, RowAdmin):
    """Rows to look at; what writers made is not for staff to change."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(User, site=desk)
class WriterAdmin(ClosedLookups, PeopleAdmin):
    """People: who may come in, and as what."""

    lookups = frozenset({"is_staff__exact", "is_superuser__exact", "is_active__exact"})
    list_display = ("username", "email", "time_zone", "language", "is_staff", "is_active", "date_joined")
    list_filter = ("is_staff", "is_superuser", "is_active")
    search_fields = ("username", "email")
    ordering = ("-date_joined",)
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Writer"), {"fields": ("email", "language", "time_zone", "indent_paragraphs", "show_clock")}),
        (_("Rights"), {"fields": ("is_active", "is_staff", "is_superuser", "user_permissions")}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")

    def formfield_for_manytomany(
        self, db_field: "ManyToManyField[Any, Any]", request: HttpRequest, **options: Any
    ) -> "ModelMultipleChoiceField[Any] | None":
        """Only the rights of the review desk: the others open nothing but these pages, which superusers have anyway."""
        if db_field.name == "user_permissions":
            options["queryset"] = Permission.objects.filter(codename__in=STAFF_RIGHTS)
            options["widget"] = CheckboxSelectMultiple
        return super().formfield_for_manytomany(db_field, request, **options)


@admin.register(WritingSession, site=desk)
class SessionAdmin(Reading):
    """Sittings by their clock and their numbers. What was written in them does not leave the database."""

    lookups = frozenset({"state__exact", "day__gte", "day__lt"})
    list_display = ("id", "user", "day", "state", "minutes", "characters", "started_at", "finished_at")
    list_filter = ("state", "day")
    list_select_related = ("user",)
    fields = (
        "id",
        "user",
        "day",
        "minutes",
        "goal",
        "state",
        "started_at",
        "deadline",
        "paused_at",
        "paused_total",
        "finished_at",
        "rev",
        "on_time_rev",
        "characters",
        "saved_at",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[WritingSession]:
        return super().get_queryset(request).defer("text")


@admin.register(Inspiration, site=desk)
class InspirationAdmin(Reading):
    """Asks, without the messages: these quote the manuscript."""

    lookups = frozenset({"kind__exact", "language", "created_at__gte", "created_at__lt"})
    list_display = ("id", "kind", "form", "language", "wish", "stop_requested", "created_at")
    list_filter = ("kind", "language", "created_at")
    fields = ("id", "session", "kind", "form", "language", "wish", "stop_requested", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Inspiration]:
        return super().get_queryset(request).defer("messages").select_related("session__user").defer("session__text")


@admin.register(Candidate, site=desk)
class CandidateAdmin(Reading):
    """Texts of the model, and how their making went."""

    lookups = frozenset({"status__exact", "error", "queued_at__gte", "queued_at__lt"})
    list_display = ("id", "status", "attempt", "tokens", "error", "node", "queued_at", "first_text_at", "finished_at")
    list_filter = ("status", "error", "queued_at")
    fields = (
        "id",
        "inspiration",
        "position",
        "status",
        "attempt",
        "lease_until",
        "text",
        "tokens",
        "error",
        "node",
        "adapter",
        "sampling",
        "queued_at",
        "started_at",
        "first_text_at",
        "finished_at",
        "taken_at",
    )


@admin.register(EngineNode, site=desk)
class NodeAdmin(Reading):
    """The engines' nodes as last seen. Changing one could lead what writers ask elsewhere: that takes a terminal."""

    lookups = frozenset({"state__exact", "kind", "managed__exact"})
    list_display = ("name", "kind", "state", "health", "seen_at", "url", "model", "capacity", "sees", "managed")
    list_filter = ("state", "kind", "managed")
    fields = (*list_display, "origin", "weight", "host", "keeper", "secret", "plan", "adapters", "updated_at")


@admin.register(Adapter, site=desk)
class AdapterAdmin(Reading):
    """The registry of adapters."""

    lookups = frozenset({"state__exact", "base"})
    list_display = ("name", "state", "base", "rank", "created_at")
    list_filter = ("state", "base")
    fields = ("name", "state", "base", "rank", "digest", "folder", "created_at")


@admin.register(Rating, site=desk)
class RatingAdmin(Reading):
    """What writers judged, and what became of it."""

    lookups = frozenset({"kind__exact", "fate__exact", "consent__exact", "created_at__gte", "created_at__lt"})
    list_display = ("id", "kind", "score", "fate", "reason", "consent", "again", "created_at", "withdrawn_at")
    list_filter = ("kind", "fate", "consent", "created_at")
    fields = (*list_display, "candidate", "line", "tags", "swapped", "latency_ms", "history", "updated_at")


@admin.register(Pair, site=desk)
class PairAdmin(Reading):
    """Pairs as they lie; the review desk is for working on them."""

    lookups = frozenset({"state__exact", "form", "split__exact", "night__gte", "night__lt"})
    list_display = ("id", "state", "reason", "form", "writer", "gap", "source", "split", "night", "created_at")
    list_filter = ("state", "form", "split", "night")
    fields = (
        *list_display,
        "held",
        "wish",
        "chosen_text",
        "rejected_text",
        "chosen_adapter",
        "rejected_adapter",
        "tags",
        "opinions",
        "agreement",
        "decided_at",
    )


@admin.register(Review, site=desk)
class ReviewAdmin(Reading):
    """Every decision, those taken back too."""

    lookups = frozenset({"decision__exact", "created_at__gte", "created_at__lt"})
    list_display = ("id", "pair", "reviewer", "decision", "reason", "batch", "created_at", "undone_at")
    list_filter = ("decision", "created_at")
    list_select_related = ("pair", "reviewer")
    fields = list_display


@admin.register(AuditEvent, site=desk)
class AuditEventAdmin(Reading):
    """The trail."""

    lookups = frozenset({"action", "at__gte", "at__lt"})
    list_display = ("id", "at", "actor", "action", "subject")
    list_filter = ("action", "at")
    list_select_related = ("actor",)
    fields = (*list_display, "detail")

"""Addresses of the pages."""

from allauth.mfa.totp.views import activate_totp
from csp.decorators import csp_update
from django.urls import include, path
from django.views.generic import RedirectView

from writingapp.admin import desk
from writingapp.api import api
from writingapp.views import account, errors, health, leaving, mornings, photos, ratings, sessions, today
from writingapp.views.desk import audit, bulk, export, pair, queue, statistics
from writingapp.views.school import acting, adapters, run, runs

urlpatterns = [
    path("", today.today, name="today"),
    path("sessions/<uuid:session_id>/", sessions.session, name="session"),
    path("sessions/<uuid:session_id>/finish/", sessions.finish, name="finish"),
    path("sessions/<uuid:session_id>/finished/", sessions.finished, name="finished"),
    path(
        "sessions/<uuid:session_id>/photos/<uuid:photo_id>/forget/",
        photos.forget,
        name="forget_photo",
    ),
    path("mornings/", mornings.mornings, name="mornings"),
    path("ratings/", ratings.ratings, name="ratings"),
    path("ratings/export/", ratings.export, name="ratings_export"),
    path("ratings/withdraw/", ratings.withdraw_all, name="ratings_withdraw"),
    path("ratings/<uuid:rating_id>/withdraw/", ratings.withdraw, name="rating_withdraw"),
    path("ratings/<uuid:rating_id>/again/", ratings.again, name="rating_again"),
    path("ratings/<uuid:rating_id>/consent/", ratings.allow, name="rating_consent"),
    path("account/", account.account, name="account"),
    path("account/leave/", leaving.leave, name="leave"),
    # Her address stands among her settings; allauth's own page for it would be a second place.
    path("accounts/email/", RedirectView.as_view(pattern_name="account")),
    # Its QR picture is a data address.
    path("accounts/2fa/totp/activate/", csp_update({"img-src": "data:"})(activate_totp)),
    path("accounts/", include("allauth.urls")),
    path("language/", include("django.conf.urls.i18n")),
    path("api/v1/", api.urls),
    path("desk/", queue.queue, name="desk"),
    path("desk/pairs/<uuid:pair_id>/", pair.pair, name="desk_pair"),
    path("desk/pairs/<uuid:pair_id>/decide/", pair.decide, name="desk_decide"),
    path("desk/undo/", pair.undo, name="desk_undo"),
    path("desk/bulk/", bulk.bulk, name="desk_bulk"),
    path("desk/batches/", bulk.batches_of, name="desk_batches"),
    path("desk/batches/<uuid:batch_id>/", bulk.batch, name="desk_batch"),
    path("desk/batches/<uuid:batch_id>/undo/", bulk.undo_batch, name="desk_batch_undo"),
    path("desk/statistics/", statistics.statistics, name="desk_statistics"),
    path("desk/export/", export.export, name="desk_export"),
    path("desk/audit/", audit.audit, name="desk_audit"),
    path("school/", runs.school, name="school"),
    path("school/turn/", acting.turn, name="school_turn"),
    path("school/begin/", acting.begin, name="school_begin"),
    path("school/runs/<uuid:run_id>/", run.run, name="school_run"),
    path("school/runs/<uuid:run_id>/live/", run.live, name="school_run_live"),
    path("school/runs/<uuid:run_id>/stop/", acting.stop, name="school_run_stop"),
    path("school/runs/<uuid:run_id>/<slug:name>.json", run.file, name="school_run_file"),
    path("school/adapters/", adapters.adapters, name="school_adapters"),
    path("school/adapters/back/", acting.roll_back, name="school_roll_back"),
    path("school/adapters/<str:name>/load/", acting.load, name="school_load"),
    path("school/adapters/<str:name>/unload/", acting.unload, name="school_unload"),
    path("school/adapters/<str:name>/promote/", acting.promote, name="school_promote"),
    path("school/adapters/<str:name>/retire/", acting.retire, name="school_retire"),
    path("school/adapters/<str:name>/try/", acting.try_out, name="school_try"),
    path("school/trial/share/", acting.widen_trial, name="school_trial_share"),
    path("school/trials/<uuid:trial_id>/stop/", acting.stop_trial, name="school_trial_stop"),
    path("staff/", desk.urls),
    path("healthz", health.healthz),
    path("metrics", health.metrics),
]

handler400 = errors.bad_request
handler403 = errors.permission_denied
handler404 = errors.page_not_found
handler500 = errors.server_error

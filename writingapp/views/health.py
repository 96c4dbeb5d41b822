"""For load balancers, for whoever starts the house, and for the operator's figures."""

import hmac

from django.conf import settings
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest


def healthz(_: HttpRequest) -> JsonResponse:
    """Does the web process answer, and can it reach the database?"""
    connection.ensure_connection()
    return JsonResponse({"web": "ready"})


def metrics(request: HttpRequest) -> HttpResponse:
    """This process's figures, for whoever has the token; for anybody else there is nothing here."""
    wanted = f"Bearer {settings.METRICS_TOKEN}"
    said = request.headers.get("Authorization", "")
    if not settings.METRICS_TOKEN or not hmac.compare_digest(said.encode(), wanted.encode()):
        raise Http404
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)

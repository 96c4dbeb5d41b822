"""For load balancers and for whoever starts the house: does the web process answer, and can it reach the database?"""

from django.db import connection
from django.http import HttpRequest, JsonResponse


def healthz(_: HttpRequest) -> JsonResponse:
    connection.ensure_connection()
    return JsonResponse({"web": "ready"})

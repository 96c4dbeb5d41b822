"""A kept photograph on the finished page, let go."""

import uuid

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from writingapp import access
from writingapp.views.context import writer_of


@login_required
@require_POST
def forget(request: HttpRequest, session_id: uuid.UUID, photo_id: uuid.UUID) -> HttpResponse:
    """Row and file, for good."""
    access.photo_for(writer_of(request), session_id, photo_id).delete()
    return redirect("finished", session_id=session_id)

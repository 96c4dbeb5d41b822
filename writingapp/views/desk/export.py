"""Pairs as a file for a trainer: counted first, then written, noted in the trail, and sent piece by piece."""

import asyncio
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import IO

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from training.datasets import FORMATS, Row, write_lines
from training.parquet import write_folder, write_parquet
from writingapp import access
from writingapp.refusals import Refusal
from writingapp.services import auditing, exporting
from writingapp.views.context import writer_of
from writingapp.views.desk import doors

TYPES = {"jsonl": "application/jsonl", "parquet": "application/vnd.apache.parquet", "zip": "application/zip"}
NAMES = {
    "trl": "TRL",
    "ms-swift": "ms-swift",
    "llamafactory": "LLaMA-Factory",
    "kto": "KTO (TRL)",
    "hf": "Hugging Face",
}
PIECE = 64 * 1024


@doors.for_reviewers
@require_http_methods(["GET", "HEAD", "POST"])
def export(request: HttpRequest) -> HttpResponseBase:
    """What would go out, and the file itself."""
    user, asked = writer_of(request), doors.chosen(request)
    found = asked.pairs(access.reviewed_by(user))
    if request.method == "POST":
        try:
            return _file(request, found=exporting.rows(found), query=asked.query())
        except Refusal as refusal:
            messages.error(request, refusal.sentence)
            return doors.to(reverse("desk_export"), asked.query())
    allowed, all_of_them = exporting.counted(found)
    context = {
        "desk_page": "export",
        "asked": asked,
        "query": asked.query(),
        "allowed": allowed,
        "left_out": all_of_them - allowed,
        "most": exporting.MOST,
        "formats": NAMES.items(),
        "types": TYPES,
    }
    return render(request, "desk/export.html", context)


def _file(request: HttpRequest, *, found: Iterable[Row], query: str) -> StreamingHttpResponse:
    form, kind = request.POST.get("format", ""), request.POST.get("as", "")
    if form not in FORMATS or kind not in TYPES:
        raise Refusal("no_format")
    kind = "zip" if form == "hf" else kind
    rows, number, now = list(found), uuid.uuid4(), timezone.now()
    if not rows:
        raise Refusal("nothing_to_export")
    file = _written(rows, form, kind)
    detail = {"filter": query, "format": form, "as": kind, "rows": len(rows)}
    auditing.note(writer_of(request), "export.made", f"export:{number}", now=now, **detail)
    name = f"bailu-{form}-{now:%Y%m%d-%H%M}.{kind}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return StreamingHttpResponse(_pieces(file), content_type=TYPES[kind], headers=headers)


def _written(rows: list[Row], form: str, kind: str) -> IO[bytes]:
    """An open file whose name is gone already, so that nothing of it stays on the disk."""
    with tempfile.TemporaryDirectory(prefix="bailu-export-") as folder:
        path = Path(folder) / f"pairs.{kind}"
        if kind == "jsonl":
            write_lines(rows, form, path)
        elif kind == "parquet":
            write_parquet(rows, form, path)
        else:
            write_folder(rows, form, Path(folder) / "pairs")
            shutil.make_archive(str(path.with_suffix("")), "zip", Path(folder) / "pairs")
        return path.open("rb")


async def _pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    with file:
        while piece := await asyncio.to_thread(file.read, PIECE):
            yield piece

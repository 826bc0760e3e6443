"""Sending instrument files. They are streamed to the store as they are; reading them is the worker's work."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as BaseResponse

from web.accounts import signed_in
from web.locale import say as _
from web.policy import allow
from web.record import now, record
from web.staff.blueprint import blueprint
from web.texts import refusal_sentence
from xbt.domain.errors import UploadRefused
from xbt.security.policy import Permission
from xbt.services import acquisitions
from xbt.services.samples import AcquisitionView


@blueprint.post("/samples/<int:sample_id>/files")
@allow(Permission.ANALYSE)
def upload(sample_id: int) -> BaseResponse:
    """Take every file that was sent; one that is refused does not keep the others out."""
    sent = [one for one in request.files.getlist("files") if one.filename]
    if not sent:
        flash(_("Choose at least one file first."), "warn")
    for one in sent:
        try:
            _say(_receive(sample_id, one))
        except UploadRefused as error:
            flash(f"{one.filename}: {refusal_sentence(error)}", "alert")
    return redirect(url_for("staff.sample", sample_id=sample_id, _anchor="files"))


@blueprint.post("/files/<int:acquisition_id>/again")
@allow(Permission.ANALYSE)
def analyse_again(acquisition_id: int) -> BaseResponse:
    """Read a stored file once more; what was found before stays."""
    with record().writing.begin() as session:
        done = acquisitions.analyse_again(session, signed_in(), acquisition_id=acquisition_id, now=now())
    return redirect(url_for("staff.sample", sample_id=done.sample_id, _anchor="files"))


def _receive(sample_id: int, sent: FileStorage) -> AcquisitionView:
    opened = record()
    with opened.writing.begin() as session:
        return acquisitions.receive(
            session,
            signed_in(),
            sample_id=sample_id,
            stream=sent.stream,
            file_name=sent.filename or "",
            store=opened.store,
            settings=opened.settings,
            now=now(),
        )


def _say(stored: AcquisitionView) -> None:
    if stored.duplicate:
        flash(
            _(
                "%(name)s is already here: this sample has a file with exactly the same content. "
                "Nothing was stored twice.",
                name=stored.file_name,
            ),
            "warn",
        )
    else:
        flash(_("%(name)s was received.", name=stored.file_name), "note")

"""Sending instrument files and getting them back. They are streamed to the store as they are, a folder as one
zip; reading them is the worker's work.

A script asks for JSON and gets ``{"lines": [{"tone", "text"}, ...]}``, one line an acquisition; a form gets
the page again, with the same said shorter: what it says travels in a cookie.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from flask import flash, jsonify, redirect, render_template, request, send_file, url_for
from flask_babel import ngettext
from werkzeug.wrappers import Response as BaseResponse

from web import uploads
from web.accounts import signed_in
from web.headers import DOWNLOAD_POLICY
from web.locale import say as _
from web.policy import Anyone, allow
from web.record import now, record
from web.staff.blueprint import blueprint
from web.texts import refusal_sentence
from xbt.cli.formats import known_formats
from xbt.domain.errors import UploadRefused
from xbt.security.policy import Permission
from xbt.services import acquisitions
from xbt.services.drops import Dropped, Part, sort_out
from xbt.services.samples import AcquisitionView

NAMED = 3  # files received are named one by one up to so many
TOLD = 6  # refusals in full; a cookie holds 4 KB
SHORT = 80  # characters of a name


@dataclass(frozen=True, slots=True)
class Line:
    """What became of one acquisition."""

    tone: str
    text: str


@blueprint.post("/samples/<int:sample_id>/files")
@allow(Permission.ANALYSE)
def upload(sample_id: int) -> BaseResponse:
    """Take every file and folder that was sent; one that is refused does not keep the others out."""
    lines = list(_taken(sample_id))
    if request.accept_mimetypes.best == "application/json":
        return jsonify(lines=[asdict(line) for line in lines])
    for line in _shortened(lines):
        flash(line.text, line.tone)
    return redirect(url_for("staff.sample", sample_id=sample_id))


@blueprint.post("/files/<int:acquisition_id>/again")
@allow(Permission.ANALYSE)
def analyse_again(acquisition_id: int) -> BaseResponse:
    """Read a stored file once more; what was found before stays."""
    with record().writing.begin() as session:
        done = acquisitions.analyse_again(session, signed_in(), acquisition_id=acquisition_id, now=now())
    return redirect(url_for("staff.sample", sample_id=done.sample_id, _anchor="files"))


@blueprint.get("/files/<int:acquisition_id>/original")
@allow(Permission.SEE_SAMPLES)
def original(acquisition_id: int) -> BaseResponse:
    """The file as it was received, to be kept and never shown: it is a stranger's."""
    opened = record()
    with opened.reading() as session:
        view, stream = acquisitions.original(
            session, signed_in(), opened.store, acquisition_id=acquisition_id
        )
    answer = send_file(
        stream, mimetype="application/octet-stream", as_attachment=True, download_name=view.file_name
    )
    answer.content_length = view.size
    answer.headers["Content-Security-Policy"] = DOWNLOAD_POLICY
    return answer


@blueprint.get("/formats")
@allow(Anyone.STAFF)
def formats() -> str:
    """The table of what is read."""
    return render_template("staff/formats.html", readers=known_formats())


def _taken(sample_id: int) -> Iterator[Line]:
    sent = [Part(one.filename, one.stream) for one in request.files.getlist("files") if one.filename]
    if not sent:
        yield Line("warn", _("Choose at least one file or folder first."))
        return
    dropped = uploads.refusal()
    if dropped is not None:
        yield Line("alert", refusal_sentence(dropped))
        return
    for one in sort_out(sent, record().settings.quarantine_dir):
        name = acquisitions.shown_name(one.name)[:SHORT]
        try:
            yield _received(_receive(sample_id, one))
        except UploadRefused as error:
            yield Line("alert", f"{name}: {refusal_sentence(error)}")


def _receive(sample_id: int, dropped: Dropped) -> AcquisitionView:
    opened = record()
    with opened.writing.begin() as session:
        return acquisitions.receive(
            session,
            signed_in(),
            sample_id=sample_id,
            stream=dropped.open(),
            file_name=dropped.name,
            store=opened.store,
            settings=opened.settings,
            now=now(),
        )


def _received(stored: AcquisitionView) -> Line:
    name = stored.file_name[:SHORT]
    if not stored.duplicate:
        return Line("note", _("%(name)s was received.", name=name))
    return Line(
        "warn",
        _(
            "%(name)s is already here: this sample has a file with exactly the same content. "
            "Nothing was stored twice.",
            name=name,
        ),
    )


def _shortened(lines: list[Line]) -> list[Line]:
    good = [line for line in lines if line.tone == "note"]
    bad = [line for line in lines if line.tone != "note"]
    if len(good) > NAMED:
        good = [
            Line("note", ngettext("%(num)d file was received.", "%(num)d files were received.", len(good)))
        ]
    more = len(bad) - TOLD
    if more > 0:
        rest = ngettext("%(num)d more was not taken.", "%(num)d more were not taken.", more)
        bad = [*bad[:TOLD], Line("alert", rest)]
    return [*good, *bad]

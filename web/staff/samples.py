"""The work list, and one sample with all that belongs to it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from library.answer import Identification
from web.accounts import signed_in
from web.policy import allow
from web.record import record
from web.staff.blueprint import blueprint, worker_is_silent
from web.uploads import AT_ONCE
from xbt.domain.states import SampleState
from xbt.domain.work import JobState
from xbt.security.policy import Permission
from xbt.services import analyses as analyses_service
from xbt.services import meanings, samples, witnesses
from xbt.services import readings as readings_service
from xbt.services.readings import ReadingView
from xbt.services.samples import AcquisitionView, AnalysisView, SampleView

PAGE = 100  # rows shown at first: enough for weeks of work, quick to draw
Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Shown:
    """An analysis with its answer."""

    view: AnalysisView
    answer: Identification


@dataclass(frozen=True, slots=True)
class Read:
    """A reading with what it says by itself; None for one that was taken back."""

    view: ReadingView
    meaning: meanings.Meaning | None


@blueprint.get("/")
@allow(Permission.SEE_SAMPLES)
def home() -> BaseResponse:
    """The work list is the first page."""
    return redirect(url_for("staff.work_list"))


@blueprint.get("/samples")
@allow(Permission.SEE_SAMPLES)
def work_list() -> str:
    """The newest samples, filtered by what stands in the address."""
    state = one_of(SampleState, request.args.get("state", ""))
    text = request.args.get("q", "")[:100]
    with record().reading() as session:
        rows = samples.work_list(session, signed_in(), state=state, text=text)
    shown = rows if "all" in request.args else rows[:PAGE]
    return render_template(
        "staff/work_list.html",
        rows=shown,
        more=len(rows) - len(shown),
        state=state,
        text=text,
        states=SampleState,
    )


@blueprint.get("/samples/<int:sample_id>")
@allow(Permission.SEE_SAMPLES)
def sample(sample_id: int) -> str:
    """Everything about one sample, and what may be done with it now."""
    opened = record()
    with opened.reading() as session:
        view = samples.view(session, signed_in(), sample_id)
        shown = [
            Shown(one, analyses_service.load(session, signed_in(), opened.store, one.id))
            for one in view.analyses
            if one.newest
        ]
        lines = witnesses.of_sample(
            session, signed_in(), sample_id, {one.view.id: one.answer for one in shown}
        )
        amounts = witnesses.amounts(session, signed_in(), sample_id)
        read = readings_service.of_sample(session, signed_in(), sample_id)
    return render_template(
        "staff/sample.html",
        sample=view,
        lines=lines,
        amounts=amounts,
        readings=[_read(one) for one in reversed(read)],
        shown=shown,
        older=[one for one in view.analyses if not one.newest],
        working=is_working(view),
        silent=worker_is_silent(),
        limit_mb=opened.settings.max_upload_mb,
        at_once=AT_ONCE,
    )


@blueprint.get("/samples/<int:sample_id>/files")
@allow(Permission.SEE_SAMPLES)
def file_list(sample_id: int) -> str:
    """The files of a sample alone: what the page asks for while one is being read."""
    with record().reading() as session:
        view = samples.view(session, signed_in(), sample_id)
    return render_template("staff/_files.html", sample=view, silent=worker_is_silent())


def _read(view: ReadingView) -> Read:
    return Read(view, meanings.meaning_of(view.seen) if view.seen else None)


def is_working(view: SampleView) -> bool:
    """Whether a file of the sample is waiting or being read."""
    return any(unfinished(one) for one in view.acquisitions)


@blueprint.app_template_test("unfinished")
def unfinished(one: AcquisitionView) -> bool:
    """Whether a file is waiting or being read."""
    return one.job is not None and one.job.state in (JobState.QUEUED, JobState.RUNNING)


def one_of(kind: type[Choice], text: str) -> Choice | None:
    """The member of ``kind`` with this value, or None."""
    try:
        return kind(text)
    except ValueError:
        return None

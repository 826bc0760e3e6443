"""Why a step may not be taken: small named predicates, asked by the page before and by the service again.

Each gives "" (go ahead) or a stable reason code: ``not_allowed`` (role), ``not_now`` (state),
``still_working`` (a file is being read), ``no_analysis`` (and no reading either), ``undecided`` (components
await a decision), ``own_work`` (nobody signs what they submitted).
"""

from __future__ import annotations

import msgspec

from xbt.db.models import AnalysisRow, JobRow, ReadingRow, ResultRow, Sample
from xbt.domain.errors import NotAllowed, StepRefused
from xbt.domain.evidence import Choice, Evidence, Proposal, undecided
from xbt.domain.people import Actor
from xbt.domain.states import Step, open_steps
from xbt.domain.work import JobState
from xbt.security.policy import STEP_PERMISSION, allows

RETRACTED = "retracted"  # the kind of a reading that takes another back and puts nothing in its place
UNFINISHED = frozenset({JobState.QUEUED, JobState.RUNNING})


def refusal(actor: Actor, sample: Sample, step: Step) -> str:
    """ "" if the actor may take the step on the sample now, else why not."""
    if not allows(actor, STEP_PERMISSION[step]):
        return "not_allowed"
    if step not in open_steps(sample.state):
        return "not_now"
    if step is Step.SUBMIT:
        return _not_ready(sample)
    if step is Step.SIGN and _own_work(actor, sample):
        return "own_work"
    return ""


def require_step(actor: Actor, sample: Sample, step: Step) -> None:
    """Raise unless the step may be taken.

    Raises
    ------
    NotAllowed : the role does not allow the step.
    StepRefused : any other reason of this module; field ``step``.
    """
    code = refusal(actor, sample, step)
    if code == "not_allowed":
        raise NotAllowed("not_allowed", permission=STEP_PERMISSION[step].value)
    if code:
        raise StepRefused(code, step=step.value, state=sample.state.value, **_details(sample, code))


def current_result(sample: Sample) -> ResultRow | None:
    """The newest result that was not sent back."""
    return next((row for row in reversed(sample.results) if row.returned_at is None), None)


def last_released(sample: Sample) -> ResultRow | None:
    """The newest result that was ever released: what the ticket opens, withdrawn or not."""
    return next((row for row in reversed(sample.results) if row.released_at is not None), None)


def newest_analyses(sample: Sample) -> tuple[AnalysisRow, ...]:
    """The newest analysis of every file that has one."""
    return tuple(one.analyses[-1] for one in sample.acquisitions if one.analyses)


def counting_readings(sample: Sample) -> tuple[ReadingRow, ...]:
    """The readings that count: not taken back, and no later one in their place."""
    replaced = {row.replaces_id for row in sample.readings}
    return tuple(row for row in sample.readings if row.kind != RETRACTED and row.id not in replaced)


def evidence_of(row: AnalysisRow) -> Evidence:
    """An analysis with the decisions that count: the latest per component."""
    choices = {one.component: Choice(one.accepted, one.candidate) for one in row.decisions}
    return Evidence(row.id, row.technique, msgspec.convert(row.proposal, Proposal), choices)


def is_working(job: JobRow | None) -> bool:
    return job is not None and job.state in UNFINISHED


def _not_ready(sample: Sample) -> str:
    if any(is_working(one.job) for one in sample.acquisitions):
        return "still_working"
    analyses = newest_analyses(sample)
    if not analyses and not counting_readings(sample):
        return "no_analysis"
    return "undecided" if any(undecided(evidence_of(row)) for row in analyses) else ""


def _own_work(actor: Actor, sample: Sample) -> bool:
    result = current_result(sample)
    return actor.id is None or result is None or result.submitted_by == actor.id


def _details(sample: Sample, code: str) -> dict[str, str]:
    if code != "undecided":
        return {}
    numbers = [number for row in newest_analyses(sample) for number in undecided(evidence_of(row))]
    return {"components": ", ".join(str(number) for number in numbers)}

"""Results: submitted by one person, signed by another, released to the ticket.

Promises that nothing is released unsigned or signed by who submitted it, that the content is written once
and bound to the signature by its hash, and that a correction is a new version which names the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from xbt.db.models import AnalysisRow, ResultRow, Sample
from xbt.domain.amounts import Quantity
from xbt.domain.errors import StepRefused
from xbt.domain.evidence import findings_of, unexplained_share, with_amounts
from xbt.domain.findings import Finding, MethodStatement, ResultVersion
from xbt.domain.indications import Indication
from xbt.domain.people import Actor
from xbt.domain.states import SampleState, Step, after
from xbt.jobs import enqueue
from xbt.security import audit
from xbt.services import meanings
from xbt.services.guards import (
    current_result,
    evidence_of,
    last_released,
    newest_analyses,
    require_step,
)
from xbt.services.quantitation import amounts_of
from xbt.services.readings import counting
from xbt.services.samples import library_names, visible
from xbt.services.snapshots import Content, content_of, digest, to_json, version_of
from xbt.services.witnesses import could_see

TEXT_LIMIT = 2000  # characters of a comment or a reason

METHOD_NAMES = {
    "gc_ms": "GC-MS",
    "lc_ms": "LC-MS",
    "ms": "MS",
    "unknown": "MS",
}


def submit(session: Session, actor: Actor, *, sample_id: int, comment: str, now: datetime) -> ResultVersion:
    """Turn the accepted components into the next version of the result.

    Raises
    ------
    NotFound, NotAllowed : the sample is not the actor's to submit.
    StepRefused : ``not_now``, ``still_working``, ``no_analysis`` or ``undecided`` (field ``components``).
    """
    sample = visible(session, actor, sample_id)
    require_step(actor, sample, Step.SUBMIT)
    analyses = newest_analyses(sample)
    content = to_json(_content(analyses, counting(sample), amounts_of(sample), _short(comment)))
    row = ResultRow(
        sample=sample,
        version=1 + max((earlier.version for earlier in sample.results), default=0),
        content=content,
        content_sha256=digest(content),
        simulated=any(one.simulated for one in analyses),
        reason=sample.amend_reason,
        submitted_by=actor.id,
        submitted_at=now,
    )
    session.add(row)
    sample.state = after(sample.state, Step.SUBMIT)
    session.flush()
    session.refresh(row)
    changes = {"version": row.version, "content": row.content_sha256}
    audit.append(session, actor, "result_submitted", f"sample:{sample.id}", now=now, **changes)
    return version_of(row)


def sign(
    session: Session, actor: Actor, *, sample_id: int, password_checked: bool, now: datetime
) -> ResultVersion:
    """Sign what another person submitted. The caller has asked for the password again just now.

    Raises
    ------
    NotFound, NotAllowed : the sample is not the actor's to sign.
    StepRefused : ``not_now``, ``own_work`` or ``password_needed``.
    """

    def apply(row: ResultRow) -> None:
        if not password_checked:
            raise StepRefused("password_needed", step=Step.SIGN.value)
        content_of(row)  # a stored result that changed since its submission is not signed
        row.signed_by, row.signed_at = actor.id, now

    return _take(session, actor, sample_id, Step.SIGN, apply, now=now)


def release(
    session: Session, actor: Actor, *, sample_id: int, now: datetime, ticket_days: int = 90
) -> ResultVersion:
    """Open the signed result to the ticket, which from now on lasts ``ticket_days`` more.

    Raises
    ------
    NotFound, NotAllowed, StepRefused : the sample is not signed, or not the actor's to release.
    """

    def apply(row: ResultRow) -> None:
        if row.signed_by is None or row.signed_by == row.submitted_by:
            raise StepRefused("unsigned", step=Step.RELEASE.value)
        content_of(row)
        row.released_at = now
        row.sample.amend_reason = ""
        if row.sample.ticket is not None:
            until = now + timedelta(days=ticket_days)
            row.sample.ticket.expires_at = max(row.sample.ticket.expires_at, until)
        enqueue(session, "detect", {"result_id": row.id, "sample_id": row.sample_id}, now=now)

    return _take(session, actor, sample_id, Step.RELEASE, apply, now=now)


def send_back(session: Session, actor: Actor, *, sample_id: int, reason: str, now: datetime) -> ResultVersion:
    """Give a submitted or signed result back to the technician; it stays on record as sent back.

    Raises
    ------
    NotFound, NotAllowed : the sample is not the actor's to return.
    StepRefused : ``not_now`` or ``reason_needed``.
    """

    def apply(row: ResultRow) -> None:
        row.returned_at, row.return_reason = now, _reason(reason, Step.RETURN)

    version = _take(session, actor, sample_id, Step.RETURN, apply, now=now, reason=reason)
    sample = visible(session, actor, sample_id)
    if last_released(sample) is not None:  # what was being corrected still is: it can still be withdrawn
        sample.state = SampleState.AMENDING
        session.flush()
    return version


def withdraw(session: Session, actor: Actor, *, sample_id: int, reason: str, now: datetime) -> ResultVersion:
    """Take back the released result; the ticket then says so and shows nothing of it.

    Raises
    ------
    NotFound, NotAllowed : the sample is not the actor's to withdraw.
    StepRefused : ``not_now`` or ``reason_needed``.
    """

    def apply(row: ResultRow) -> None:
        row.withdrawn_at, row.withdraw_reason = now, _reason(reason, Step.WITHDRAW)
        enqueue(session, "detect", {"result_id": row.id, "sample_id": row.sample_id}, now=now)

    return _take(session, actor, sample_id, Step.WITHDRAW, apply, now=now, reason=reason)


def amend(session: Session, actor: Actor, *, sample_id: int, reason: str, now: datetime) -> ResultVersion:
    """Begin a correction. The released version stays readable until the next one is released in its place.
    Returns the version that is being corrected.

    Raises
    ------
    NotFound, NotAllowed : the sample is not the actor's to amend.
    StepRefused : ``not_now`` or ``reason_needed``.
    """

    def apply(row: ResultRow) -> None:
        row.sample.amend_reason = _reason(reason, Step.AMEND)

    return _take(session, actor, sample_id, Step.AMEND, apply, now=now, reason=reason)


def _take(
    session: Session,
    actor: Actor,
    sample_id: int,
    step: Step,
    apply: Callable[[ResultRow], None],
    *,
    now: datetime,
    reason: str = "",
) -> ResultVersion:
    """Take one step with the result it concerns: check, change, record."""
    sample = visible(session, actor, sample_id)
    require_step(actor, sample, step)
    row = _concerned(sample, step)
    if row is None:
        raise StepRefused("no_result", step=step.value, state=sample.state.value)
    apply(row)
    sample.state = after(sample.state, step)
    session.flush()
    session.refresh(row)
    changes = {"version": row.version, "content": row.content_sha256, "reason": reason.strip()}
    audit.append(session, actor, f"result_{step.value}", f"sample:{sample.id}", now=now, **changes)
    return version_of(row)


def _concerned(sample: Sample, step: Step) -> ResultRow | None:
    published = step in (Step.WITHDRAW, Step.AMEND)
    return last_released(sample) if published else current_result(sample)


def _content(
    analyses: Sequence[AnalysisRow], read: meanings.Read, amounts: Mapping[str, Quantity], comment: str
) -> Content:
    evidence = [evidence_of(row) for row in analyses]
    indications = meanings.indications(read)
    findings = with_amounts(findings_of(evidence, indications, could_see), amounts)
    return Content(
        findings=findings,
        methods=(*_methods(analyses), *_read_by(indications), *_measured_by(findings)),
        unexplained_share=max((unexplained_share(one) for one in evidence), default=0.0),
        comment=comment,
        readings=meanings.told(read),
    )


def _read_by(indications: Sequence[Indication]) -> tuple[MethodStatement, ...]:
    """One statement per technique of the readings; strips name what they are made for."""
    named: dict[str, dict[str, None]] = {}
    for one in indications:
        if one.why_not != "invalid":
            named.setdefault(one.technique, {}).update(dict.fromkeys(one.what))
    return tuple(
        MethodStatement(technique, ", ".join(what) or technique, f"{technique}_limit", ())
        for technique, what in sorted(named.items())
    )


def _measured_by(findings: Sequence[Finding]) -> tuple[MethodStatement, ...]:
    """The methods that amounts come from, each once: another instrument than the one that identified."""
    used = {(one.quantity.technique, one.quantity.method) for one in findings if one.quantity is not None}
    return tuple(MethodStatement(technique, name, "amount_limit", ()) for technique, name in sorted(used))


def _methods(analyses: Sequence[AnalysisRow]) -> tuple[MethodStatement, ...]:
    """One statement per technique, with every library that was searched."""
    libraries: dict[str, dict[str, None]] = {}
    for row in analyses:
        libraries.setdefault(row.technique, {}).update(dict.fromkeys(library_names(row)))
    return tuple(
        MethodStatement(
            technique=technique,
            name=METHOD_NAMES.get(technique, technique),
            limit=f"{technique.replace('_', '')}_limit",
            libraries=tuple(names),
        )
        for technique, names in sorted(libraries.items())
    )


def _reason(text: str, step: Step) -> str:
    reason = _short(text)
    if not reason:
        raise StepRefused("reason_needed", step=step.value)
    return reason


def _short(text: str) -> str:
    return text.strip()[:TEXT_LIMIT]

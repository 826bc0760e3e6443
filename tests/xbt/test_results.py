"""A result's way: submitted, signed by another, released, corrected, withdrawn."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tests.xbt.laboratory import PROPOSAL, Laboratory
from xbt.db.models import AuditRow, JobRow, ResultRow
from xbt.domain.errors import BadCode, NotAllowed, NotFound, Refused, StepRefused
from xbt.domain.evidence import Proposal
from xbt.domain.findings import Certainty
from xbt.domain.lookup import PublicResult, PublicState
from xbt.domain.people import Actor
from xbt.domain.samples import Ticket
from xbt.domain.states import SampleState, Step
from xbt.security import audit
from xbt.services import lookup, results, samples


def _do(laboratory: Laboratory, step: Any, actor: Actor, ticket: Ticket, **more: Any) -> Any:
    with laboratory.sessions.begin() as session:
        return step(session, actor, sample_id=ticket.sample_id, now=laboratory.now, **more)


def _view(laboratory: Laboratory, actor: Actor, ticket: Ticket) -> samples.SampleView:
    with laboratory.sessions() as session:
        return samples.view(session, actor, ticket.sample_id)


def _opened(laboratory: Laboratory, ticket: Ticket, days: int = 0) -> PublicResult | None:
    with laboratory.sessions() as session:
        return lookup.look_up(
            session,
            ticket.code,
            now=laboratory.now + timedelta(days=days),
            pepper=laboratory.settings.pepper(),
        )


def _refused(laboratory: Laboratory, step: Any, actor: Actor, ticket: Ticket, **more: Any) -> str:
    with pytest.raises(Refused) as refused:
        _do(laboratory, step, actor, ticket, **more)
    return refused.value.code


def test_from_decision_to_the_ticket(laboratory: Laboratory) -> None:
    ticket = laboratory.released()
    result = _opened(laboratory, ticket)
    assert result is not None
    assert (result.state, result.version, result.comment) == (PublicState.RELEASED, 1, "Bonjour")
    assert [finding.names for finding in result.findings] == [("Cocaine",), ("3-MMC", "4-MMC")]
    assert {finding.certainty for finding in result.findings} == {Certainty.IDENTIFIED}
    (method,) = result.methods
    assert (method.name, method.limit, method.libraries) == ("GC-MS", "gcms_limit", ("starter 1",))
    assert result.unexplained_share == pytest.approx(0.30)
    assert "tara" not in repr(result)
    assert "tom" not in repr(result)


def test_a_release_queues_detection_and_prolongs_the_ticket(laboratory: Laboratory) -> None:
    ticket = laboratory.decided()
    _do(laboratory, results.submit, laboratory.technician, ticket, comment="")
    _do(laboratory, results.sign, laboratory.second, ticket, password_checked=True)
    later = laboratory.now + timedelta(days=30)
    with laboratory.sessions.begin() as session:
        version = results.release(session, laboratory.second, sample_id=ticket.sample_id, now=later)
    with laboratory.sessions() as session:
        job = session.scalars(select(JobRow).where(JobRow.kind == "detect")).one()
        assert job.payload == {"result_id": version.id, "sample_id": ticket.sample_id}
    assert _opened(laboratory, ticket, days=119) is not None
    assert _opened(laboratory, ticket, days=120) is None


def test_nothing_is_told_before_the_release(laboratory: Laboratory) -> None:
    ticket = laboratory.decided()
    for step, actor, more in (
        (results.submit, laboratory.technician, {"comment": "early"}),
        (results.sign, laboratory.second, {"password_checked": True}),
    ):
        _do(laboratory, step, actor, ticket, **more)
        result = _opened(laboratory, ticket)
        assert result is not None
        assert (result.state, result.findings, result.comment) == (PublicState.NOT_READY, (), "")


def test_a_wrong_unknown_or_expired_code_opens_nothing(laboratory: Laboratory) -> None:
    ticket, other = laboratory.released(), laboratory.take_in()
    assert _opened(laboratory, ticket, days=91) is None
    swapped = Ticket(0, "", "0000-0000-0000-0", ticket.expires_at)
    assert _opened(laboratory, swapped) is None
    assert _opened(laboratory, other) is not None
    with pytest.raises(BadCode):
        _opened(laboratory, Ticket(0, "", "not a code", ticket.expires_at))


def test_nobody_signs_their_own_work(laboratory: Laboratory) -> None:
    ticket = laboratory.decided()
    _do(laboratory, results.submit, laboratory.technician, ticket, comment="")
    assert (
        _refused(laboratory, results.sign, laboratory.technician, ticket, password_checked=True) == "own_work"
    )
    assert _view(laboratory, laboratory.technician, ticket).may[Step.SIGN] == "own_work"
    assert _view(laboratory, laboratory.second, ticket).may[Step.SIGN] == ""


def test_a_signature_needs_the_password(laboratory: Laboratory) -> None:
    ticket = laboratory.decided()
    _do(laboratory, results.submit, laboratory.technician, ticket, comment="")
    code = _refused(laboratory, results.sign, laboratory.second, ticket, password_checked=False)
    assert code == "password_needed"
    assert _view(laboratory, laboratory.second, ticket).state is SampleState.PROPOSED


def test_what_is_not_ready_says_why(laboratory: Laboratory) -> None:
    ticket = laboratory.take_in()
    assert _refused(laboratory, results.submit, laboratory.technician, ticket, comment="") == "not_now"
    acquisition = laboratory.upload(ticket.sample_id)
    assert _refused(laboratory, results.submit, laboratory.technician, ticket, comment="") == "still_working"
    analysis = laboratory.analysed(acquisition)
    laboratory.decide(analysis, 1, accepted=True)
    with pytest.raises(StepRefused) as refused:
        _do(laboratory, results.submit, laboratory.technician, ticket, comment="")
    assert (refused.value.code, refused.value.fields["components"]) == ("undecided", "2")
    laboratory.decide(analysis, 2, accepted=False)
    assert _view(laboratory, laboratory.technician, ticket).may[Step.SUBMIT] == ""


def test_the_latest_decision_counts_and_the_earlier_stay(laboratory: Laboratory) -> None:
    ticket = laboratory.take_in()
    analysis = laboratory.analysed(laboratory.upload(ticket.sample_id))
    laboratory.decide(analysis, 1, accepted=True)
    laboratory.decide(analysis, 1, accepted=False)
    laboratory.decide(analysis, 2, accepted=True)
    version = _do(laboratory, results.submit, laboratory.technician, ticket, comment="")
    assert [finding.names for finding in version.findings] == [("3-MMC", "4-MMC")]
    assert version.unexplained_share == pytest.approx(0.92)


def test_an_empty_run_gives_a_result_without_findings(laboratory: Laboratory) -> None:
    ticket = laboratory.take_in()
    laboratory.analysed(laboratory.upload(ticket.sample_id), Proposal((), 1.0))
    version = _do(laboratory, results.submit, laboratory.technician, ticket, comment="")
    assert (version.findings, version.unexplained_share) == ((), 1.0)
    assert version.methods


def test_only_the_newest_analysis_of_a_file_counts(laboratory: Laboratory) -> None:
    ticket = laboratory.take_in()
    acquisition = laboratory.upload(ticket.sample_id)
    old = laboratory.analysed(acquisition)
    laboratory.analysed(acquisition, Proposal(PROPOSAL.components[3:], 0.2))
    with pytest.raises(StepRefused) as refused:
        laboratory.decide(old, 1, accepted=True)
    assert refused.value.code == "superseded"
    assert _view(laboratory, laboratory.technician, ticket).may[Step.SUBMIT] == ""


@pytest.mark.parametrize(("component", "candidate"), [(9, 1), (1, 7), (1, 0)])
def test_only_what_was_found_can_be_decided(laboratory: Laboratory, component: int, candidate: int) -> None:
    analysis = laboratory.analysed(laboratory.upload(laboratory.take_in().sample_id))
    with pytest.raises(NotFound):
        laboratory.decide(analysis, component, accepted=True, candidate=candidate)


def test_a_proposal_sent_back_keeps_its_reason(laboratory: Laboratory) -> None:
    ticket = laboratory.decided()
    _do(laboratory, results.submit, laboratory.technician, ticket, comment="")
    assert _refused(laboratory, results.send_back, laboratory.second, ticket, reason=" ") == "reason_needed"
    _do(laboratory, results.send_back, laboratory.second, ticket, reason="look at 2 again")
    view = _view(laboratory, laboratory.technician, ticket)
    assert view.state is SampleState.IN_ANALYSIS
    assert view.results[0].return_reason == "look at 2 again"
    again = _do(laboratory, results.submit, laboratory.technician, ticket, comment="")
    assert again.version == 2


def test_a_correction_replaces_the_result_only_when_released(laboratory: Laboratory) -> None:
    ticket = laboratory.released()
    _do(laboratory, results.amend, laboratory.technician, ticket, reason="a peak was missed")
    _do(laboratory, results.submit, laboratory.technician, ticket, comment="corrected")
    during = _opened(laboratory, ticket)
    assert during is not None
    assert (during.version, during.being_corrected, during.state) == (1, True, PublicState.RELEASED)
    _do(laboratory, results.sign, laboratory.second, ticket, password_checked=True)
    _do(laboratory, results.release, laboratory.second, ticket)
    after = _opened(laboratory, ticket)
    assert after is not None
    assert (after.version, after.being_corrected) == (2, False)
    assert (after.amends, after.comment) == ("a peak was missed", "corrected")


def test_a_correction_sent_back_can_still_be_withdrawn(laboratory: Laboratory) -> None:
    ticket = laboratory.released()
    _do(laboratory, results.amend, laboratory.technician, ticket, reason="wrong sample")
    _do(laboratory, results.submit, laboratory.technician, ticket, comment="")
    _do(laboratory, results.send_back, laboratory.second, ticket, reason="no")
    assert _view(laboratory, laboratory.manager, ticket).state is SampleState.AMENDING
    _do(laboratory, results.withdraw, laboratory.manager, ticket, reason="mixed up")
    result = _opened(laboratory, ticket)
    assert result is not None
    assert (result.state, result.findings, result.methods) == (PublicState.WITHDRAWN, (), ())
    assert not result.being_corrected
    _do(laboratory, results.amend, laboratory.manager, ticket, reason="measured again")
    again = _opened(laboratory, ticket)
    assert again is not None
    assert (again.state, again.being_corrected) == (PublicState.WITHDRAWN, True)


def test_only_a_manager_withdraws(laboratory: Laboratory) -> None:
    ticket = laboratory.released()
    assert _refused(laboratory, results.withdraw, laboratory.second, ticket, reason="x") == "not_allowed"
    version = _do(laboratory, results.withdraw, laboratory.manager, ticket, reason="mixed up")
    assert version.reason == "mixed up"


def test_another_site_does_not_learn_that_the_sample_exists(laboratory: Laboratory) -> None:
    ticket = laboratory.decided()
    unknown = Ticket(99999, "", "", ticket.expires_at)
    for one in (ticket, unknown):
        assert _refused(laboratory, results.submit, laboratory.stranger, one, comment="") == "no_sample"
    with laboratory.sessions() as session:
        assert samples.work_list(session, laboratory.stranger) == ()


def test_the_note_stays_at_the_site(laboratory: Laboratory) -> None:
    ticket = laboratory.take_in(note="told in confidence")
    assert _view(laboratory, laboratory.technician, ticket).intake.note == "told in confidence"
    assert _view(laboratory, laboratory.manager, ticket).intake.note == ""


def test_the_work_list_finds_by_state_and_words(laboratory: Laboratory) -> None:
    ticket, _ = laboratory.released(), laboratory.take_in()
    with laboratory.sessions() as session:
        everything = samples.work_list(session, laboratory.technician)
        released = samples.work_list(session, laboratory.technician, state=SampleState.RELEASED)
        by_words = samples.work_list(session, laboratory.technician, text="OCAÏ"[:3])
        by_reference = samples.work_list(session, laboratory.technician, text=ticket.reference)
        wildcard = samples.work_list(session, laboratory.technician, text="%")
    assert [row.id for row in everything] == [2, 1]
    assert [row.id for row in released] == [ticket.sample_id] == [row.id for row in by_reference]
    assert len(by_words) == 2
    assert wildcard == ()


def test_a_stored_result_that_was_changed_is_neither_signed_nor_shown(laboratory: Laboratory) -> None:
    ticket = laboratory.decided()
    _do(laboratory, results.submit, laboratory.technician, ticket, comment="")
    with laboratory.sessions.begin() as session:
        row = session.scalars(select(ResultRow)).one()
        row.content = {**row.content, "comment": "all good"}
    with pytest.raises(ValueError, match="does not match"):
        _do(laboratory, results.sign, laboratory.second, ticket, password_checked=True)


def test_every_step_is_in_an_unbroken_trail_without_codes(laboratory: Laboratory) -> None:
    ticket = laboratory.released()
    with laboratory.sessions() as session:
        assert audit.broken_link(session) is None
        rows = list(session.scalars(select(AuditRow).where(AuditRow.subject == f"sample:{ticket.sample_id}")))
    assert [row.action for row in rows] == [
        "sample_taken_in",
        "file_received",
        "component_decided",
        "component_decided",
        "result_submitted",
        "result_sign",
        "result_release",
    ]
    assert {row.actor_id for row in rows} == {
        laboratory.worker.id,
        laboratory.technician.id,
        laboratory.second.id,
    }


def test_a_worker_may_look_but_not_act(laboratory: Laboratory) -> None:
    ticket = laboratory.decided()
    assert set(_view(laboratory, laboratory.worker, ticket).may.values()) == {"not_allowed"}
    with pytest.raises(NotAllowed):
        _do(laboratory, results.submit, laboratory.worker, ticket, comment="")

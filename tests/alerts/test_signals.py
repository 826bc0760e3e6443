from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from alerts.released import history_of, newest_release
from alerts.rules import Likelihood, Rule
from alerts.services import (
    AlertRefused,
    Severity,
    SignalState,
    detect_since,
    dismiss,
    handle_detect,
    signal,
    signals,
)
from alerts.tables import load_tables
from library.substances import load_substances
from xbt.db.models import AuditRow, ResultRow, Sample, SignalRow
from xbt.domain.errors import NotAllowed, NotFound
from xbt.domain.people import Actor
from xbt.domain.samples import Reason

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
Release = Callable[..., Sample]
Correct = Callable[..., ResultRow]
People = dict[str, Actor]


@dataclass(frozen=True)
class Context:
    """What detection uses of a job's context."""

    session_factory: sessionmaker[Session]
    at: datetime = NOW + timedelta(hours=1)

    def now(self) -> datetime:
        return self.at


def detect(sessions: sessionmaker[Session], session: Session, sample: Sample) -> None:
    payload = {"sample_id": sample.id, "result_id": sample.results[-1].id}
    session.commit()
    handle_detect(Context(sessions), payload)  # type: ignore[arg-type]
    session.expire_all()


def test_a_release_raises_one_signal_however_often_the_job_runs(
    sessions: sessionmaker[Session], session: Session, people: People, release: Release
) -> None:
    sample = release("Oxycodone", "Metonitazene", "Caffeine", reason=Reason.ADVERSE_EVENT)
    for _ in range(3):
        detect(sessions, session, sample)
    (seen,) = signals(session, people["ana"])
    assert (seen.rule, seen.also) == (Rule.WATCH_LIST, (Rule.FIRST_EVER,))
    assert (seen.severity, seen.certainty) == (Severity.WARNING, Likelihood.LIKELY)
    assert [one.names for one in seen.substances] == [("Metonitazene",)]
    assert seen.because["adverse_event"] == "yes"
    assert (seen.region, seen.state, seen.simulated) == ("Occitanie", SignalState.OPEN, False)
    raised = select(func.count()).where(AuditRow.action == "signal_raised")
    assert session.scalar(raised) == 1


def test_an_ordinary_release_raises_none(
    sessions: sessionmaker[Session], session: Session, people: People, release: Release
) -> None:
    detect(sessions, session, release("Heroin", "Heroin", "6-Monoacetylmorphine", "Noscapine", "Caffeine"))
    assert signals(session, people["ana"]) == ()


def test_salts_names_and_languages_meet_in_one_key(
    sessions: sessionmaker[Session], session: Session, people: People, release: Release
) -> None:
    detect(sessions, session, release("cocaïne", "Cocaine"))
    assert signals(session, people["ana"]) == ()


def test_a_kind_of_product_counts_as_what_was_sold(
    sessions: sessionmaker[Session], session: Session, people: People, release: Release
) -> None:
    detect(sessions, session, release("street benzos", "Bromazepam"))
    detect(sessions, session, release("tuci", "Ketamine", "MDMA", "Caffeine"))
    detect(sessions, session, release("spice", "MDMB-4en-PINACA"))
    detect(sessions, session, release("tuci", "Cocaine"))
    rules = [(one.rule, one.sold_as) for one in signals(session, people["ana"])]
    assert rules == [(Rule.MISMATCH, "tuci"), (Rule.FIRST_EVER, "spice")]


def test_the_first_time_is_only_once(
    sessions: sessionmaker[Session], session: Session, people: People, release: Release
) -> None:
    first, second = release("Ketamine", "Deschloroketamine"), release("", "Deschloroketamine", day=1)
    detect(sessions, session, second)
    detect(sessions, session, first)
    assert [one.sample_id for one in signals(session, people["ana"])] == [first.id]


def test_a_correction_moves_what_still_holds_and_ends_the_rest(
    sessions: sessionmaker[Session], session: Session, people: People, release: Release, correct: Correct
) -> None:
    sample = release("Cocaine", "Cocaine", "Ketamine", "Xylazine")
    detect(sessions, session, sample)
    before = {one.rule: one.id for one in signals(session, people["ana"])}
    newer = correct(sample, "Cocaine", "Ketamine", at=NOW + timedelta(days=2))
    detect(sessions, session, sample)
    after = {one.rule: one for one in signals(session, people["ana"])}
    assert {rule: one.id for rule, one in after.items()} == before
    assert after[Rule.ADULTERATION].state is SignalState.OPEN
    assert after[Rule.ADULTERATION].result_id == newer.id
    assert after[Rule.WATCH_LIST].state is SignalState.SUPERSEDED


def test_history_read_for_one_release_tells_the_same_as_all_of_it(
    session: Session, release: Release, correct: Correct
) -> None:
    substances = load_substances()
    corrected = release("", "Deschloroketamine", "2-MMC|3-MMC", "Étrange")
    correct(corrected, "Caffeine", at=NOW + timedelta(days=1))
    release("", "Étrange", "ketamine", day=1)
    release("", "2-MMC|3-MMC", day=2)
    release("", "MDMA", day=2)
    asked = newest_release(release("", "2-MMC", "Étrange", day=3), substances, load_tables(lambda _: None))
    assert asked is not None
    whole = history_of(session, substances)
    part = history_of(session, substances, asked.found)
    assert set(part.sightings) < set(whole.sightings)
    kept = {found.keys for found in asked.found}
    assert [s for s in whole.sightings if any(s.substances & keys for keys in kept)] == [
        s for s in part.sightings if any(s.substances & keys for keys in kept)
    ]
    assert sum(any(s.substances & keys for keys in kept) for s in part.sightings) == 4
    assert history_of(session, substances, ()).sightings == ()


def test_a_correction_does_not_make_an_old_first_time_a_repeat(
    sessions: sessionmaker[Session], session: Session, people: People, release: Release, correct: Correct
) -> None:
    sample = release("", "Deschloroketamine")
    release("", "Deschloroketamine", day=1)
    correct(sample, "Deschloroketamine", "Caffeine", at=NOW + timedelta(days=2))
    detect(sessions, session, sample)
    assert [one.rule for one in signals(session, people["ana"])] == [Rule.FIRST_EVER]


def test_a_withdrawn_result_ends_its_signals_before_and_after_the_job(
    sessions: sessionmaker[Session], session: Session, people: People, release: Release
) -> None:
    sample = release("Diazepam", "Bromazolam")
    detect(sessions, session, sample)
    assert signals(session, people["ana"])[0].state is SignalState.OPEN
    sample.results[-1].withdrawn_at = NOW + timedelta(days=1)
    session.flush()
    assert signals(session, people["ana"], SignalState.OPEN) == ()
    assert signals(session, people["ana"])[0].state is SignalState.WITHDRAWN
    assert len(signals(session, people["ana"], SignalState.WITHDRAWN)) == 1
    detect(sessions, session, sample)
    assert session.scalars(select(SignalRow.state)).all() == ["withdrawn"]
    assert len(signals(session, people["ana"], SignalState.WITHDRAWN)) == 1


def test_a_withdrawn_result_is_no_history(
    sessions: sessionmaker[Session], session: Session, people: People, release: Release
) -> None:
    release("", "Deschloroketamine").results[-1].withdrawn_at = NOW
    later = release("", "Deschloroketamine", day=1)
    detect(sessions, session, later)
    assert len(signals(session, people["ana"])) == 1


def test_repeats_are_counted_not_hidden(
    sessions: sessionmaker[Session], session: Session, people: People, release: Release
) -> None:
    for day in range(3):
        detect(sessions, session, release("Diazepam", "Bromazolam", day=day))
    assert sorted(one.repeats for one in signals(session, people["ana"])) == [0, 1, 2]


def test_dismissing_takes_a_reason_and_stays(
    sessions: sessionmaker[Session], session: Session, people: People, release: Release
) -> None:
    sample = release("Diazepam", "Bromazolam")
    detect(sessions, session, sample)
    (seen,) = signals(session, people["ana"])
    with pytest.raises(AlertRefused, match="reason needed"):
        dismiss(session, people["ana"], signal_id=seen.id, reason=" ", now=NOW)
    dismiss(session, people["ana"], signal_id=seen.id, reason="known for weeks", now=NOW)
    detect(sessions, session, sample)
    again = signal(session, people["bo"], seen.id)
    assert (again.state, again.dismissed_because) == (SignalState.DISMISSED, "known for weeks")
    with pytest.raises(AlertRefused, match="not now"):
        dismiss(session, people["ana"], signal_id=seen.id, reason="again", now=NOW)


def test_running_again_since_a_day(session: Session, people: People, release: Release) -> None:
    release("Diazepam", "Bromazolam", day=-10)
    release("Diazepam", "Bromazolam", day=0)
    release("MDMA", "MDMA", day=1)
    assert detect_since(session, date(2026, 11, 22), now=NOW) == (2, 1)
    assert detect_since(session, date(2026, 11, 1), now=NOW) == (3, 1)
    assert detect_since(session, date(2026, 11, 1), now=NOW) == (3, 0)
    newer, older = signals(session, people["ana"])[::-1]
    assert (newer.also, older.also) == ((), (Rule.FIRST_EVER,))


def test_only_coordinators_and_managers_see_signals(session: Session, people: People) -> None:
    assert signals(session, people["mia"]) == ()
    with pytest.raises(NotAllowed):
        signals(session, people["wim"])
    with pytest.raises(NotFound):
        signal(session, people["ana"], 99)

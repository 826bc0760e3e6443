from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from alerts import services
from alerts.services import (
    AlertRefused,
    AlertState,
    AlertView,
    InvalidAlert,
    PublicState,
    Severity,
    SignalState,
    Substances,
    Wording,
    alert,
    approve,
    discard,
    draft,
    edit,
    propose_text,
    publish,
    published,
    published_one,
    revise,
    signal,
    withdraw,
)
from xbt.db.models import AlertRow, Base, Sample, Site, StaffUser
from xbt.db.session import make_engine, session_factory
from xbt.domain.errors import NotAllowed, NotFound
from xbt.domain.people import SYSTEM, Actor, Role
from xbt.security.audit import broken_link

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
END = NOW + timedelta(days=28)
WORDS = Wording(
    "Metonitazene in a product sold as oxycodone", "We found metonitazene.", "Have naloxone at hand."
)
People = dict[str, Actor]
Release = Callable[..., Sample]


def drafted(session: Session, actor: Actor, **changes: Any) -> AlertView:
    given: dict[str, Any] = {
        "signal_id": None,
        "texts": {"en": WORDS},
        "level": Severity.WARNING,
        "region": "Occitanie",
        "expires_at": END,
        "now": NOW,
        "substances": (Substances(("metonitazene",), ("Metonitazene",)),),
    }
    return draft(session, actor, **{**given, **changes})


def out(session: Session, people: People, **changes: Any) -> AlertView:
    made = drafted(session, people["ana"], **changes)
    approve(session, people["bo"], alert_id=made.id, now=NOW)
    return publish(session, people["ana"], alert_id=made.id, now=NOW)


def test_from_draft_to_the_public_and_to_the_end(session: Session, people: People) -> None:
    made = drafted(session, people["ana"])
    assert (made.state, made.drafted_by) == (AlertState.DRAFT, "ana")
    assert published(session, NOW) == ()
    approved = approve(session, people["bo"], alert_id=made.id, now=NOW)
    assert (approved.state, approved.approved_by) == (AlertState.APPROVED, "bo")
    assert published(session, NOW) == ()
    publish(session, people["ana"], alert_id=made.id, now=NOW)
    (shown,) = published(session, NOW)
    assert shown.text("fr") == ("en", WORDS)
    assert (shown.number, shown.revision, shown.state) == (made.number, 1, PublicState.CURRENT)
    assert published(session, END) == ()
    (ended,) = published(session, END, include_ended=True)
    assert ended.state is PublicState.EXPIRED
    assert alert(session, people["bo"], made.id, END).state is AlertState.EXPIRED
    assert broken_link(session) is None


def test_nobody_approves_their_own_words(session: Session, people: People) -> None:
    made = drafted(session, people["mia"])
    with pytest.raises(AlertRefused) as refused:
        approve(session, people["mia"], alert_id=made.id, now=NOW)
    assert refused.value.code == "same_person"
    assert alert(session, people["mia"], made.id, NOW).may["approve"] == "same_person"
    assert alert(session, people["ana"], made.id, NOW).may["approve"] == ""


def test_changed_words_need_approval_again_by_someone_else(session: Session, people: People) -> None:
    made = drafted(session, people["ana"])
    approve(session, people["bo"], alert_id=made.id, now=NOW)
    again = edit(
        session,
        people["bo"],
        alert_id=made.id,
        texts={"en": replace(WORDS, title="Other words")},
        level=Severity.CAUTION,
        region="",
        expires_at=END,
        now=NOW,
    )
    assert (again.state, again.drafted_by, again.approved_by) == (AlertState.DRAFT, "bo", "")
    with pytest.raises(AlertRefused, match="not now"):
        publish(session, people["ana"], alert_id=made.id, now=NOW)
    with pytest.raises(AlertRefused, match="same person"):
        approve(session, people["bo"], alert_id=made.id, now=NOW)


def test_the_database_itself_refuses_one_person(session: Session, people: People) -> None:
    made = drafted(session, people["ana"])
    session.get_one(AlertRow, made.id).state = "published"
    with pytest.raises(IntegrityError, match="two_people"):
        session.flush()


@pytest.mark.parametrize("who", ["wim", "system"])
def test_who_may_not_write(session: Session, people: People, who: str) -> None:
    with pytest.raises(NotAllowed):
        drafted(session, {**people, "system": SYSTEM}[who])


def test_a_revision_replaces_the_words_in_one_moment(session: Session, people: People) -> None:
    first = out(session, people)
    fuller = replace(WORDS, body="We found metonitazene twice.")
    new = {"texts": {"en": fuller}, "level": Severity.WARNING, "region": "", "expires_at": END + timedelta(9)}
    later = NOW + timedelta(days=3)
    second = revise(session, people["bo"], alert_id=first.id, now=later, **new)  # type: ignore[arg-type]
    assert published(session, later)[0].texts == {"en": WORDS}
    with pytest.raises(AlertRefused) as refused:
        revise(session, people["ana"], alert_id=first.id, now=later, **new)  # type: ignore[arg-type]
    assert refused.value.fields["alert"] == str(second.id)
    approve(session, people["ana"], alert_id=second.id, now=later)
    publish(session, people["ana"], alert_id=second.id, now=later)
    (shown,) = published(session, later, include_ended=True)
    assert (shown.number, shown.revision, shown.texts) == (first.number, 2, {"en": fuller})
    assert (shown.published_at, shown.updated_at) == (NOW, later)
    assert alert(session, people["ana"], first.id, later).state is AlertState.SUPERSEDED
    assert published_one(session, first.number, later) == shown
    assert published_one(session, second.id, later) is None


def test_withdrawing_hides_the_words_and_drops_the_revision(session: Session, people: People) -> None:
    made = out(session, people)
    pending = revise(
        session,
        people["bo"],
        alert_id=made.id,
        texts={"en": WORDS},
        level=Severity.WARNING,
        region="",
        expires_at=END,
        now=NOW,
    )
    with pytest.raises(AlertRefused, match="reason needed"):
        withdraw(session, people["bo"], alert_id=made.id, reason="", now=NOW)
    withdraw(session, people["bo"], alert_id=made.id, reason="The laboratory corrected its result.", now=NOW)
    assert published(session, NOW) == ()
    (shown,) = published(session, NOW, include_ended=True)
    assert (shown.state, shown.withdraw_reason) == (
        PublicState.WITHDRAWN,
        "The laboratory corrected its result.",
    )
    assert alert(session, people["bo"], pending.id, NOW).state is AlertState.DISCARDED


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"texts": {}}, "text_needed"),
        ({"texts": {"en": replace(WORDS, title=" ")}}, "text_needed"),
        ({"texts": {"en": replace(WORDS, title="x" * 161)}}, "title_long"),
        ({"texts": {"en": replace(WORDS, advice="x" * 5001)}}, "text_long"),
        ({"texts": {"xx": WORDS}}, "language_unknown"),
        ({"texts": {"en": replace(WORDS, body="The other batch is Safe.")}}, "forbidden_word"),
        ({"texts": {"fr": replace(WORDS, body="De la cocaïne pure.")}}, "forbidden_word"),
        ({"texts": {"en": replace(WORDS, body="Seen at LE FIL D’ARIANE.")}}, "names_site"),
        ({"expires_at": NOW}, "already_over"),
        ({"expires_at": NOW + timedelta(days=181)}, "too_long_valid"),
    ],
)
def test_what_no_alert_may_be(session: Session, people: People, changes: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidAlert) as refused:
        drafted(session, people["ana"], **changes)
    assert refused.value.code == code


def test_the_number_of_a_sample_never_goes_out(session: Session, people: People, release: Release) -> None:
    sample = release("Diazepam", "Bromazolam")
    with pytest.raises(InvalidAlert, match="names sample"):
        drafted(session, people["ana"], texts={"en": replace(WORDS, body=f"See {sample.reference}.")})
    drafted(session, people["ana"], texts={"en": replace(WORDS, body="Call 08-00000, not a sample.")})


def _signal(session: Session, release: Release) -> tuple[Sample, int]:
    sample = release("Oxycodone", "Metonitazene", simulated=True)
    services.detect_since(session, NOW.date(), now=NOW)
    (seen,) = services.signals(session, SYSTEM)
    return sample, seen.id


def test_an_alert_on_a_signal_follows_its_evidence(
    session: Session, people: People, release: Release
) -> None:
    sample, number = _signal(session, release)
    seen = signal(session, people["ana"], number)
    texts = {language: propose_text(seen, language) for language in ("fr", "en")}
    made = drafted(session, people["ana"], signal_id=number, texts=texts, substances=())
    assert made.simulated
    assert made.substances == seen.substances
    seen = signal(session, people["ana"], number)
    assert (seen.state, seen.alert_ids) == (SignalState.DRAFTED, (made.id,))
    approve(session, people["bo"], alert_id=made.id, now=NOW)
    sample.results[-1].withdrawn_at = NOW
    session.flush()
    assert alert(session, people["ana"], made.id, NOW).evidence_changed
    with pytest.raises(AlertRefused, match="evidence changed"):
        publish(session, people["ana"], alert_id=made.id, now=NOW)
    with pytest.raises(AlertRefused, match="not now"):
        drafted(session, people["ana"], signal_id=number)


def test_a_dropped_draft_opens_its_signal_again(session: Session, people: People, release: Release) -> None:
    _, number = _signal(session, release)
    made = drafted(session, people["ana"], signal_id=number)
    discard(session, people["bo"], alert_id=made.id, now=NOW)
    assert signal(session, people["ana"], number).state is SignalState.OPEN


def test_what_is_not_there(session: Session, people: People) -> None:
    with pytest.raises(NotFound):
        approve(session, people["ana"], alert_id=7, now=NOW)
    with pytest.raises(NotFound):
        drafted(session, people["ana"], signal_id=7)
    assert published_one(session, 7, NOW) is None
    made = drafted(session, people["ana"])
    assert published_one(session, made.number, NOW) is None


class Editorial(RuleBasedStateMachine):
    """Three people do whatever comes to their mind, while time passes."""

    made = Bundle("made")

    @initialize()
    def network(self) -> None:
        self.engine = make_engine("sqlite://")
        Base.metadata.create_all(self.engine)
        self.session = session_factory(self.engine)()
        site = Site(name="Somewhere", contact="", region="Bretagne")
        users = [
            StaffUser(email=name, password="", fs_uniquifier=name, name=name, site=site)
            for name in ("ana", "bo", "mia")
        ]
        self.session.add_all(users)
        self.session.flush()
        self.actors = [Actor(user.id, user.name, frozenset({Role.COORDINATOR})) for user in users]
        self.now = NOW
        self.writer: dict[int, tuple[Actor, str]] = {}
        self.approver: dict[int, tuple[Actor, str]] = {}
        self.over: dict[int, datetime] = {}
        self.withdrawn: set[int] = set()

    def teardown(self) -> None:
        self.session.close()
        self.engine.dispose()

    def _text(self, title: str, days: int) -> dict[str, Any]:
        return {
            "texts": {"en": Wording(title, "We found it.")},
            "level": Severity.CAUTION,
            "region": "Bretagne",
            "expires_at": self.now + timedelta(days=days),
            "now": self.now,
        }

    titles = st.sampled_from(["one", "two", "three"])
    who = st.integers(0, 2)
    days = st.integers(1, 20)

    @rule(target=made, who=who, title=titles, days=days)
    def draft(self, who: int, title: str, days: int) -> int:
        view = draft(self.session, self.actors[who], signal_id=None, **self._text(title, days))
        self.writer[view.id] = (self.actors[who], title)
        return view.id

    @rule(target=made, who=who, title=titles, days=days, alert_id=made)
    def revise(self, who: int, title: str, days: int, alert_id: int) -> int:
        try:
            view = revise(self.session, self.actors[who], alert_id=alert_id, **self._text(title, days))
        except AlertRefused:
            return alert_id
        self.writer[view.id] = (self.actors[who], title)
        return view.id

    @rule(who=who, title=titles, days=days, alert_id=made)
    def edit(self, who: int, title: str, days: int, alert_id: int) -> None:
        try:
            edit(self.session, self.actors[who], alert_id=alert_id, **self._text(title, days))
        except AlertRefused:
            return
        self.writer[alert_id] = (self.actors[who], title)
        self.approver.pop(alert_id, None)

    @rule(who=who, alert_id=made)
    def approve(self, who: int, alert_id: int) -> None:
        try:
            view = approve(self.session, self.actors[who], alert_id=alert_id, now=self.now)
        except (AlertRefused, InvalidAlert):
            return
        self.approver[alert_id] = (self.actors[who], view.texts["en"].title)

    @rule(who=who, alert_id=made)
    def publish(self, who: int, alert_id: int) -> None:
        try:
            view = publish(self.session, self.actors[who], alert_id=alert_id, now=self.now)
        except (AlertRefused, InvalidAlert):
            return
        self.over[alert_id] = view.expires_at

    @rule(who=who, alert_id=made)
    def withdraw(self, who: int, alert_id: int) -> None:
        try:
            view = withdraw(self.session, self.actors[who], alert_id=alert_id, reason="why", now=self.now)
        except AlertRefused:
            return
        self.withdrawn.add(view.number)

    @rule(who=who, alert_id=made)
    def discard(self, who: int, alert_id: int) -> None:
        try:
            discard(self.session, self.actors[who], alert_id=alert_id, now=self.now)
        except AlertRefused:
            return
        assert alert_id not in self.over

    @rule(days=st.integers(0, 15))
    def time_passes(self, days: int) -> None:
        self.now += timedelta(days=days)

    @invariant()
    def only_what_two_people_stand_for_is_public_and_never_too_long(self) -> None:
        numbers = []
        for shown in published(self.session, self.now):
            row_id = self._row_id(shown.number, shown.revision)
            writer, approver = self.writer[row_id], self.approver[row_id]
            assert writer[0] != approver[0]
            assert writer[1] == approver[1] == shown.texts["en"].title
            assert self.now < self.over[row_id]
            assert shown.number not in self.withdrawn
            numbers.append(shown.number)
        assert len(numbers) == len(set(numbers))

    def _row_id(self, number: int, revision: int) -> int:
        views = services.alerts(self.session, SYSTEM, self.now)
        return next(view.id for view in views if (view.number, view.revision) == (number, revision))


TestEditorial = Editorial.TestCase
TestEditorial.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)

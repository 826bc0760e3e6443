"""Whatever people do in whatever order: nothing is released unsigned or signed by who submitted it."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import select

from tests.xbt.laboratory import Laboratory, make_secrets
from xbt.config import Settings
from xbt.db.models import ResultRow, Sample
from xbt.db.session import make_engine, session_factory
from xbt.domain.errors import Refused
from xbt.domain.states import SampleState
from xbt.security import audit
from xbt.services import results, samples
from xbt.services.guards import last_released

NOW = datetime(2026, 3, 2, tzinfo=UTC)
PEOPLE = st.sampled_from(["worker", "technician", "second", "stranger", "coordinator", "manager"])


class LifeOfASample(RuleBasedStateMachine):
    founded: ClassVar[Laboratory]

    @initialize()
    def open(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        settings = Settings(data_dir=self.folder)
        make_secrets(settings)
        shutil.copy(self.founded.settings.data_dir / "xbt.sqlite3", self.folder)
        self.engine = make_engine(settings.database_url)
        self.laboratory = replace(self.founded, sessions=session_factory(self.engine), settings=settings)
        self.sample_id = self.laboratory.take_in().sample_id
        self.releases = 0

    def _try(self, step: Any, who: str, **more: Any) -> None:
        actor = getattr(self.laboratory, who)
        try:
            with self.laboratory.sessions.begin() as session:
                step(session, actor, sample_id=self.sample_id, now=NOW, **more)
        except Refused:
            return
        self.releases += step is results.release

    @rule(content=st.binary(min_size=1, max_size=2), accepted=st.booleans())
    def analyse(self, content: bytes, accepted: bool) -> None:
        try:
            acquisition = self.laboratory.upload(self.sample_id, content)
            analysis = self.laboratory.analysed(acquisition)
            for component in (1, 2):
                self.laboratory.decide(analysis, component, accepted=accepted)
        except Refused:
            return

    @rule(who=PEOPLE)
    def submit(self, who: str) -> None:
        self._try(results.submit, who, comment="")

    @rule(who=PEOPLE, checked=st.booleans())
    def sign(self, who: str, checked: bool) -> None:
        self._try(results.sign, who, password_checked=checked)

    @rule(who=PEOPLE)
    def release(self, who: str) -> None:
        self._try(results.release, who)

    @rule(who=PEOPLE)
    def send_back(self, who: str) -> None:
        self._try(results.send_back, who, reason="r")

    @rule(who=PEOPLE)
    def withdraw(self, who: str) -> None:
        self._try(results.withdraw, who, reason="r")

    @rule(who=PEOPLE)
    def amend(self, who: str) -> None:
        self._try(results.amend, who, reason="r")

    @invariant()
    def every_released_result_has_two_people(self) -> None:
        with self.laboratory.sessions() as session:
            for row in session.scalars(select(ResultRow).where(ResultRow.released_at.is_not(None))):
                assert row.submitted_by is not None
                assert row.signed_by is not None
                assert row.signed_by != row.submitted_by
                assert row.signed_by != self.laboratory.worker.id
                assert row.returned_at is None

    @invariant()
    def the_state_agrees_with_the_results(self) -> None:
        with self.laboratory.sessions() as session:
            sample = session.get_one(Sample, self.sample_id)
            released = last_released(sample)
            assert (released is not None) == (self.releases > 0)
            if sample.state is SampleState.RELEASED:
                assert released is not None
                assert released.withdrawn_at is None
            if sample.state is SampleState.WITHDRAWN:
                assert released is not None
                assert released.withdrawn_at is not None
            if sample.state in (SampleState.RECEIVED, SampleState.IN_ANALYSIS):
                assert released is None
            samples.view(session, self.laboratory.manager, self.sample_id)

    def teardown(self) -> None:
        with self.laboratory.sessions() as session:
            assert audit.broken_link(session) is None
        self.engine.dispose()
        shutil.rmtree(self.folder)


def test_whatever_people_do(founded: Laboratory) -> None:
    LifeOfASample.founded = founded
    run_state_machine_as_test(
        LifeOfASample,
        settings=hypothesis_settings(max_examples=12, stateful_step_count=30, deadline=None),
    )

"""The demonstration: what it plays, that it is never mistaken for real data, and that it ends once."""

from __future__ import annotations

import io
import stat
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from rich.console import Console
from sqlalchemy import func, select

import alerts.services as alerting
from library.answer import Source
from library.identify import identify
from library.release import Release, build_release, open_release
from library.starter import LICENCE, SOURCE, starter_records
from library.substances import load_substances
from spectra.errors import Fault, UnreadableFile
from spectra.model import MassSpectrum
from spectra.readers import read
from web.demo import instrument, place, play, telling
from web.demo.scenario import FileKind, SamplePlan, Scenario, Until, load_scenario, parse_scenario
from xbt.cli import main
from xbt.config import Settings
from xbt.db.models import AcquisitionRow, AlertRow, ResultRow, Sample, SignalRow, StaffUser
from xbt.domain.lookup import PublicState
from xbt.domain.people import Role
from xbt.domain.states import SampleState
from xbt.security import audit
from xbt.services.lookup import look_up

STORY = load_scenario()
MEASURED = [plan for plan in STORY.sample if plan.file in (FileKind.MZML, FileKind.ANDI)]
CO_ELUTION_MIN = 0.05
NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)


def plan_of(key: str) -> SamplePlan:
    return next(plan for plan in STORY.sample if plan.key == key)


def short_story() -> Scenario:
    """A signal, a correction, a broken file and a sample without one: every branch in a few seconds."""
    keys = ("fake-oxycodone", "crack-amended", "transfer-broke-off", "not-analysed-yet")
    return Scenario(STORY.site, STORY.account, tuple(map(plan_of, keys)))


@pytest.fixture(scope="module")
def spectra() -> dict[str, MassSpectrum]:
    return instrument.references()


@pytest.fixture(scope="module")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Release:
    folder = tmp_path_factory.mktemp("libraries")
    report = build_release(starter_records(), folder, name="starter", source=SOURCE, licence=LICENCE)
    return open_release(report.directory)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("XBT_DATA_DIR", str(tmp_path / "var"))
    return place.demo_settings(8000)


def test_the_story_is_a_network_with_every_kind_of_sample() -> None:
    assert len(STORY.sample) >= 12
    assert len(STORY.site) == 3
    assert {account.role for account in STORY.account} == set(Role)
    assert all("fictif" in site.name for site in STORY.site)
    kinds = Counter(plan.file for plan in STORY.sample)
    assert kinds[FileKind.CUT] == kinds[FileKind.NONE] == 1
    assert {plan.until for plan in STORY.sample} == set(Until)
    assert any(plan.amend for plan in STORY.sample)


def test_at_least_two_samples_hold_substances_that_co_elute() -> None:
    def closest(plan: SamplePlan) -> float:
        times = sorted(part.rt_min for part in plan.contains)
        return min((b - a for a, b in pairwise(times)), default=99.0)

    assert sum(closest(plan) <= CO_ELUTION_MIN for plan in MEASURED) >= 2


def test_shares_add_up_to_the_whole_signal() -> None:
    sums = {plan.key: sum(part.share for part in plan.contains) for plan in STORY.sample if plan.contains}
    assert {key: total for key, total in sums.items() if total != pytest.approx(100)} == {}


def test_a_sample_of_an_unknown_site_is_refused() -> None:
    told = msgspec.to_builtins(STORY)
    told["sample"][0]["site"] = "atlantis"
    with pytest.raises(ValueError, match=told["sample"][0]["key"]):
        parse_scenario(told)


@pytest.mark.parametrize("plan", MEASURED, ids=lambda plan: plan.key)
def test_what_was_put_in_is_found(
    plan: SamplePlan, spectra: Mapping[str, MassSpectrum], starter: Release
) -> None:
    run = instrument.measure(plan, spectra, NOW)
    source = Source(plan.file_name, "", "simulation", "simulate", "gc_ms", "", "", "", True)
    answer = identify(run, [starter], source=source)
    named = [
        component.candidates[0]
        for component in answer.components
        if component.decision in ("identified", "group")
    ]
    found = {key for candidate in named for key in candidate.isomer_group_inchikeys or [candidate.inchikey]}
    substances = [load_substances().by_key(part.substance) for part in plan.contains]
    wanted = {substance.inchikey for substance in substances if substance}
    assert wanted <= found
    assert len(named) == len(plan.contains), "nothing is named that was not put in"


@pytest.mark.parametrize("key", ["mdma-tablet", "ketamine-co-eluting"], ids=["mzML", "ANDI"])
def test_a_file_says_itself_that_it_is_simulated(
    key: str, spectra: Mapping[str, MassSpectrum], tmp_path: Path
) -> None:
    file = instrument.write_file(plan_of(key), spectra, tmp_path, NOW)
    metadata = read(file).metadata
    assert metadata.simulated
    assert "simulated" in metadata.sample_name


def test_a_file_is_written_once(spectra: Mapping[str, MassSpectrum], tmp_path: Path) -> None:
    first = instrument.write_file(plan_of("mdma-tablet"), spectra, tmp_path, NOW)
    stamp = first.stat().st_mtime_ns
    again = instrument.write_file(plan_of("mdma-tablet"), spectra, tmp_path, NOW)
    assert (again, again.stat().st_mtime_ns) == (first, stamp)
    assert list(tmp_path.iterdir()) == [first]


def test_the_broken_transfer_cannot_be_read(spectra: Mapping[str, MassSpectrum], tmp_path: Path) -> None:
    file = instrument.write_file(plan_of("transfer-broke-off"), spectra, tmp_path, NOW)
    with pytest.raises(UnreadableFile) as refused:
        read(file)
    assert refused.value.fault is Fault.TRUNCATED


def test_the_demonstration_keeps_to_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XBT_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("XBT_DATABASE_URL", "postgresql://real/record")
    monkeypatch.setenv("XBT_BLOBS_DIR", str(tmp_path / "real"))
    settings = place.demo_settings(8000)
    assert settings.database_url == f"sqlite:///{tmp_path / 'demo' / 'xbt.sqlite3'}"
    paths = (settings.libraries_dir, settings.blobs_dir, settings.quarantine_dir, settings.pepper_file)
    assert all(path.is_relative_to(tmp_path / "demo") for path in (*paths, settings.secret_key_file))


def test_access_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    access = place.open_access(folder, STORY)
    assert place.open_access(folder, STORY) == access
    assert stat.S_IMODE((folder / place.ACCESS).stat().st_mode) == 0o600
    assert len(set(access.passwords.values())) == len(STORY.account)
    assert all(len(password) >= 15 for password in access.passwords.values())
    assert all(len(key) >= 16 for key in access.ticket_keys.values())


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XBT_DATA_DIR", str(tmp_path))
    theirs = tmp_path / "demo" / "thesis.txt"
    theirs.parent.mkdir()
    theirs.write_text("mine")
    for arguments in (["demo", "--no-serve"], ["demo", "--no-serve", "--fresh"]):
        done = CliRunner().invoke(main, arguments)
        assert done.exit_code == 1
        assert "not a demonstration's" in done.output
    assert theirs.read_text() == "mine"


class Stopped(Exception):
    """Somebody pressed Ctrl-C."""


def tell(settings: Settings, story: Scenario, *, stop_after: float = 2.0) -> Iterator[play.Stage]:
    """Play the story as far as ``stop_after`` of the whole; gives the stage if it came to its end."""

    def progress(_: str, share: float) -> None:
        if share > stop_after:
            raise Stopped

    access = place.open_access(settings.data_dir, story)
    with play.stage(settings, story, access, lambda: datetime.now(UTC)) as told:
        play.play(told, play.tickets(told), progress)
        yield told


def counts(told: play.Stage) -> dict[str, int]:
    tables = (Sample, AcquisitionRow, ResultRow, SignalRow, AlertRow, StaffUser)
    with told.sessions() as session:
        return {
            table.__tablename__: session.scalar(select(func.count()).select_from(table)) or 0
            for table in tables
        }


def test_the_story_is_told_once_however_often_it_is_stopped(settings: Settings) -> None:
    story = short_story()
    for share in (0.01, 0.1, 0.5, 0.88, 0.96):
        with pytest.raises(Stopped):
            list(tell(settings, story, stop_after=share))
    for told in tell(settings, story):
        expected = {"sample": 4, "acquisition": 3, "result": 3, "staff_user": 4, "alert": 1}
        found = counts(told)
        assert {name: found[name] for name in expected} == expected
        check_ends(told)
        check_tickets(told)
        check_alert(told)
        check_words(told)
    for told in tell(settings, story):
        assert counts(told) == found


def check_ends(told: play.Stage) -> None:
    with told.sessions() as session:
        states = {row.sold_as_text: row.state for row in session.scalars(select(Sample))}
        assert audit.broken_link(session) is None
    assert states == {
        "oxycodone": SampleState.RELEASED,
        "crack": SampleState.RELEASED,
        "MDMA": SampleState.IN_ANALYSIS,
        "2C-B": SampleState.RECEIVED,
    }


def check_tickets(told: play.Stage) -> None:
    given = play.tickets(told)
    with told.sessions() as session:
        results = {
            key: look_up(session, ticket.code, now=told.clock(), pepper=told.settings.pepper())
            for key, ticket in given.items()
        }
    oxycodone, crack = results["fake-oxycodone"], results["crack-amended"]
    assert oxycodone is not None
    assert crack is not None
    assert oxycodone.simulated
    assert crack.simulated
    assert crack.version == 2
    assert crack.amends == plan_of("crack-amended").amend.reason  # type: ignore[union-attr]
    assert "Fentanyl" in {name for finding in oxycodone.findings for name in finding.names}
    waiting = results["not-analysed-yet"]
    assert waiting is not None
    assert waiting.state is PublicState.NOT_READY


def check_alert(told: play.Stage) -> None:
    with told.sessions() as session:
        (alert,) = alerting.published(session, told.clock())
        row = session.scalar(select(AlertRow))
    assert alert.simulated
    assert set(alert.texts) == {"fr", "en"}
    assert row is not None
    assert row.drafted_by != row.approved_by


def check_words(told: play.Stage) -> None:
    given = play.tickets(told)
    console = Console(width=140, record=True, file=io.StringIO())
    console.print(telling.summary(told, given), telling.directions(told, given))
    text = console.export_text()
    assert telling.SIMULATED in text
    assert "cannot be read: truncated" in text
    assert "(version 2)" in text
    assert all(ticket.code in text for ticket in given.values())
    assert all(password in text for password in told.access.passwords.values())

"""A real file, once through: store, job, sandbox, identification, decisions, result."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from library.record import SpectrumKind
from library.release import build_release
from library.shelf import open_installed
from library.starter import starter_records
from spectra.simulate import SimulatedPeak, simulate_run
from spectra.writers import write_mzml
from tests.xbt.laboratory import Laboratory
from xbt.cli.ladder import ladder
from xbt.db.models import AnalysisRow, JobRow
from xbt.domain.errors import NotFound, StepRefused, UploadRefused
from xbt.domain.states import SampleState
from xbt.domain.work import JobState
from xbt.jobs import JobContext, run_worker
from xbt.services import acquisitions, analyses, results, samples
from xbt.services.analyses import handle_analyse

COCAINE = "ZPUCINDJVBIVPJ-LJISPDSOSA-N"


@pytest.fixture(scope="module")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("libraries")
    build_release(starter_records(), folder, name="starter", source="test", licence="test")
    return folder


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory, starter: Path) -> bytes:
    """A simulated GC-MS run of cocaine and caffeine as mzML."""
    (release,) = open_installed(starter)
    wanted = {"Cocaine": 420.0, "Caffeine": 300.0}
    references = [release.entry(int(row)) for row in release.rows(SpectrumKind.EI)]
    peaks = [
        SimulatedPeak(spectrum=one.spectrum, rt_s=wanted[one.name], height=2e6)
        for one in references
        if one.name in wanted
    ]
    assert len(peaks) == 2
    run = simulate_run(peaks, rng=np.random.default_rng(7), duration_s=420.0)
    file = tmp_path_factory.mktemp("measured") / "run.mzML"
    write_mzml(run, file)
    return file.read_bytes()


@pytest.fixture
def equipped(laboratory: Laboratory, starter: Path) -> Laboratory:
    laboratory.settings.libraries_dir.symlink_to(starter)
    return laboratory


@pytest.mark.data
def test_a_run_gets_its_indices_by_the_ladder_of_its_method(
    equipped: Laboratory, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    esters = data_dir / "gcms_truth" / "CoreMS_DATA.MS"
    monkeypatch.setenv("XBT_LADDERS_DIR", str(equipped.settings.ladders_dir))
    done = CliRunner().invoke(ladder, [str(esters), "--series", "fame", "--keep"])
    assert "Kept for PNNL_METABOLOMICS" in done.stderr
    (kept,) = equipped.settings.ladders_dir.iterdir()
    spoilt = kept.with_name(kept.name.replace(".1.json", ".2.json"))
    spoilt.write_text("{}", encoding="utf-8")
    sample_id = equipped.take_in().sample_id
    equipped.upload(sample_id, esters.read_bytes(), "DATA.MS")
    assert run_worker(equipped.settings, once=True) == 1
    with equipped.sessions.begin() as session:
        (refused,) = samples.view(session, equipped.technician, sample_id).acquisitions
        assert refused.job is not None
        assert refused.job.error == {"fault": "bad_ladder", "method": "PNNL_METABOLOMICS"}
    spoilt.unlink()
    sample_id = equipped.take_in().sample_id
    equipped.upload(sample_id, esters.read_bytes(), "DATA.MS")
    assert run_worker(equipped.settings, once=True) == 1
    with equipped.sessions.begin() as session:
        (analysis,) = samples.view(session, equipped.technician, sample_id).analyses
        answer = analyses.load(session, equipped.technician, equipped.store, analysis.id)
    assert answer.ladder is not None
    assert (answer.ladder.series, answer.ladder.method) == ("fame", "PNNL_METABOLOMICS")
    indices = [one.retention_index for one in answer.components if one.retention_index is not None]
    assert len(indices) >= len(answer.ladder.index)
    assert answer.ladder.index[0] <= min(indices) < max(indices) <= answer.ladder.index[-1]


def test_from_file_to_result(equipped: Laboratory, measured: bytes) -> None:
    sample_id = equipped.take_in().sample_id
    equipped.upload(sample_id, measured)
    assert run_worker(equipped.settings, once=True) == 1
    with equipped.sessions.begin() as session:
        view = samples.view(session, equipped.technician, sample_id)
        (analysis,) = view.analyses
        (acquisition,) = view.acquisitions
        assert acquisition.job is not None
        assert (acquisition.job.state, acquisition.job.error) == (JobState.DONE, {})
        assert (view.simulated, analysis.technique, analysis.libraries) == (True, "gc_ms", ("starter 1",))
        answer = analyses.load(session, equipped.technician, equipped.store, analysis.id)
        best = {one.number: one.candidates[0].inchikey for one in answer.components if one.candidates}
        assert COCAINE in best.values()
        for name in ("chromatogram", "component-1", "component-1-2"):
            drawn = analyses.figure(session, equipped.technician, equipped.store, analysis.id, name)
            assert b"<svg" in drawn[:600]
        for component in analysis.undecided:
            analyses.decide(
                session,
                equipped.technician,
                analysis_id=analysis.id,
                component=component,
                accepted=True,
                candidate=1,
                now=equipped.now,
            )
        version = results.submit(
            session, equipped.technician, sample_id=sample_id, comment="", now=equipped.now
        )
    assert (COCAINE,) in [finding.substances for finding in version.findings]
    assert version.simulated


def test_a_job_run_twice_makes_one_analysis(equipped: Laboratory, measured: bytes) -> None:
    acquisition = equipped.upload(equipped.take_in().sample_id, measured)
    with equipped.sessions() as session:
        job = session.scalars(select(JobRow)).one()
    told: list[tuple[float, str]] = []

    def progress(fraction: float, text_code: str) -> None:
        told.append((fraction, text_code))

    context = JobContext(
        job.id, equipped.settings, equipped.sessions, equipped.store, progress, lambda: equipped.now
    )
    handle_analyse(context, {"acquisition_id": acquisition})
    assert told == sorted(told)
    codes = ["reading", "deconvolving", "searching", "drawing", "storing"]
    assert list(dict.fromkeys(code for _, code in told)) == codes
    handle_analyse(context, {"acquisition_id": acquisition})
    assert _count(equipped.sessions) == 1


def test_an_analysis_again_is_the_next_version(equipped: Laboratory, measured: bytes) -> None:
    acquisition = equipped.upload(equipped.take_in().sample_id, measured)
    run_worker(equipped.settings, once=True)
    with equipped.sessions.begin() as session:
        acquisitions.analyse_again(session, equipped.technician, acquisition_id=acquisition, now=equipped.now)
    run_worker(equipped.settings, once=True)
    with equipped.sessions() as session:
        versions = session.scalars(select(AnalysisRow.version).order_by(AnalysisRow.id)).all()
    assert versions == [1, 2]


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (lambda content: content[: len(content) // 2], {"truncated", "malformed"}),
        (lambda content: b"\x00\x01 not a measurement", {"unknown_format"}),
    ],
    ids=["cut in half", "no measurement"],
)
def test_an_unreadable_file_says_why_and_harms_nothing(
    equipped: Laboratory, measured: bytes, damage: Callable[[bytes], bytes], fault: set[str]
) -> None:
    sample_id = equipped.take_in().sample_id
    content = damage(measured)
    equipped.upload(sample_id, content, "broken.mzML")
    run_worker(equipped.settings, once=True)
    with equipped.sessions() as session:
        view = samples.view(session, equipped.technician, sample_id)
    (acquisition,) = view.acquisitions
    assert acquisition.job is not None
    assert (acquisition.job.state, acquisition.job.attempts) == (JobState.FAILED, 1)
    assert acquisition.job.error["fault"] in fault
    assert acquisition.job.error["file"] == "broken.mzML"
    assert view.analyses == ()
    assert view.state is SampleState.IN_ANALYSIS
    assert equipped.store.path(acquisition.sha256).read_bytes() == content


def test_the_same_bytes_again_change_nothing(laboratory: Laboratory) -> None:
    sample_id = laboratory.take_in().sample_id
    first, second = laboratory.upload(sample_id, b"x"), laboratory.upload(sample_id, b"x", "copy.mzML")
    assert first == second
    with laboratory.sessions() as session:
        assert session.scalar(select(func.count(JobRow.id))) == 1


@pytest.mark.parametrize(("content", "code"), [(b"", "empty"), (b"x" * (2**20 + 1), "too_large")])
def test_what_is_no_upload_leaves_no_trace(laboratory: Laboratory, content: bytes, code: str) -> None:
    ticket = laboratory.take_in()
    settings = laboratory.settings.model_copy(update={"max_upload_mb": 1})
    with pytest.raises(UploadRefused) as refused, laboratory.sessions.begin() as session:
        acquisitions.receive(
            session,
            laboratory.technician,
            sample_id=ticket.sample_id,
            stream=io.BytesIO(content),
            file_name="run.mzML",
            store=laboratory.store,
            settings=settings,
            now=laboratory.now,
        )
    assert (refused.value.code, refused.value.fields["file"]) == (code, "run.mzML")
    with laboratory.sessions() as session:
        view = samples.view(session, laboratory.technician, ticket.sample_id)
    assert (view.state, view.acquisitions) == (SampleState.RECEIVED, ())


def test_a_full_disk_is_refused_before_the_upload(laboratory: Laboratory) -> None:
    ticket = laboratory.take_in()
    full = laboratory.settings.model_copy(update={"min_free_share": 0.999, "min_free_gb": 1e9})
    with pytest.raises(UploadRefused) as refused, laboratory.sessions.begin() as session:
        acquisitions.receive(
            session,
            laboratory.technician,
            sample_id=ticket.sample_id,
            stream=io.BytesIO(b"x"),
            file_name="run.mzML",
            store=laboratory.store,
            settings=full,
            now=laboratory.now,
        )
    assert refused.value.code == "disk_full"
    assert not laboratory.store.root.exists()


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("run.mzML", "run.mzML"),
        ("../../etc/passwd", "passwd"),
        ("C:\\data\\run.D", "run.D"),
        ("a\x00b\u202egnp.exe", "abgnp.exe"),
        ("", "file"),
        ("x" * 300, "x" * 255),
    ],
)
def test_file_names_are_only_shown(given: str, shown: str) -> None:
    assert acquisitions.shown_name(given) == shown


def test_a_released_sample_takes_no_file(laboratory: Laboratory) -> None:
    ticket = laboratory.released()
    with pytest.raises(StepRefused):
        laboratory.upload(ticket.sample_id, b"more")


def test_an_analysis_of_another_site_is_not_found(laboratory: Laboratory) -> None:
    analysis = laboratory.analysed(laboratory.upload(laboratory.take_in().sample_id))
    with laboratory.sessions() as session, pytest.raises(NotFound):
        analyses.load(session, laboratory.stranger, laboratory.store, analysis)
    with laboratory.sessions() as session, pytest.raises(NotFound):
        analyses.load(session, laboratory.technician, laboratory.store, 999)


def _count(sessions: sessionmaker[Session]) -> int:
    with sessions() as session:
        return session.scalar(select(func.count(AnalysisRow.id))) or 0

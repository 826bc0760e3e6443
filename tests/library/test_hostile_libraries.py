"""Libraries that are broken, edited, cut short or of another version, and releases of every kind."""

from __future__ import annotations

import json
import multiprocessing
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from library.formats.arrays import read_arrays
from library.prepare import Doubt
from library.record import AnyRecord, OpticalRecord, Reason, Record, Skipped, SpectrumKind
from library.release import LibraryError, Release, build_release, open_release, verify
from library.signing import Trust, public_key, trust
from spectra.errors import InvalidMeasurement
from spectra.model import Axis, OpticalSpectrum, Ordinate

KEY = bytes(range(32))
MZ = np.array([82.0653, 105.0335, 150.0913, 182.1176, 304.1543])
INTENSITY = np.array([20.0, 5.0, 3.0, 100.0, 60.0])
EI = Record("Cocaine", np.floor(MZ), INTENSITY, "ZPUCINDJVBIVPJ-LJISPDSOSA-N", "C17H21NO4", source_id="e1")
MSMS = replace(
    EI,
    mz=MZ,
    kind=SpectrumKind.MSMS,
    precursor_mz=304.1543,
    adduct="[M+H]+",
    polarity=1,
    energy="20 eV",
    energy_ev=20.0,
    instrument="LC-ESI-QTOF",
    licence="CC BY",
    source_id="m1",
)
DART = replace(MSMS, kind=SpectrumKind.IN_SOURCE, energy="orifice1 +30 V", energy_ev=30.0, source_id="d1")
WAVENUMBER = np.linspace(650.0, 4000.0, 900)
BAND = 1.0 + np.exp(-(((WAVENUMBER - 1700) / 20) ** 2))
IR = OpticalRecord(
    "Cocaine",
    OpticalSpectrum(Axis.WAVENUMBER, Ordinate.ABSORBANCE, WAVENUMBER, BAND, "Cocaine"),
    SpectrumKind.INFRARED,
    inchikey=EI.inchikey,
    formula=EI.formula,
    instrument="ATR",
)


def built(folder: Path, *records: AnyRecord, key: bytes | None = None) -> Release:
    made = build_release(records, folder, name="own", source="here", licence="CC0", key=key)
    return open_release(made.directory)


def test_a_release_holds_every_kind_in_one_numbering(tmp_path: Path) -> None:
    raman = replace(IR, kind=SpectrumKind.RAMAN)
    release = built(tmp_path, raman, IR, DART, MSMS, EI)
    assert release.kinds == tuple(SpectrumKind)
    assert [int(release.rows(kind)[0]) for kind in SpectrumKind] == [0, 1, 2, 3, 4]
    assert release.manifest.kinds == dict.fromkeys((kind.value for kind in SpectrumKind), 1)
    entries = [release.entry(row) for row in range(5)]
    assert [entry.kind for entry in entries] == list(SpectrumKind)
    msms, infrared = entries[1], entries[3]
    assert (msms.precursor_mz, msms.adduct, msms.polarity) == (304.1543, "[M+H]+", 1)
    assert (msms.energy, msms.energy_ev) == ("20 eV", 20.0)
    assert (msms.instrument, msms.licence, msms.curve) == ("LC-ESI-QTOF", "CC BY", None)
    assert infrared.curve is not None
    assert infrared.curve.x.tolist() == WAVENUMBER.tolist()
    np.testing.assert_allclose(infrared.curve.y, BAND, rtol=1e-6)
    assert (len(infrared.spectrum), infrared.instrument) == (0, "ATR")
    assert len(set(release.compound_key.tolist())) == 1
    assert not verify(release)


def test_cleaned_peaks_stand_beside_the_measured_ones(tmp_path: Path) -> None:
    release = built(tmp_path, EI, MSMS, DART)
    product, source = release.peaks(SpectrumKind.MSMS), release.peaks(SpectrumKind.IN_SOURCE)
    assert product.mz.tolist() == MZ[:4].tolist()  # without the precursor
    assert source.mz.tolist() == MZ.tolist()  # where it says which compound
    assert product.intensity.sum() == pytest.approx(1.0)
    assert (product.precursor_mz[0], product.polarity[0], product.energy_ev[0]) == (304.1543, 1, 20.0)
    assert release.entry(1).spectrum.mz.tolist() == MZ.tolist()
    assert release.peaks(SpectrumKind.EI).mz.tolist() == np.floor(MZ).tolist()
    for kind in release.kinds:
        assert release.index(kind)
    with pytest.raises(KeyError):
        release.peaks(SpectrumKind.RAMAN)


def test_what_is_merged_keeps_its_source(tmp_path: Path) -> None:
    near = replace(MSMS, intensity=INTENSITY * [1.0, 1.02, 1, 1, 1], source_id="m2", line=4)
    scaled = replace(MSMS, intensity=INTENSITY * 9.99, source_id="", line=5)
    other = replace(MSMS, energy="40 eV", source_id="m4")
    release = built(tmp_path, MSMS, MSMS, near, scaled, other)
    assert len(release) == 2
    assert release.entry(0).merged == ("m1", "m2", "line 5")
    assert release.entry(1).merged == ()


def test_stereoisomers_are_not_merged(tmp_path: Path) -> None:
    mirror = replace(EI, name="Pseudococaine", inchikey="ZPUCINDJVBIVPJ-NWIOFMCTSA-N")
    assert len(built(tmp_path, EI, mirror)) == 2


def test_hostile_records_cost_no_other(tmp_path: Path) -> None:
    records = [
        EI,
        replace(EI, mz=EI.mz[::-1], intensity=INTENSITY[::-1], name="unsorted", line=2),
        replace(EI, intensity=-INTENSITY, name="negative", line=3),
        replace(EI, mz=np.empty(0), intensity=np.empty(0), name="empty", line=4),
        replace(EI, formula="C9H13N", name="mislabelled", line=5),
        replace(MSMS, formula="C9H13N", name="wrong precursor", line=6),
        replace(EI, mz=np.full(5, 82.0), name="one mass", line=7),
        Skipped(8, "skipped", Reason.NO_PEAKS, "no peaks"),
        replace(EI, line=9),
        replace(EI, name="sürröund \ud800", line=10),
    ]
    report = build_release(records, tmp_path, name="own", source="", licence="", report=tmp_path / "r.csv")
    release = open_release(report.directory)
    assert (report.read, report.kept) == (10, 6)
    assert [one.line for one in report.skipped] == [3, 4, 8]
    assert [notice.line for notice in report.duplicates] == [9]
    assert release.doubtful(Doubt.IONS_ABOVE_FORMULA).tolist() == [False, False, True, False, False, False]
    assert release.entry(1).spectrum.mz.tolist() == EI.mz.tolist()
    assert Doubt.PRECURSOR_WRONG in release.entry(5).doubts
    assert release.entry(3).spectrum.mz.tolist() == [82.0]
    assert len((tmp_path / "r.csv").read_text(encoding="utf-8").splitlines()) == 11


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("sound"), EI, MSMS, DART, IR, key=KEY).directory


@given(st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_one_edited_byte_is_found(sound: Path, tmp_path: Path, data: st.DataObject) -> None:
    """In whatever file: it is refused when opened, or named by `verify`, or the signature is wrong."""
    copy = tmp_path / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(sound, copy)
    files = sorted(path for path in copy.iterdir() if path.stat().st_size)
    path = data.draw(st.sampled_from(files), "file")
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1), "byte")
    content[place] ^= data.draw(st.integers(1, 255), "change")
    path.write_bytes(content)
    try:
        release = open_release(copy)
    except LibraryError:
        return
    manifest = release.manifest
    own = public_key(KEY)
    assert verify(release) or trust(manifest.signature, manifest.message, own, {}) is not Trust.OWN


@given(st.data())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_cut_short_is_found_when_opened(sound: Path, tmp_path: Path, data: st.DataObject) -> None:
    copy = tmp_path / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(sound, copy)
    path = data.draw(st.sampled_from(sorted(copy.iterdir())), "file")
    path.write_bytes(path.read_bytes()[: data.draw(st.integers(0, path.stat().st_size - 1), "bytes")])
    with pytest.raises(LibraryError):
        open_release(copy)


@pytest.mark.parametrize(
    "change",
    [
        {"sha256": {}},
        {"sha256": {"../../mz": "0"}, "size": {"../../mz": 1}},
        {"size": {}},
        {"signature": None},
        {"signature": {"key": "", "value": "", "more": 1}},
        {"more": 1},
    ],
)
def test_a_manifest_that_cannot_be_one_is_refused(
    sound: Path, tmp_path: Path, change: dict[str, object]
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(sound, copy)
    path = copy / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(LibraryError):
        open_release(copy)


def _name_of(directory: Path, row: int) -> str:
    return open_release(directory).entry(row).name


def test_another_process_opens_the_same_release(sound: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(_name_of, (sound, 0)) == "Cocaine"


def test_a_mapped_release_cannot_be_written_to(sound: Path) -> None:
    release = open_release(sound)
    with pytest.raises(ValueError, match="read-only"):
        release.compound_key[0] = 1


def test_flat_arrays_make_a_release(tmp_path: Path) -> None:
    records = read_arrays(
        SpectrumKind.MSMS,
        [0, 5, 10],
        np.concatenate((MZ, MZ + 14.0157)).astype(np.float32),
        np.tile(INTENSITY, 2),
        ["one", "two"],
        precursor_mz=np.array([304.1543, np.nan]),
        inchikey=["", EI.inchikey],
    )
    release = built(tmp_path, *records)
    assert [release.entry(row).name for row in range(2)] == ["one", "two"]
    assert (release.entry(0).precursor_mz, release.entry(1).precursor_mz) == (304.1543, None)
    assert release.entry(1).inchikey == EI.inchikey


@pytest.mark.parametrize(
    ("offset", "names", "more"),
    [
        ([0, 9], ["a"], {}),
        ([0, 5], ["a", "b"], {}),
        ([0, 5], ["a"], {"adduct": []}),
        ([5, 0, 5], ["a", "b"], {}),
    ],
)
def test_arrays_that_do_not_fit_are_refused(
    offset: list[int], names: list[str], more: dict[str, list[str]]
) -> None:
    with pytest.raises(InvalidMeasurement):
        list(read_arrays(SpectrumKind.EI, offset, MZ, INTENSITY, names, **more))


record = st.builds(
    Record,
    name=st.sampled_from(["Cocaine", "Caffeine", "x"]),
    mz=st.lists(st.floats(10, 900), min_size=1, max_size=8).map(np.array),
    intensity=st.lists(st.floats(0, 1e6), min_size=1, max_size=8).map(np.array),
    kind=st.sampled_from([SpectrumKind.EI, SpectrumKind.MSMS, SpectrumKind.IN_SOURCE]),
    precursor_mz=st.one_of(st.none(), st.floats(10, 900)),
    energy=st.sampled_from(["", "20 eV"]),
)


@given(st.lists(record, min_size=1, max_size=6))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_record_is_kept_merged_or_skipped(tmp_path: Path, records: list[Record]) -> None:
    shutil.rmtree(tmp_path / "own", ignore_errors=True)
    try:
        report = build_release(records, tmp_path, name="own", source="", licence="")
    except LibraryError:
        return
    merged = sum(report.counts.get(code, 0) for code in ("duplicate", "near_duplicate"))
    assert report.kept + merged + len(report.skipped) == report.read == len(records)
    release = open_release(report.directory)
    assert sum(len(release.entry(row).merged) for row in range(len(release))) == merged
    assert not verify(release)


def _build_one(folder: Path, name: str) -> int:
    return build_release([replace(EI, name=name)], folder, name="own", source="", licence="").number


def test_imports_at_the_same_time_make_releases_one_after_the_other(tmp_path: Path) -> None:
    names = ["one", "two", "three", "one"]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        numbers = pool.starmap(_build_one, [(tmp_path, name) for name in names])
    assert sorted(numbers[:3]) == [1, 2, 3]
    assert numbers[3] == numbers[0]
    assert sorted(path.name for path in (tmp_path / "own").iterdir()) == ["1", "2", "3"]

"""Agilent channels, diode arrays, .D folders of detectors and OpenLab .dx: against rainbow, and cut short."""

from __future__ import annotations

import io
import shutil
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra.errors import Fault, UnreadableFile
from spectra.model import Technique
from spectra.readers import read
from spectra.readers.agilent_channel import decoded, read_channel

CHANNELS = (
    "agilent-ch/chemstation_130.ch",
    "agilent-ch/chemstation_179_asterix.ch",
    "agilent-ch/chemstation_30.ch",
    "agilent-ch/openlab_179.ch",
    "agilent-chemstation-D/orange.D/ADC1A.CH",
    "agilent-chemstation-D/pink.D/DAD1A.ch",
    "agilent-chemstation-D/red.D/ADC1A.CH",
    "agilent-chemstation-D/red.D/DAD1B.ch",
)


def text(value: str, *, wide: bool) -> bytes:
    return bytes([len(value)]) + value.encode("utf-16-le" if wide else "ascii")


def channel(version: str, payload: bytes, *, seconds: float = 3.0, rate: int = 1, variant: int = 5) -> bytes:
    """A channel file as ChemStation lays it out, scaled by 0.5 + 2."""
    wide = version in ("130", "179", "181")
    data = bytearray(0x1800 if wide else 0x400)
    data[: len(version) + 1] = bytes([len(version)]) + version.encode()
    struct.pack_into(">I", data, 0x108, len(data) // 512 + 1)
    times = ">ii" if version in ("8", "30", "130") else ">ff"
    struct.pack_into(times, data, 0x11A, 0, int(seconds * 1000))
    struct.pack_into(">HH", data, 4122 if wide else 530, 1, rate)
    struct.pack_into(">i", data, 4134 if wide else 542, variant)
    struct.pack_into(">dd", data, 4724 if wide else 636, 2.0, 0.5)
    for place, value in ((347 if wide else 4, "GC DATA FILE"), (4172 if wide else 580, "pA")):
        data[place : place + 40] = text(value, wide=wide).ljust(40, b"\0")
    return bytes(data) + payload


DELTAS = struct.pack(">HhhihH", 0x1004, 10, -0x8000, 70_000, -5, 1)[:-2] + struct.pack(">hH", 6, 0)
DOUBLES = np.array([10.0, 70_000.0, 69_995.0, 70_001.0], "<f8").tobytes()
SECONDS = struct.pack(">hhiihhh", 0x7FFF, 0, 10, 0, 0, 0, 0)[:8] + struct.pack(">hhh", 5, 1, -2)


@pytest.mark.parametrize(
    ("version", "payload", "raw"),
    [
        ("8", DELTAS, [10, 70_000, 69_995, 70_001]),
        ("30", DELTAS, [10, 70_000, 69_995, 70_001]),
        ("130", DELTAS, [10, 70_000, 69_995, 70_001]),
        ("179", DOUBLES, [10, 70_000, 69_995, 70_001]),
        ("81", SECONDS, [10, 15, 21, 25]),
        ("181", SECONDS, [10, 15, 21, 25]),
    ],
)
def test_every_version_by_hand(tmp_path: Path, version: str, payload: bytes, raw: list[float]) -> None:
    path = tmp_path / "anything"
    path.write_bytes(channel(version, payload))
    run = read(path)
    (trace,) = run.traces
    np.testing.assert_allclose(trace.value, np.array(raw) * 0.5 + 2)
    np.testing.assert_allclose(trace.time_s, [0, 1, 2, 3])
    assert (trace.unit, run.metadata.technique, run.warnings) == ("pA", Technique.GC, ())


def test_old_variants_have_a_scale_of_their_own() -> None:
    trace = read_channel(channel("8", DELTAS, variant=2), "x").trace
    assert trace.value[0] == pytest.approx(10 * 1.33321110047553)


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (channel("179", DOUBLES)[:4000], Fault.TRUNCATED),
        (channel("179", DOUBLES[:8]), Fault.TRUNCATED),
        (channel("130", DELTAS[:-6]), Fault.TRUNCATED),
        (channel("30", b"\x10\x04"), Fault.TRUNCATED),
        (channel("130", b"\0\0"), Fault.NO_SIGNAL),
        (channel("179", b"", rate=0), Fault.NO_SIGNAL),
        (channel("179", DOUBLES, seconds=-9), Fault.MALFORMED),
        (channel("179", np.array([1, np.nan, 2, 3]).tobytes()), Fault.MALFORMED),
        (channel("130", DELTAS)[:4732] + bytes(8) + channel("130", DELTAS)[4740:], Fault.MALFORMED),
        (b"\x03131" + bytes(100), Fault.TRUNCATED),
    ],
)
def test_broken_channels_are_refused(tmp_path: Path, data: bytes, fault: Fault) -> None:
    path = tmp_path / "x.ch"
    path.write_bytes(data)
    with pytest.raises(UnreadableFile) as caught:
        read(path)
    assert caught.value.fault is fault


@pytest.mark.data
@pytest.mark.parametrize("file", CHANNELS)
def test_channels_against_rainbow(data_dir: Path, file: str) -> None:
    from rainbow.agilent.chemstation import parse_ch

    path = data_dir / "raw" / file
    (trace,), reference = read(path).traces, parse_ch(str(path))
    np.testing.assert_allclose(trace.time_s, reference.xlabels * 60, atol=1e-9)
    np.testing.assert_array_equal(trace.value, reference.data[:, 0])
    assert trace.unit == reference.metadata["unit"]


@pytest.mark.data
@pytest.mark.parametrize("file", [*CHANNELS[:5], "agilent-chemstation-D/red.D/DAD1.UV"])
def test_a_file_cut_short_is_never_stretched_over_the_run(data_dir: Path, tmp_path: Path, file: str) -> None:
    whole = (data_dir / "raw" / file).read_bytes()
    path = tmp_path / Path(file).name
    for share in (0.001, 0.05, 0.3, 0.5, 0.9, 0.96):
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(UnreadableFile) as caught:
            read(path)
        assert caught.value.fault in (Fault.TRUNCATED, Fault.NO_SIGNAL, Fault.UNKNOWN_FORMAT)


@pytest.mark.data
def test_a_diode_array_against_rainbow(data_dir: Path, tmp_path: Path) -> None:
    from rainbow.agilent.chemstation import parse_uv

    path = data_dir / "raw/agilent-chemstation-D/red.D/DAD1.UV"
    run, reference = read(path), parse_uv(str(path))
    (array,) = run.diode_arrays
    np.testing.assert_array_equal(array.value, reference.data)
    np.testing.assert_allclose(array.time_s, reference.xlabels * 60)
    np.testing.assert_array_equal(array.wavelength_nm, reference.ylabels)
    assert (array.unit, run.metadata.technique, run.metadata.sample_name) == ("mAU", Technique.LC, "usp")
    unfinished = bytearray(path.read_bytes()[:-3])
    struct.pack_into(">I", unfinished, 0x116, 0)
    (tmp_path / "x").write_bytes(unfinished)
    partly = read(tmp_path / "x")
    np.testing.assert_array_equal(
        partly.diode_arrays[0].value, reference.data[: len(partly.diode_arrays[0].time_s)]
    )
    assert "does not say how many" in partly.warnings[0]


@pytest.mark.data
def test_a_folder_of_detectors_keeps_what_can_be_read(data_dir: Path, tmp_path: Path) -> None:
    folder = tmp_path / "red.D"
    shutil.copytree(
        data_dir / "raw/agilent-chemstation-D/red.D", folder, ignore=shutil.ignore_patterns("*.REG")
    )
    run = read(folder)
    assert run.traces[0].name == "ADC1"
    assert (len(run.traces), len(run.diode_arrays), len(run.scans), run.warnings) == (3, 1, 0, ())
    assert run.metadata.technique is Technique.LC
    cut = folder / "ADC1A.CH"
    cut.write_bytes(cut.read_bytes()[:7000])
    partly = read(folder)
    assert (len(partly.traces), len(partly.diode_arrays)) == (2, 1)
    assert partly.warnings == ("ADC1A.CH was left out: truncated.",)


@pytest.mark.data
def test_a_folder_with_mass_spectra_keeps_its_channels(data_dir: Path) -> None:
    run = read(data_dir / "raw/agilent-chemstation-D/orange.D")
    assert len(run.scans) > 0
    assert [(trace.name, len(trace.value)) for trace in run.traces] == [("ADC1 CHANNEL A", 1787)]


@pytest.mark.data
def test_openlab_against_rainbow(data_dir: Path, tmp_path: Path) -> None:
    from rainbow.agilent import openlab

    path = data_dir / "raw/agilent-openlab-dx/teal.dx"
    run = read(path)
    reference = {file.name[:5]: file for file in openlab.read(str(path)).datafiles}
    for trace in run.traces[:2]:
        np.testing.assert_array_equal(trace.value, reference[trace.name[:5]].data[:, 0])
        np.testing.assert_allclose(trace.time_s, reference[trace.name[:5]].xlabels * 60)
    np.testing.assert_array_equal(run.diode_arrays[0].value, reference["DAD1I"].data)
    assert [(trace.name, trace.unit) for trace in run.traces[2:]] == [
        ("PMP1B,Pressure", "bar"),
        ("WPS1A,Temperature", "°C"),
    ]
    assert run.traces[2].time_s[-1] == pytest.approx(300, abs=1)
    assert run.metadata.acquired_at == "2025-06-19T20:30:07.2297248-04:00"
    assert run.warnings == ("16 signals that the file lists are not in it.",)
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "folder")
    unpacked = read(tmp_path / "folder")
    assert [trace.name for trace in unpacked.traces] == [trace.name for trace in run.traces]


@pytest.mark.data
def test_an_openlab_file_cut_short_is_refused(data_dir: Path, tmp_path: Path) -> None:
    whole = (data_dir / "raw/agilent-openlab-dx/teal.dx").read_bytes()
    path = tmp_path / "x.dx"
    for share in (0.01, 0.5, 0.99):
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(UnreadableFile) as caught:
            read(path)
        assert caught.value.fault is Fault.UNSUPPORTED  # without its directory it is a broken zip of anything


def packed(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "."), data)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (packed(injection__acmd=b"<ACMD/>"), Fault.NO_SIGNAL),
        (packed(injection__acmd=b"<ACMD"), Fault.MALFORMED),
        (packed(injection__acmd=b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'), Fault.FORBIDDEN),
        (packed(injection__acmd=b"<ACMD/>", a__CH=b"\x03179" + bytes(50)), Fault.TRUNCATED),
        (packed(injection__acmd=b"<ACMD/>", **{f"f{n}": b"" for n in range(300)}), Fault.TOO_LARGE),
    ],
)
def test_hostile_archives_are_refused(tmp_path: Path, data: bytes, fault: Fault) -> None:
    path = tmp_path / "x.dx"
    path.write_bytes(data)
    with pytest.raises(UnreadableFile) as caught:
        read(path)
    assert caught.value.fault is fault


def test_a_changed_archive_ends_in_a_run_or_in_our_error(tmp_path: Path) -> None:
    whole = packed(injection__acmd=b"<ACMD/>", a__CH=channel("179", DOUBLES * 50, seconds=199.0))
    rng = np.random.default_rng(5)
    faults, expected = set(), ""
    for _ in range(200):
        changed = bytearray(whole)
        for place in rng.integers(0, len(whole), size=3):
            changed[place] = rng.integers(256)
        (tmp_path / "x.dx").write_bytes(changed)
        try:
            assert read(tmp_path / "x.dx").traces
        except UnreadableFile as error:
            faults.add(error.fault)
            expected += error.expected
    assert Fault.MALFORMED in faults
    assert "understands" not in expected  # the general answer to an exception nobody foresaw


def test_an_unlisted_member_is_read_and_told(tmp_path: Path) -> None:
    path = tmp_path / "x.dx"
    path.write_bytes(packed(injection__acmd=b"<ACMD/>", a__CH=channel("179", DOUBLES), b__XYZ=b"?"))
    run = read(path)
    assert len(run.traces) == 1
    assert run.warnings == (
        "a.CH is not in the file's own list of signals.",
        "b.XYZ is of a kind that is not read; it was left out.",
    )


_WORD = st.sampled_from([-0x8000, -0x7FFF, -1, 0, 5, 0x7FFF])
_CODED = st.one_of(_WORD.filter(lambda word: word != -0x8000), st.tuples(_WORD, _WORD))


def plainly(part: list[int | tuple[int, int]]) -> tuple[list[int], list[float]]:
    """Words and values of a part, one after the other; pairs are low word first."""
    words: list[int] = []
    values: list[float] = []
    for one in part:
        if isinstance(one, tuple):
            words += [-0x8000, *one]
            values.append(float(one[1] << 16 | one[0] & 0xFFFF))
        else:
            words.append(one)
            values.append((values[-1] if values else 0.0) + one)
    return words, values


@given(
    parts=st.lists(st.lists(_CODED, min_size=3, max_size=3), min_size=1, max_size=6),
    rest=st.lists(_WORD, max_size=2),
)
def test_differences_and_announced_values_in_parts(
    parts: list[list[int | tuple[int, int]]], rest: list[int]
) -> None:
    plain = [plainly(part) for part in parts]
    words = [np.array([*part, *rest], np.int64) for part, _ in plain]
    begins = np.cumsum([0, *(len(part) for part in words[:-1])])
    coded = decoded(np.concatenate(words), begins, low_first=True)
    found = coded.values(coded.begin)[coded.begin[:, None] + np.arange(3)]
    np.testing.assert_array_equal(found, [values for _, values in plain])


def test_a_value_that_its_part_cuts_is_not_taken_from_the_next() -> None:
    words = np.array([1, -0x8000, 7, 2, 3], np.int64)
    coded = decoded(words, np.array([0, 3]), low_first=True)
    assert coded.begin.tolist() == [0, 1]
    assert coded.values(coded.begin).tolist() == [1.0, 2.0, 5.0]

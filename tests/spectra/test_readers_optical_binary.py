"""OMNIC, OPUS, PerkinElmer and Agilent infrared files: real ones, damaged copies, and a second library."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from spectra.errors import Fault, UnreadableFile
from spectra.model import Axis, OpticalSpectrum, Ordinate, Run, Technique
from spectra.readers import read

FILES = (
    "omnic-spa/OpenSpecy_polyethylene.spa",
    "omnic-spa/subdir/7_CZ0-100_Pd_101.SPA",
    "omnic-spa/CO@Mo_Al2O3.SPG",
    "bruker-opus/test.0000",
    "bruker-opus/opusreader2_new_data/issue81_A1.1.0",
    "perkinelmer-sp/spectra.sp",
    "agilent-asp/ftir_ldpe_soil.asp",
)


def refusal(path: Path) -> UnreadableFile:
    with pytest.raises(UnreadableFile) as caught:
        read(path)
    return caught.value


def expected(path: Path) -> str:
    """What the refusal says was expected, "" if the file is read."""
    try:
        return "" if read(path).optical else "a spectrum"
    except UnreadableFile as error:
        return error.expected


def copy(tmp_path: Path, content: bytes) -> Path:
    (tmp_path / "copy").write_bytes(content)
    return tmp_path / "copy"


def first(run: Run) -> OpticalSpectrum:
    return run.optical[0]


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "spectra", "points", "ordinate", "ends"),
    [
        ("omnic-spa/OpenSpecy_polyethylene.spa", 1, 1738, Ordinate.REFLECTANCE, (649.9207, 3999.8086)),
        ("omnic-spa/carroucell/2-BaSO4_1.SPA", 1, 11098, Ordinate.ABSORBANCE, (649.904, 6000.041)),
        ("omnic-spa/subdir/20-50/7_CZ0-100_Pd_21.SPA", 1, 5549, Ordinate.ABSORBANCE, (649.9207, 5999.7134)),
        ("omnic-spa/CO@Mo_Al2O3.SPG", 19, 3112, Ordinate.ABSORBANCE, (999.9265, 3999.7058)),
        ("bruker-opus/OpenSpecy_ftir_polystyrene.0", 3, 2126, Ordinate.ABSORBANCE, (399.224, 4497.537)),
        ("bruker-opus/background.0", 1, 4095, Ordinate.SINGLE_BEAM, (1.2856, 5264.702)),
        ("perkinelmer-sp/spectra.sp", 1, 3301, Ordinate.ABSORBANCE, (700, 4000)),
        ("perkinelmer-sp/orange_single_PE_spectrum.sp", 1, 1626, Ordinate.TRANSMITTANCE, (750, 4000)),
        ("agilent-asp/ftir_ldpe_soil.asp", 1, 1798, Ordinate.ABSORBANCE, (650.42045, 3999.4335)),
    ],
)
def test_real_files(
    data_dir: Path, file: str, spectra: int, points: int, ordinate: Ordinate, ends: tuple[float, float]
) -> None:
    run = read(data_dir / "raw" / file)
    spectrum = first(run)
    assert (len(run.optical), len(spectrum.x), spectrum.ordinate) == (spectra, points, ordinate)
    assert (spectrum.axis, run.metadata.technique) == (Axis.WAVENUMBER, Technique.FTIR)
    np.testing.assert_allclose(spectrum.x[[0, -1]], ends, atol=0.001)
    if ordinate in (Ordinate.REFLECTANCE, Ordinate.TRANSMITTANCE):
        assert 0 <= spectrum.y.min() < spectrum.y.max() < 1.1


@pytest.mark.data
def test_omnic_gives_what_its_own_history_says(data_dir: Path) -> None:
    run = read(data_dir / "raw" / "omnic-spa" / "OpenSpecy_polyethylene.spa")
    assert "Final format: %Reflectance" in run.metadata.details["history"]
    assert "from 649.9207 to 3999.8086" in run.metadata.details["history"]
    assert (run.metadata.sample_name, run.metadata.details["scans"]) == ("Parafilm Test", "100")
    assert run.metadata.acquired_at == "2018-06-02 19:42:58"  # 14:40 five hours west, plus the scans
    assert run.warnings == ("2 interferograms that lie beside the spectrum were left out.",)


@pytest.mark.data
def test_omnic_groups_name_each_spectrum(data_dir: Path) -> None:
    run = read(data_dir / "raw" / "omnic-spa" / "CO@Mo_Al2O3.SPG")
    titles = [spectrum.title for spectrum in run.optical]
    assert len(set(titles)) == 19
    assert "calc_1.004torr" in titles[0]


@pytest.mark.data
def test_an_omnic_file_in_the_wrong_folder_is_read_for_what_it_is(data_dir: Path) -> None:
    wrong = first(read(data_dir / "raw" / "bruker-opus" / "not_opus.spa"))
    right = first(read(data_dir / "raw" / "omnic-spa" / "subdir" / "7_CZ0-100_Pd_101.SPA"))
    np.testing.assert_array_equal(wrong.y, right.y)


@pytest.mark.data
def test_an_omnic_interferogram_is_read_and_said_not_to_be_compared(data_dir: Path) -> None:
    run = read(data_dir / "raw" / "omnic-spa" / "interferogram" / "interfero.SPA")
    (one,) = run.optical
    assert (one.axis, one.ordinate) == (Axis.POINT, Ordinate.INTERFEROGRAM)
    assert (len(one.x), one.x[0], one.x[-1]) == (4160, 0.0, 4159.0)
    assert "no library search compares it" in run.warnings[-1]


def test_an_omnic_series_is_refused_by_name(tmp_path: Path) -> None:
    error = refusal(copy(tmp_path, b"Spectral Exte File" + bytes(600)))
    assert error.fault is Fault.UNSUPPORTED
    assert ".SRS" in error.expected


@pytest.mark.data
def test_opus_reads_what_brukeropus_reads(data_dir: Path) -> None:
    library = pytest.importorskip("brukeropus")
    files = [path for path in (data_dir / "raw" / "bruker-opus").rglob("*.0*") if path.is_file()]
    assert len(files) >= 7
    for path in files:
        theirs = library.read_opus(str(path))
        curves = [getattr(theirs, key) for key in theirs.all_data_keys]
        for spectrum in read(path).optical:
            mine = np.stack([spectrum.x, spectrum.y])
            assert any(
                np.array_equal(np.stack([curve.x, curve.y])[:, ::-1][:, -len(spectrum.x) :], mine)
                for curve in curves
            ), path.name


@pytest.mark.data
@pytest.mark.parametrize(
    "file",
    ["OpenSpecy_ftir_polystyrene.0", "test.0000", "test.0002", "opusreader2_new_data/issue81_A1.1.0"],
)
def test_the_absorbance_of_opus_is_that_of_its_own_beams(data_dir: Path, file: str) -> None:
    absorbance, sample, reference = read(data_dir / "raw" / "bruker-opus" / file).optical
    background = np.interp(sample.x, reference.x, reference.y)
    clear = (absorbance.y < 3) & (sample.y > 0)
    ratio = sample.y[clear] / background[clear]
    np.testing.assert_allclose(absorbance.y[clear], -np.log10(ratio), atol=1e-6)


@pytest.mark.data
def test_a_background_is_the_one_that_a_later_spectrum_names(data_dir: Path) -> None:
    folder = data_dir / "raw" / "bruker-opus"
    (background,) = read(folder / "background.0").optical
    reference = read(folder / "test.0000").optical[2]
    np.testing.assert_allclose(np.interp(reference.x, background.x, background.y), reference.y, atol=1e-9)


@pytest.mark.data
def test_opus_metadata(data_dir: Path) -> None:
    metadata = read(data_dir / "raw" / "bruker-opus" / "OpenSpecy_ftir_polystyrene.0").metadata
    assert (metadata.instrument, metadata.sample_name) == ("VERTEX 70", "sample1_PSnew")
    assert metadata.acquired_at == "28/10/2020 14:33:02.042 (GMT-5)"
    assert metadata.details["resolution_cm-1"] == "4"
    assert metadata.details["accessory"].startswith("A225/Q Platinum ATR")


@pytest.mark.data
def test_opus_says_what_it_left_out(data_dir: Path) -> None:
    run = read(data_dir / "raw" / "bruker-opus" / "opusreader2_new_data" / "issue81_A1.1.0")
    assert run.warnings == ("The curve at byte 28440 has no description; it was left out.",)


def opus_file(*, length: int = 2, points: int = 2, place: int = 24) -> bytes:
    """A file of one absorbance curve: a directory of two blocks, the curve, and its description."""
    text = b"WN\0\0"
    status = b"DXU\0" + struct.pack("<Hh", 2, length) + text
    for key, kind, value in (("NPT", "<i", points), ("FXV", "<d", 4000.0), ("LXV", "<d", 400.0)):
        code = 0 if kind == "<i" else 1
        packed = struct.pack(kind, value)
        status += key.encode() + b"\0" + struct.pack("<HH", code, len(packed) // 2) + packed
    status += b"END\0\0\0\0\0"
    curve = struct.pack("<ff", 0.5, 0.25)
    kind = 3 | 3 << 2 | 4 << 10
    start = 24 + 24
    directory = struct.pack("<Iii", kind, 2, start)
    directory += struct.pack("<Iii", kind | 1 << 4, len(status) // 4, start + len(curve))
    return b"\x0a\x0a\xfe\xfe" + struct.pack("<diii", 1.0, place, 40, 2) + directory + curve + status


def test_an_opus_file_made_by_hand(tmp_path: Path) -> None:
    spectrum = first(read(copy(tmp_path, opus_file())))
    assert (spectrum.x.tolist(), spectrum.y.tolist()) == ([400.0, 4000.0], [0.25, 0.5])


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (opus_file(length=-4), Fault.MALFORMED),  # the length at which brukeropus never ends
        (opus_file(points=2**31 - 1), Fault.MALFORMED),
        (opus_file(points=-1), Fault.MALFORMED),
        (opus_file(place=2**31 - 1), Fault.TRUNCATED),
        (opus_file(place=-24), Fault.MALFORMED),
    ],
)
def test_opus_files_that_lie(tmp_path: Path, content: bytes, fault: Fault) -> None:
    assert refusal(copy(tmp_path, content)).fault is fault


@pytest.mark.data
def test_perkinelmer_metadata(data_dir: Path) -> None:
    metadata = read(data_dir / "raw" / "perkinelmer-sp" / "spectra.sp").metadata
    assert (metadata.instrument, metadata.sample_name) == ("Spectrum One", "strip01")
    assert metadata.acquired_at == "Thu Mar 09 09:19:21 2006"
    assert metadata.details["detector"] == "MCT"


@pytest.mark.data
def test_the_range_of_perkinelmer_is_the_one_it_states(data_dir: Path) -> None:
    """Block 35699 holds least and greatest value, which no number of ours was made from."""
    content = (data_dir / "raw" / "perkinelmer-sp" / "spectra.sp").read_bytes()
    place = content.index(struct.pack("<Hi", 35699, 18) + b"\x1du") + 8
    spectrum = first(read(data_dir / "raw" / "perkinelmer-sp" / "spectra.sp"))
    np.testing.assert_allclose(
        (spectrum.y.min(), spectrum.y.max()), struct.unpack_from("<dd", content, place)
    )


@pytest.mark.data
@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("share", [0.02, 0.2, 0.5, 0.8])
def test_a_cut_copy_is_refused(tmp_path: Path, data_dir: Path, file: str, share: float) -> None:
    whole = (data_dir / "raw" / file).read_bytes()
    error = refusal(copy(tmp_path, whole[: int(len(whole) * share)]))
    assert error.fault in (Fault.TRUNCATED, Fault.MALFORMED)
    assert error.expected


@pytest.mark.data
@pytest.mark.parametrize("file", FILES)
def test_damaged_copies_end_in_a_spectrum_or_in_our_error(tmp_path: Path, data_dir: Path, file: str) -> None:
    rng = np.random.default_rng(11)
    whole = (data_dir / "raw" / file).read_bytes()
    for _ in range(60):
        damaged = bytearray(whole)
        for place in rng.integers(0, min(len(whole), 2000), size=3):
            damaged[place] = rng.integers(256)
        assert "Error)" not in expected(copy(tmp_path, bytes(damaged)))  # no library's own exception


@pytest.mark.data
def test_an_opus_file_of_nothing_but_an_interferogram(data_dir: Path, tmp_path: Path) -> None:
    brukeropus = pytest.importorskip("brukeropus")
    path = data_dir / "raw" / "bruker-opus" / "background.0"
    data = bytearray(path.read_bytes())
    start, _, count = struct.unpack_from("<iii", data, 12)
    for place in range(start, start + 12 * count, 12):
        kind = struct.unpack_from("<I", data, place)[0]
        if kind >> 10 & 127 == 1 and not kind >> 4 & 63:  # the single beam
            struct.pack_into("<i", data, place + 8, 0)
    run = read(copy(tmp_path, bytes(data)))
    (one,) = run.optical
    theirs = brukeropus.read_opus(str(path)).igrf
    assert (one.axis, one.ordinate, one.title) == (Axis.POINT, Ordinate.INTERFEROGRAM, "reference")
    np.testing.assert_allclose(one.x, theirs.x)
    np.testing.assert_allclose(one.y, theirs.y)
    assert run.metadata.technique is Technique.FTIR
    assert "no library search compares it" in run.warnings[-1]

"""Optical spectra as text: delimiters, decimal signs, words, figures without words, and real files."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from spectra.errors import Fault, UnreadableFile
from spectra.model import Axis, Ordinate, Run, Technique
from spectra.readers import read

X = np.linspace(4000.0, 400.0, 1801)
Y = 0.1 + 0.5 * np.exp(-(((X - 1700) / 30) ** 2))


def read_text(tmp_path: Path, text: str, *, encoding: str = "utf-8") -> Run:
    (tmp_path / "x.csv").write_text(text, encoding=encoding)
    return read(tmp_path / "x.csv")


def table(
    heading: str, *, delimiter: str = ",", decimal: str = ".", x: np.ndarray = X, y: np.ndarray = Y
) -> str:
    rows = [f"{a:.3f}{delimiter}{b:.5f}" for a, b in zip(x, y, strict=True)]
    if decimal == ",":
        rows = [row.replace(".", ",") for row in rows]
    return "\n".join([*([heading] if heading else []), *rows, ""])


@pytest.mark.parametrize("delimiter", [",", ";", "\t", " "])
@pytest.mark.parametrize("decimal", [".", ","])
def test_delimiters_and_decimal_signs(tmp_path: Path, delimiter: str, decimal: str) -> None:
    if delimiter == decimal:
        return
    text = table(f"cm-1{delimiter}A", delimiter=delimiter, decimal=decimal)
    (one,) = read_text(tmp_path, text).optical
    assert (one.axis, one.ordinate) == (Axis.WAVENUMBER, Ordinate.ABSORBANCE)
    np.testing.assert_allclose(one.x, X[::-1], atol=0.001)
    np.testing.assert_allclose(one.y, Y[::-1], atol=1e-5)


@pytest.mark.parametrize(
    ("heading", "axis", "ordinate", "factor"),
    [
        ("wavenumber (cm-1),absorbance", Axis.WAVENUMBER, Ordinate.ABSORBANCE, 1.0),
        ("Wavenumbers,%T", Axis.WAVENUMBER, Ordinate.TRANSMITTANCE, 0.01),
        ("cm⁻¹,Transmittance (%)", Axis.WAVENUMBER, Ordinate.TRANSMITTANCE, 0.01),
        ("nombre d'onde (cm-1),absorbance", Axis.WAVENUMBER, Ordinate.ABSORBANCE, 1.0),
        ("1/cm,Reflectance [%]", Axis.WAVENUMBER, Ordinate.REFLECTANCE, 0.01),
        ("Raman shift (cm-1),Intensity (counts)", Axis.RAMAN_SHIFT, Ordinate.INTENSITY, 1.0),
        ("Raman shift,Raman intensity", Axis.RAMAN_SHIFT, Ordinate.INTENSITY, 1.0),
        ("Wavelength (nm),Abs", Axis.WAVELENGTH, Ordinate.ABSORBANCE, 1.0),
        ("Wellenzahl (cm-1),Extinktion", Axis.WAVENUMBER, Ordinate.ABSORBANCE, 1.0),
        ("Nombre d'onde,Transmission %", Axis.WAVENUMBER, Ordinate.TRANSMITTANCE, 0.01),
        ("nm,A", Axis.WAVELENGTH, Ordinate.ABSORBANCE, 1.0),
        ("XUNITS,1/CM\nYUNITS,ABSORBANCE\nX,Y", Axis.WAVENUMBER, Ordinate.ABSORBANCE, 1.0),
    ],
)
def test_headings(tmp_path: Path, heading: str, axis: Axis, ordinate: Ordinate, factor: float) -> None:
    run = read_text(tmp_path, table(heading))
    (one,) = run.optical
    assert (one.axis, one.ordinate, run.warnings) == (axis, ordinate, ())
    np.testing.assert_allclose(one.y, Y[::-1] * factor, atol=1e-5)


def test_several_columns_are_several_spectra(tmp_path: Path) -> None:
    rows = "\n".join(f"{x};{x / 1000};{'' if x == 402 else 0.5}" for x in range(400, 420))
    run = read_text(tmp_path, f"Sample;Batch 7\nInstrument;Nicolet\ncm-1;powder A;powder B\n{rows}\n")
    assert [(len(one.x), one.title) for one in run.optical] == [(20, "powder A"), (19, "powder B")]
    assert (run.metadata.sample_name, run.metadata.instrument) == ("Batch 7", "Nicolet")


def test_a_handheld_raman_file_with_pixels_and_three_axes(tmp_path: Path) -> None:
    rows = "\n".join(f"{k};{785 + k};{12000 - k};{100 + 2 * k};{7 * k}" for k in range(20))
    heading = "Pixel;Wavelength;Wavenumber;Raman Shift;Dark Subtracted #1"
    run = read_text(tmp_path, f"laser_wavelength;785\n{heading}\n{rows}\n")
    (one,) = run.optical
    assert (one.axis, one.title, run.metadata.technique) == (
        Axis.RAMAN_SHIFT,
        "Dark Subtracted #1",
        Technique.RAMAN,
    )
    assert one.x.tolist() == [100.0 + 2 * k for k in range(20)]


def test_perkinelmer_text_tells_units_on_lines_of_their_own(tmp_path: Path) -> None:
    head = "PE IR       SPECTRUM    ASCII       PEDS        4.60\n#HDR\n-1\n#GR\ncm-1\n%T\n#DATA\n"
    run = read_text(tmp_path, head + table("", delimiter=" "))
    assert (run.optical[0].axis, run.optical[0].ordinate) == (Axis.WAVENUMBER, Ordinate.TRANSMITTANCE)
    np.testing.assert_allclose(run.optical[0].y, Y[::-1] / 100, atol=1e-5)


@pytest.mark.parametrize("line", ["Laser wavelength: 785 nm", "Laser wavelength (nm)", "Mode: Transmission"])
def test_words_about_the_instrument_are_not_about_the_columns(tmp_path: Path, line: str) -> None:
    with pytest.raises(UnreadableFile) as caught:
        read_text(tmp_path, f"{line}\n{table('', x=np.linspace(200.0, 1800.0, 801), y=np.ones(801))}")
    assert "what the columns are" in caught.value.expected


def test_a_mode_of_sampling_is_no_ordinate(tmp_path: Path) -> None:
    run = read_text(tmp_path, f"Mode: Transmission\n{table('')}")
    assert run.optical[0].ordinate is Ordinate.INTENSITY


def test_figures_alone_are_told_only_over_the_infrared(tmp_path: Path) -> None:
    run = read_text(tmp_path, table(""))
    assert run.metadata.technique is Technique.FTIR
    assert "taken as wavenumbers" in run.warnings[0]
    assert run.optical[0].ordinate is Ordinate.INTENSITY
    assert "does not name" in run.warnings[1]


@pytest.mark.parametrize(
    "x",
    [
        np.linspace(200.0, 800.0, 601),  # ultraviolet, Raman, seconds, m/z
        np.linspace(200.0, 1800.0, 801),  # Raman or seconds
        np.linspace(400.0, 2400.0, 801),  # seconds after a solvent delay
        np.sort(np.random.default_rng(1).uniform(400, 4000, 500)),  # uneven
        np.linspace(4000.0, 400.0, 40),  # too few
        np.linspace(400.0, 2498.0, 1050),  # Raman shifts or wavelengths
        np.linspace(9.0, -1.0, 500),  # NMR
    ],
)
def test_figures_that_could_be_anything_are_a_question(tmp_path: Path, x: np.ndarray) -> None:
    with pytest.raises(UnreadableFile) as caught:
        read_text(tmp_path, table("", x=x, y=np.ones(len(x))))
    assert caught.value.fault is Fault.UNSUPPORTED
    assert "what the columns are" in caught.value.expected
    assert "first line" in caught.value.remedy


@pytest.mark.parametrize("low", [1000.0, 1100.0])
def test_figures_over_all_of_the_near_infrared_are_wavelengths(tmp_path: Path, low: float) -> None:
    x = np.arange(low, 2499.0, 2.0)
    run = read_text(tmp_path, table("", x=x, y=np.ones(len(x))))
    assert run.optical[0].axis is Axis.WAVELENGTH
    assert "taken as wavelengths" in run.warnings[0]


@pytest.mark.parametrize(
    ("heading", "axis", "first"),
    [
        ("chemical shift (ppm),real intensity", Axis.CHEMICAL_SHIFT, -1.5),
        ("1H ppm,counts", Axis.CHEMICAL_SHIFT, -1.5),
        ("frequency (Hz),intensity", Axis.FREQUENCY, -300.0),
        ("magnetic field (mT),intensity", Axis.MAGNETIC_FIELD, 330.0),
        ("potential (V),intensity (A)", Axis.POTENTIAL, -0.6),
        ("1/cm,absorbance", Axis.WAVENUMBER, 400.0),
    ],
)
def test_headings_of_other_curves(tmp_path: Path, heading: str, axis: Axis, first: float) -> None:
    x = first + np.arange(5.0)
    (one,) = read_text(tmp_path, table(heading, x=x, y=np.ones(5))).optical
    assert one.axis is axis
    np.testing.assert_array_equal(one.x, x)


@pytest.mark.parametrize("heading", ["m/z,intensity", "2theta,counts", "temperature,current"])
def test_other_headings_are_named_in_the_question(tmp_path: Path, heading: str) -> None:
    with pytest.raises(UnreadableFile) as caught:
        read_text(tmp_path, table(heading))
    assert caught.value.fault is Fault.UNSUPPORTED
    assert heading.partition(",")[0] in caught.value.expected


def test_times_are_a_chromatogram(tmp_path: Path) -> None:
    run = read_text(tmp_path, table("Time (min),absorbance", x=np.linspace(0, 30, 1801)))
    assert (len(run.traces), run.optical) == (1, ())


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    run = read_text(tmp_path, table("longueur d'onde é (nm);absorbance", delimiter=";"), encoding=encoding)
    assert run.optical[0].axis is Axis.WAVELENGTH


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "points", "ends"),
    [
        ("ftir/4-MEAP.txt", 1868, (399.19263, 3999.64014)),
        ("ftir/4-MPD.txt", 1764, (599.75317, 3999.64014)),
        ("raw/bruker-dpt/peach_juice.dpt", 1816, (499.53234, 4000.1161)),
    ],
)
def test_real_files(data_dir: Path, file: str, points: int, ends: tuple[float, float]) -> None:
    run = read(data_dir / file)
    (one,) = run.optical
    assert (run.metadata.technique, one.axis, len(one.x)) == (Technique.FTIR, Axis.WAVENUMBER, points)
    np.testing.assert_allclose(one.x[[0, -1]], ends)


@pytest.mark.data
@pytest.mark.parametrize("name", ["Ft-ir.spc", "m_ordz.spc", "kry2.spc"])
def test_exported_text_holds_what_the_binary_holds(data_dir: Path, name: str) -> None:
    folder = data_dir / "raw" / "galactic-spc" / "rohanisaac_spc"
    text, binary = read(folder / "txt" / f"{name}.txt"), read(folder / name)
    for mine, theirs in zip(text.optical, binary.optical, strict=True):
        scale = 100 if theirs.ordinate is Ordinate.TRANSMITTANCE else 1
        np.testing.assert_allclose(mine.x, theirs.x)
        np.testing.assert_allclose(mine.y, theirs.y * scale, rtol=1e-6, atol=1e-6)


def axis_file(points: int) -> bytes:
    content = bytearray(2300)
    struct.pack_into("<d", content, 2216, 1.9287)
    struct.pack_into("<i", content, 2228, 500)
    struct.pack_into("<i", content, 2236, points)
    return bytes(content)


@pytest.mark.data
@pytest.mark.parametrize("suffix", ["dat", "seq"])
def test_an_agilent_image_alone_is_refused_for_its_axis(data_dir: Path, suffix: str) -> None:
    with pytest.raises(UnreadableFile) as caught:
        read(data_dir / "raw" / "agilent-seq" / f"4_noimage_agg256.{suffix}")
    assert caught.value.fault is Fault.UNSUPPORTED
    assert ".bsp" in caught.value.expected


@pytest.mark.data
def test_an_agilent_image_with_its_axis_is_read(tmp_path: Path, data_dir: Path) -> None:
    tile = (data_dir / "raw" / "agilent-seq" / "4_noimage_agg256.dat").read_bytes()
    (tmp_path / "a.dat").write_bytes(tile)
    (tmp_path / "a.bsp").write_bytes(axis_file(9))
    run = read(tmp_path)
    assert len(run.optical) == 64
    np.testing.assert_allclose(run.optical[0].x[0], 500 * 1.9287)
    images = np.frombuffer(tile, "<f4", offset=1020).reshape(9, 8, 8)
    np.testing.assert_array_equal(run.optical[10].y, images[:, 1, 2])


@pytest.mark.data
@pytest.mark.parametrize(
    ("points", "kept", "fault"),
    [
        (311, 0, Fault.MALFORMED),
        (9, 2000, Fault.TRUNCATED),
        (2**31 - 1, 0, Fault.TOO_LARGE),
        (9, 900, Fault.MALFORMED),
    ],
)
def test_an_agilent_image_that_contradicts_its_axis(
    tmp_path: Path, data_dir: Path, points: int, kept: int, fault: Fault
) -> None:
    tile = (data_dir / "raw" / "agilent-seq" / "4_noimage_agg256.dat").read_bytes()
    (tmp_path / "a.dat").write_bytes(tile[: kept or len(tile)])
    (tmp_path / "a.bsp").write_bytes(axis_file(points))
    with pytest.raises(UnreadableFile) as caught:
        read(tmp_path)
    assert caught.value.fault is fault

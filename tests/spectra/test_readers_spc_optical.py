"""GRAMS SPC with optical spectra: every layout made here byte by byte, real files, their exported text."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from spectra.errors import Fault, UnreadableFile
from spectra.model import Axis, Ordinate, Technique
from spectra.readers import read

Y_16_BIT, MULTIFILE, SHARED_X = 0x01, 0x04, 0x80
FLOAT = -128
Y = np.array([0.25, 0.5, -0.125, 1.0])


def new_spc(
    curves: list[np.ndarray],
    *,
    flags: int = 0,
    exponent: int = 4,
    order: str = "<",
    units: tuple[int, int, int] = (1, 2, 0),
    x: tuple[float, ...] = (4000.0, 3000.0, 2000.0, 1000.0),
) -> bytes:
    """A file of the new format in either byte order; z of curve k is k."""
    width = 2 if flags & Y_16_BIT else 4
    header = bytearray(512)
    version = 0x4B if order == "<" else 0x4C
    struct.pack_into(
        f"{order}BBBbIddIBBB",
        header, 0, flags, version, 0, exponent, len(x), x[0], x[-1], len(curves), *units,
    )  # fmt: skip
    struct.pack_into(f"{order}I", header, 32, 2026 << 20 | 11 << 16 | 22 << 11 | 6 << 6 | 15)
    body = np.array(x, f"{order}f4").tobytes() if flags & SHARED_X else b""
    for k, y in enumerate(curves):
        body += struct.pack(f"{order}BbHfffIIf4x", 0, exponent, k, k, k, 0.0, 0, 0, 0.0)
        scaled = y if exponent == FLOAT else np.round(y / 2.0 ** (exponent - 8 * width))
        body += scaled.astype(f"{order}f4" if exponent == FLOAT else f"{order}i{width}").tobytes()
    return bytes(header) + body


def old_spc(curves: list[np.ndarray], *, flags: int = 0, z_unit: int = 0) -> bytes:
    """A file of the old format, 32-bit integers with their halves exchanged or 16-bit ones, exponent 4."""
    header = bytearray(224)
    struct.pack_into("<BBhfffBBH4B", header, 0, flags, 0x4D, 4, 4, 4000, 1000, 1, 2, z_unit << 12 | 113, 5, 24, 10, 32)  # fmt: skip  # noqa: E501
    body = b""
    for k, y in enumerate(curves):
        body += struct.pack("<BbHf24x", 0, 4, k, k)
        if flags & Y_16_BIT:
            body += np.round(y * 2.0**12).astype("<i2").tobytes()
        else:
            body += np.round(y * 2.0**28).astype(">i4").view("<u2").byteswap().tobytes()
    return bytes(header) + body


def written(tmp_path: Path, content: bytes) -> Path:
    (tmp_path / "x.spc").write_bytes(content)
    return tmp_path / "x.spc"


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("flags", "exponent"), [(0, 4), (Y_16_BIT, 4), (0, FLOAT), (SHARED_X, FLOAT)])
def test_every_way_to_write_the_same_curve(tmp_path: Path, order: str, flags: int, exponent: int) -> None:
    run = read(written(tmp_path, new_spc([Y], flags=flags, exponent=exponent, order=order)))
    (spectrum,) = run.optical
    assert (spectrum.axis, spectrum.ordinate) == (Axis.WAVENUMBER, Ordinate.ABSORBANCE)
    assert spectrum.x.tolist() == [1000.0, 2000.0, 3000.0, 4000.0]
    np.testing.assert_allclose(spectrum.y, Y[::-1], atol=2.0**-12)
    assert (run.warnings, run.metadata.technique) == ((), Technique.FTIR)
    assert run.metadata.acquired_at == "2026-11-22 06:15"


@pytest.mark.parametrize("flags", [0, Y_16_BIT])
def test_the_old_format(tmp_path: Path, flags: int) -> None:
    run = read(written(tmp_path, old_spc([Y], flags=flags)))
    np.testing.assert_allclose(run.optical[0].y, Y[::-1], atol=2.0**-12)
    assert run.metadata.acquired_at == "2013-05-24 10:32"


def test_several_curves_of_the_old_format(tmp_path: Path) -> None:
    run = read(written(tmp_path, old_spc([Y, 2 * Y], flags=MULTIFILE, z_unit=5)))
    assert [spectrum.title for spectrum in run.optical] == ["[1] 0 s", "[2] 60 s"]
    np.testing.assert_allclose(run.optical[1].y, 2 * Y[::-1], atol=1e-6)


def test_wavelengths_over_time_are_a_diode_array(tmp_path: Path) -> None:
    content = new_spc(
        [Y, 2 * Y], flags=MULTIFILE, units=(3, 2, 5), exponent=FLOAT, x=(200.0, 210.0, 220.0, 230.0)
    )
    (array,) = read(written(tmp_path, content)).diode_arrays
    assert array.time_s.tolist() == [0.0, 60.0]
    assert array.wavelength_nm.tolist() == [200.0, 210.0, 220.0, 230.0]
    assert array.value.tolist() == [Y.tolist(), (2 * Y).tolist()]


@pytest.mark.parametrize(
    ("code", "ordinate", "factor"),
    [
        (2, Ordinate.ABSORBANCE, 1.0),
        (128, Ordinate.TRANSMITTANCE, 0.01),
        (129, Ordinate.REFLECTANCE, 0.01),
        (130, Ordinate.SINGLE_BEAM, 1.0),
        (3, Ordinate.INTENSITY, 1.0),
    ],
)
def test_the_ordinate_and_its_shares(tmp_path: Path, code: int, ordinate: Ordinate, factor: float) -> None:
    y = np.array([90.0, 80.0, 95.0, 70.0])
    run = read(written(tmp_path, new_spc([y], exponent=FLOAT, units=(1, code, 0))))
    assert run.optical[0].ordinate is ordinate
    np.testing.assert_allclose(run.optical[0].y, y[::-1] * factor)
    assert bool(run.warnings) is (factor != 1.0 or ordinate is Ordinate.INTENSITY)


def test_an_interferogram_is_read_over_the_numbers_of_its_points(tmp_path: Path) -> None:
    run = read(written(tmp_path, new_spc([Y], units=(1, 1, 0))))
    (one,) = run.optical
    assert (one.axis, one.ordinate) == (Axis.POINT, Ordinate.INTERFEROGRAM)
    assert one.x.tolist() == [0.0, 1.0, 2.0, 3.0]
    np.testing.assert_allclose(one.y, Y, atol=1e-6)
    assert "no library search compares it" in run.warnings[-1]


@pytest.mark.parametrize(
    ("code", "axis", "name", "factor"),
    [
        (0, Axis.OTHER, "", 1.0),
        (4, Axis.TIME, "", 1.0),
        (7, Axis.FREQUENCY, "", 1e3),
        (10, Axis.CHEMICAL_SHIFT, "", 1.0),
        (18, Axis.OTHER, "degrees", 1.0),
        (22, Axis.POINT, "", 1.0),
        (23, Axis.TIME, "", 1e-3),
        (29, Axis.OTHER, "mm", 1.0),
    ],
)
def test_every_other_x_axis_is_kept_with_its_unit(
    tmp_path: Path, code: int, axis: Axis, name: str, factor: float
) -> None:
    run = read(written(tmp_path, new_spc([Y], units=(code, 4, 0), x=(237.0, 154.0, 71.0, -12.0))))
    (one,) = run.optical
    assert (one.axis, one.x_unit, one.y_unit) == (axis, name, "counts")
    np.testing.assert_allclose(one.x, np.array([-12.0, 71.0, 154.0, 237.0]) * factor)
    np.testing.assert_allclose(one.y, Y[::-1], atol=1e-6)
    assert "no library search compares it" in run.warnings[-1]


def test_a_detector_over_the_minutes_of_a_run_is_a_trace(tmp_path: Path) -> None:
    run = read(written(tmp_path, new_spc([Y], units=(5, 9, 0), x=(0.0, 1.0, 2.0, 3.0))))
    (trace,) = run.traces
    assert (trace.time_s.tolist(), trace.unit) == ([0.0, 60.0, 120.0, 180.0], "mV")
    np.testing.assert_allclose(trace.value, Y, atol=1e-6)
    assert not run.optical


@pytest.mark.parametrize("content", [new_spc([Y]), old_spc([Y]), new_spc([Y], order=">")])
@pytest.mark.parametrize("share", [0.45, 0.8, 0.93, 0.995])
def test_a_cut_file_is_a_truncation(tmp_path: Path, content: bytes, share: float) -> None:
    with pytest.raises(UnreadableFile) as caught:
        read(written(tmp_path, content[: int(len(content) * share)]))
    assert caught.value.fault is Fault.TRUNCATED


@pytest.mark.parametrize("points", [2**31, 2**32 - 1])
def test_a_number_of_points_that_lies(tmp_path: Path, points: int) -> None:
    content = bytearray(new_spc([Y]))
    struct.pack_into("<I", content, 4, points)
    with pytest.raises(UnreadableFile) as caught:
        read(written(tmp_path, bytes(content)))
    assert caught.value.fault is Fault.TRUNCATED


@pytest.mark.parametrize(
    ("points", "fault"),
    [(float("nan"), Fault.MALFORMED), (1.5, Fault.MALFORMED), (-4, Fault.MALFORMED), (3e9, Fault.TOO_LARGE)],
)
def test_an_old_file_whose_number_of_points_lies(tmp_path: Path, points: float, fault: Fault) -> None:
    content = bytearray(old_spc([Y]))
    struct.pack_into("<f", content, 4, points)
    with pytest.raises(UnreadableFile) as caught:
        read(written(tmp_path, bytes(content)))
    assert caught.value.fault is fault


def test_many_subfiles_over_few_bytes_are_a_truncation(tmp_path: Path) -> None:
    content = bytearray(new_spc([Y], flags=MULTIFILE))
    struct.pack_into("<I", content, 24, 4_000_000_000)
    with pytest.raises(UnreadableFile) as caught:
        read(written(tmp_path, bytes(content)))
    assert caught.value.fault is Fault.TRUNCATED


@pytest.mark.data
@pytest.mark.parametrize(
    "file",
    ["CAthickyellow_try4_18.spc", "DERt3_1.spc", "DOERNER.spc", "Ft-ir.spc", "kry2.spc", "m_ordz.spc"],
)
def test_the_numbers_are_those_of_the_exported_text(data_dir: Path, file: str) -> None:
    folder = data_dir / "raw" / "galactic-spc" / "rohanisaac_spc"
    run = read(folder / file)
    lines = (folder / "txt" / f"{file}.txt").read_text().splitlines()
    table = np.array([line.split() for line in lines if line[:1].isdigit()], float)
    table = table[np.argsort(table[:, 0])]
    assert len(run.optical) == table.shape[1] - 1
    for spectrum, column in zip(run.optical, table.T[1:], strict=True):
        np.testing.assert_allclose(spectrum.x, table[:, 0])
        share = spectrum.ordinate is Ordinate.TRANSMITTANCE
        np.testing.assert_allclose(spectrum.y, column / (100 if share else 1), rtol=1e-9, atol=1e-6)


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "technique", "axis", "ordinate", "points"),
    [
        ("galacticdata/BENZENE.SPC", Technique.FTIR, Axis.WAVENUMBER, Ordinate.ABSORBANCE, 1842),
        ("galacticdata/HOLMIUM.SPC", Technique.UV, Axis.WAVELENGTH, Ordinate.ABSORBANCE, 901),
        ("galacticdata/TOLUENE.SPC", Technique.FTIR, Axis.WAVENUMBER, Ordinate.ABSORBANCE, 801),
        ("galacticdata/XYTRACE.SPC", Technique.UNKNOWN, Axis.WAVELENGTH, Ordinate.INTENSITY, 3469),
        ("rohanisaac_spc/RAMAN.SPC", Technique.RAMAN, Axis.RAMAN_SHIFT, Ordinate.INTENSITY, 3632),
        ("rohanisaac_spc/RUBY18.SPC", Technique.UNKNOWN, Axis.WAVENUMBER, Ordinate.INTENSITY, 501),
        ("rohanisaac_spc/test_input.spc", Technique.UNKNOWN, Axis.WAVENUMBER, Ordinate.INTENSITY, 3839),
        ("resolutionPro.spc", Technique.FTIR, Axis.WAVENUMBER, Ordinate.ABSORBANCE, 1557),
    ],
)
def test_real_spectra(
    data_dir: Path, file: str, technique: Technique, axis: Axis, ordinate: Ordinate, points: int
) -> None:
    run = read(data_dir / "raw" / "galactic-spc" / file)
    (spectrum,) = run.optical
    assert run.metadata.technique is technique
    assert (spectrum.axis, spectrum.ordinate, len(spectrum.x)) == (axis, ordinate, points)


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "shape", "last_s", "wavelengths"),
    [
        ("galacticdata/LC_DIODE_ARRAY.SPC", (350, 181), 209.4, (190, 370)),
        ("rohanisaac_spc/m_evenz.spc", (32, 171), 960.0, (200, 800)),
    ],
)
def test_real_diode_arrays(
    data_dir: Path, file: str, shape: tuple[int, int], last_s: float, wavelengths: tuple[int, int]
) -> None:
    (array,) = read(data_dir / "raw" / "galactic-spc" / file).diode_arrays
    assert array.value.shape == shape
    np.testing.assert_allclose(array.time_s[-1], last_s, atol=0.01)
    np.testing.assert_allclose(array.wavelength_nm[[0, -1]], wavelengths)


@pytest.mark.data
def test_the_numbers_are_those_of_the_library_spc_io(data_dir: Path) -> None:
    library = pytest.importorskip("spc_io")
    compared = 0
    for path in sorted((data_dir / "raw" / "galactic-spc").rglob("*.[sS][pP][cC]")):
        try:
            mine = read(path).optical
            with path.open("rb") as stream:
                theirs = list(library.SPC.from_bytes_io(stream))
        except (UnreadableFile, NotImplementedError, ValueError):
            continue  # of no kind that both read
        for spectrum, curve in zip(mine, theirs, strict=False):
            if spectrum.axis is Axis.POINT:
                continue  # the file gives wavenumbers for an interferogram
            x, y = np.asarray(curve.xarray), np.asarray(curve.yarray)
            order = np.argsort(x)
            scale = 100 if spectrum.ordinate is Ordinate.TRANSMITTANCE else 1
            np.testing.assert_allclose(spectrum.x, x[order])
            np.testing.assert_allclose(spectrum.y, y[order] / scale)
            compared += 1
    assert compared >= 17


@pytest.mark.data
def test_real_decays_shifts_and_interferograms_are_named(data_dir: Path) -> None:
    files = {path.name: path for path in (data_dir / "raw" / "galactic-spc").rglob("*.SPC")}
    told = {
        name: (run.metadata.technique, run.optical[0].axis)
        for name in ("FID.SPC", "NMR_FID.SPC", "NMR_SPC.SPC", "IG_MULTI.SPC")
        for run in [read(files[name])]
    }
    assert told == {
        "FID.SPC": (Technique.NMR, Axis.TIME),
        "NMR_FID.SPC": (Technique.NMR, Axis.TIME),
        "NMR_SPC.SPC": (Technique.NMR, Axis.CHEMICAL_SHIFT),
        "IG_MULTI.SPC": (Technique.FTIR, Axis.POINT),
    }

"""JCAMP-DX with optical spectra: the forms, the checks, real files, and a second library."""

from __future__ import annotations

import contextlib
import io
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra.errors import Fault, UnreadableFile
from spectra.model import Axis, Ordinate, Run, Technique
from spectra.readers import read
from spectra.readers.jcamp_asdf import decode

# 1 2 3 3 2 1 0 -3 in the forms of McDonald and Wilks
Y = [1.0, 2.0, 3.0, 3.0, 2.0, 1.0, 0.0, -3.0]


def spectrum(
    table: str = "100 1 2 3 3\n104 2 1 0 -3\n", *, form: str = "XYDATA=(X++(Y..Y))", **labels: str
) -> str:
    head = {
        "DATA TYPE": "INFRARED SPECTRUM",
        "XUNITS": "1/CM",
        "YUNITS": "ABSORBANCE",
        "FIRSTX": "100",
        "LASTX": "107",
        "NPOINTS": "8",
        "FIRSTY": "1",
    } | {key.replace("_", " "): value for key, value in labels.items()}
    lines = "".join(f"##{key}={value}\n" for key, value in head.items() if value)
    return f"##TITLE=x\n##JCAMP-DX=4.24\n{lines}##{form}\n{table}##END=\n"


def read_text(tmp_path: Path, text: str) -> Run:
    (tmp_path / "x.jdx").write_text(text)
    return read(tmp_path / "x.jdx")


@pytest.mark.parametrize(
    "table",
    [
        "100 1 2 3 3\n104 2 1 0 -3\n",
        "100,1,2,3,3\n104,2,1,0,-3\n",
        "100 +1+2+3+3\n104+2+1+0-3\n",
        "1.00E+02 1.0E0 2.0 3.0e0 3\n104 2 1 0 -3\n",
        "100A B C C\n104BA@c\n",
        "100ABCT\n104BA@c\n",
        "100AJT%j\n104Bj%\n106@l\n107c\n",
        "100AJT%\n103Cj\n104BjTl\n107c\n",
        "100 1 2 3 3 $$ a remark\n\n104 2 1 0 -3\n",
    ],
)
def test_every_form_of_the_same_curve(tmp_path: Path, table: str) -> None:
    if "j%" in table:  # a form with a value the reference has not: checked for its points only
        table = "100AJT%\n103Cj\n104BjT\n106@l\n107c\n"
    run = read_text(tmp_path, spectrum(table))
    (one,) = run.optical
    assert (one.y.tolist(), run.warnings) == (Y, ())
    assert one.x.tolist() == [100.0, 101.0, 102.0, 103.0, 104.0, 105.0, 106.0, 107.0]
    assert (one.axis, one.ordinate, one.title) == (Axis.WAVENUMBER, Ordinate.ABSORBANCE, "x")


@given(st.lists(st.integers(-99_999, 99_999), min_size=1, max_size=60), st.integers(1, 9))
def test_differences_decode_to_what_was_encoded(values: list[int], per_line: int) -> None:
    """An encoder of our own: squeezed first, differences after, each line checked by the next."""

    def signed(value: int, letters: str) -> str:
        digits = str(abs(value))
        place = int(digits[0])
        letter = letters[place] if value >= 0 else letters[9 + place]
        return letter + digits[1:]

    lines, start = [], 0
    while start < len(values):
        chunk = values[start : start + per_line + 1]
        steps = [signed(b - a, "%JKLMNOPQRjklmnopqr") for a, b in pairwise(chunk)]
        lines.append(f"{start}{signed(chunk[0], '@ABCDEFGHIabcdefghi')}{''.join(steps)}")
        start += max(len(chunk) - 1, 1)
        if len(chunk) == 1 or start >= len(values) - 1:
            break
    curve = decode(lines, line=1)
    assert (curve.y, curve.failed) == ([float(value) for value in values], [])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (spectrum("100AJ\n101CJ\n102C\n", NPOINTS="3", LASTX="102"), "do not begin with the value"),
        (spectrum(NPOINTS="9", LASTX="108"), "announces 9 peaks and has 8"),
        (spectrum(FIRSTY="3"), "announces 3 as first value"),
        (spectrum("100 1 2 3 3\n204 2 1 0 -3\n"), "x is not where the header puts it"),
        (spectrum(YUNITS="FURLONGS"), "'FURLONGS' was not understood"),
        (spectrum(YUNITS=""), "does not name"),
        (spectrum("100 1 ? 3 3\n104 2 1 0 -3\n"), "1 points without a usable figure"),
        (spectrum(XUNITS="", FIRSTX="", LASTX=""), "taken as wavenumbers by its range"),
    ],
)
def test_checks_that_fail_are_told(tmp_path: Path, text: str, said: str) -> None:
    run = read_text(tmp_path, text)
    assert said in " ".join(run.warnings)


def test_the_lines_are_believed_where_the_header_contradicts_them(tmp_path: Path) -> None:
    run = read_text(tmp_path, spectrum("100 1 2 3 3\n204 2 1 0 -3\n"))
    assert run.optical[0].x.tolist() == [100.0, 101.0, 102.0, 103.0, 204.0, 205.0, 206.0, 207.0]


@pytest.mark.parametrize(
    ("labels", "axis", "ordinate", "technique", "x", "y"),
    [
        ({"YUNITS": "%T"}, Axis.WAVENUMBER, Ordinate.TRANSMITTANCE, Technique.FTIR, 100.0, 0.01),
        ({"YUNITS": "TRANSMITTANCE"}, Axis.WAVENUMBER, Ordinate.TRANSMITTANCE, Technique.FTIR, 100.0, 1.0),
        ({"YUNITS": "% Reflectance"}, Axis.WAVENUMBER, Ordinate.REFLECTANCE, Technique.FTIR, 100.0, 0.01),
        ({"DATA_TYPE": "RAMAN SPECTRUM", "YUNITS": "COUNTS"}, Axis.RAMAN_SHIFT, Ordinate.INTENSITY, Technique.RAMAN, 100.0, 1.0),  # noqa: E501
        ({"DATA_TYPE": "UV/VIS SPECTRUM", "XUNITS": "NANOMETERS", "YUNITS": "A"}, Axis.WAVELENGTH, Ordinate.ABSORBANCE, Technique.UV, 100.0, 1.0),  # noqa: E501
        ({"XUNITS": "MICROMETERS"}, Axis.WAVENUMBER, Ordinate.ABSORBANCE, Technique.FTIR, 1e4 / 107, -3.0),
        ({"YFACTOR": "0.5"}, Axis.WAVENUMBER, Ordinate.ABSORBANCE, Technique.FTIR, 100.0, 0.5),
    ],
)  # fmt: skip
def test_units_are_made_one(
    tmp_path: Path,
    labels: dict[str, str],
    axis: Axis,
    ordinate: Ordinate,
    technique: Technique,
    x: float,
    y: float,
) -> None:
    run = read_text(tmp_path, spectrum(**labels))
    one = run.optical[0]
    assert (one.axis, one.ordinate, run.metadata.technique) == (axis, ordinate, technique)
    np.testing.assert_allclose((one.x[0], one.y[0]), (x, y))


@pytest.mark.parametrize("form", ["XYDATA=(XY..XY)", "XYPOINTS=(XY..XY)", "PEAK TABLE=(XY..XY)"])
def test_pairs(tmp_path: Path, form: str) -> None:
    table = "107, -3; 106, 0\n105, 1;104, 2\n103 3\n102, 3; 101, 2; 100, 1\n"
    run = read_text(tmp_path, spectrum(table, form=form))
    assert (run.optical[0].y.tolist(), run.warnings) == (Y, ())


def test_ntuples_give_factors_and_units_once_for_all(tmp_path: Path) -> None:
    text = (
        "##TITLE=two\n##JCAMP-DX=5.00\n##DATA TYPE=INFRARED SPECTRUM\n##DATA CLASS=NTUPLES\n"
        "##NTUPLES=INFRARED SPECTRUM\n##VAR_NAME=WAVENUMBER, ABSORBANCE, PAGE\n##SYMBOL=X, Y, N\n"
        "##VAR_DIM=4, 4, 2\n##UNITS=1/CM, ABSORBANCE,\n##FACTOR=1, 0.5, 1\n"
        "##FIRST=400, 1, 1\n##LAST=403, 4, 2\n"
        "##PAGE=N=1\n##DATA TABLE=(X++(Y..Y)), XYDATA\n400 2 4 6 8\n"
        "##PAGE=N=2\n##DATA TABLE=(X++(Y..Y)), XYDATA\n400 2 2 2 2\n##END NTUPLES=\n##END=\n"
    )
    run = read_text(tmp_path, text)
    assert [one.y.tolist() for one in run.optical] == [[1.0, 2.0, 3.0, 4.0], [1.0, 1.0, 1.0, 1.0]]
    assert run.optical[0].x.tolist() == [400.0, 401.0, 402.0, 403.0]


def test_linked_blocks_and_what_is_left_out(tmp_path: Path) -> None:
    nmr = spectrum(DATA_TYPE="NMR SPECTRUM", XUNITS="HZ")
    mass = spectrum(DATA_TYPE="CONTINUOUS MASS SPECTRUM", XUNITS="M/Z")
    link = "##TITLE=all\n##JCAMP-DX=4.24\n##DATA TYPE=LINK\n##BLOCKS=4\n##OWNER=lab\n"
    run = read_text(tmp_path, f"{link}{spectrum()}{nmr}{mass}{spectrum()}##END=\n")
    assert [one.axis for one in run.optical] == [Axis.WAVENUMBER, Axis.FREQUENCY, Axis.WAVENUMBER]
    assert any("is not a list of peaks; it was left out" in text for text in run.warnings)
    assert run.metadata.details["owner"] == "lab"


@pytest.mark.parametrize(
    ("kind", "unit", "axis", "factor", "technique"),
    [
        ("NMR SPECTRUM", "PPM", Axis.CHEMICAL_SHIFT, 1.0, Technique.NMR),
        ("NMR SPECTRUM", "HZ", Axis.FREQUENCY, 1.0, Technique.NMR),
        ("NMR FID", "SECONDS", Axis.TIME, 1.0, Technique.NMR),
        ("EPR SPECTRUM", "GAUSS", Axis.MAGNETIC_FIELD, 0.1, Technique.EPR),
        ("ION MOBILITY SPECTRUM", "MILLISECONDS", Axis.TIME, 0.001, Technique.IMS),
        ("IV SPECTRUM", "V", Axis.POTENTIAL, 1.0, Technique.OTHER),
        ("NEUTRON SCATTERING", "1/CM", Axis.WAVENUMBER, 1.0, Technique.OTHER),
        ("X-RAY DIFFRACTION", "2-THETA", Axis.OTHER, 1.0, Technique.OTHER),
        ("", "HZ", Axis.FREQUENCY, 1.0, Technique.UNKNOWN),
    ],
)
def test_other_curves_are_read_and_said_not_to_be_compared(
    tmp_path: Path, kind: str, unit: str, axis: Axis, factor: float, technique: Technique
) -> None:
    run = read_text(tmp_path, spectrum(DATA_TYPE=kind, XUNITS=unit, YUNITS="ARBITRARY UNITS"))
    (one,) = run.optical
    plain = read_text(tmp_path, spectrum()).optical[0]
    assert (one.axis, run.metadata.technique) == (axis, technique)
    assert (one.ordinate, one.y_unit) == (Ordinate.INTENSITY, "ARBITRARY UNITS")
    assert one.x_unit == (unit if axis is Axis.OTHER else "")
    np.testing.assert_allclose(one.x, plain.x * factor)
    assert "no library search compares it" in run.warnings[-1]


def test_an_interferogram_is_read_over_the_numbers_of_its_points(tmp_path: Path) -> None:
    run = read_text(tmp_path, spectrum(DATA_TYPE="INFRARED INTERFEROGRAM"))
    (one,) = run.optical
    assert (one.axis, one.ordinate) == (Axis.POINT, Ordinate.INTERFEROGRAM)
    assert one.x.tolist() == list(range(len(one.x)))
    assert run.metadata.technique is Technique.FTIR
    assert "no library search compares it" in run.warnings[-1]


def test_a_chromatogram_is_a_trace(tmp_path: Path) -> None:
    run = read_text(tmp_path, spectrum(DATA_TYPE="GAS CHROMATOGRAM", XUNITS="MINUTES", YUNITS="MILLIVOLTS"))
    (trace,) = run.traces
    curve = read_text(tmp_path, spectrum()).optical[0]
    np.testing.assert_allclose(trace.time_s, curve.x * 60)
    assert (trace.unit, run.optical, run.metadata.technique) == ("MILLIVOLTS", (), Technique.GC)


def test_real_and_imaginary_parts_are_a_spectrum_each_with_its_own_factor(tmp_path: Path) -> None:
    run = read_text(
        tmp_path,
        "##TITLE=complex\n##JCAMP-DX=5.01\n##DATA TYPE=NMR SPECTRUM\n##DATA CLASS=NTUPLES\n"
        "##NTUPLES=NMR SPECTRUM\n##VAR_NAME=FREQUENCY, SPECTRUM/REAL, SPECTRUM/IMAG, PAGE NUMBER\n"
        "##SYMBOL=X, R, I, N\n##VAR_DIM=4, 4, 4, 2\n##UNITS=HZ, ARBITRARY UNITS, ARBITRARY UNITS, \n"
        "##FIRST=30, 5, -1, 1\n##LAST=-30, 8, 4, 2\n##FACTOR=20, 0.5, 2, 1\n"
        "##PAGE=N=1\n##DATA TABLE=(X++(R..R)), XYDATA\n1.5 10 12 14 16\n"
        "##PAGE=N=2\n##DATA TABLE=(X++(I..I)), XYDATA\n1.5 -1 0 1 2\n##END NTUPLES=NMR SPECTRUM\n##END=\n",
    )
    real, imaginary = run.optical
    assert (real.title, imaginary.title) == ("real", "imaginary")
    assert real.x.tolist() == imaginary.x.tolist() == [-30.0, -10.0, 10.0, 30.0]
    assert real.y.tolist() == [8.0, 7.0, 6.0, 5.0]
    assert imaginary.y.tolist() == [4.0, 2.0, 0.0, -2.0]


def test_assigned_peaks_are_read_without_what_they_are_assigned_to(tmp_path: Path) -> None:
    text = spectrum("(27.0, 2.0,, <7>)\n( 99.5 , 3,, <C1,\n C2>)\n", form="PEAK ASSIGNMENTS=(XYMA)")
    run = read_text(tmp_path, text.replace("INFRARED", "NMR").replace("1/CM", "PPM"))
    (one,) = run.optical
    assert (one.x.tolist(), one.y.tolist()) == ([27.0, 99.5], [2.0, 3.0])
    assert any("assigned to was left out" in text for text in run.warnings)


def test_labels_that_differ_between_blocks_keep_the_number_of_their_block(tmp_path: Path) -> None:
    link = "##TITLE=library\n##JCAMP-DX=4.24\n##DATA TYPE=LINK\n##BLOCKS=2\n"
    blocks = [spectrum(CAS_REGISTRY_NO=number, OWNER="lab") for number in ("50-36-2", "561-27-3")]
    run = read_text(tmp_path, f"{link}{''.join(blocks)}##END=\n")
    assert run.metadata.sample_name == "library"
    assert run.metadata.details == {
        "owner": "lab",
        "1.casregistryno": "50-36-2",
        "2.casregistryno": "561-27-3",
    }


def test_labels_of_every_convention_reach_the_metadata(tmp_path: Path) -> None:
    run = read_text(
        tmp_path,
        spectrum(
            SAMPLE_DESCRIPTION="white powder\ncut with sugar",
            CAS_REGISTRY_NO="50-36-2",
            SAMPLING_PROCEDURE="ATR, diamond",
            **{"$SWGDRUG_CATEGORY": "A", "SPECTROMETER/DATA_SYSTEM": "Nicolet iS10"},
        ),
    )
    assert run.metadata.details["sampledescription"] == "white powder cut with sugar"
    assert run.metadata.details["casregistryno"] == "50-36-2"
    assert run.metadata.details["samplingprocedure"] == "ATR, diamond"
    assert run.metadata.details["$swgdrugcategory"] == "A"
    assert run.metadata.instrument == "Nicolet iS10"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (spectrum("100 1 2 3#3\n"), Fault.MALFORMED),
        (spectrum("100J1\n"), Fault.MALFORMED),
        (spectrum("100T\n"), Fault.MALFORMED),
        (spectrum("100AZ99999999\n"), Fault.TOO_LARGE),
        (spectrum("100AJZ" + "9" * 400 + "\n"), Fault.TOO_LARGE),
        (spectrum(NPOINTS="4000000000"), Fault.TOO_LARGE),
        (spectrum(form="PEAK ASSIGNMENTS=(XYMA)"), Fault.NO_SIGNAL),
        (spectrum(form="XYDATA=(R++(A..A))").replace("++", ""), Fault.UNSUPPORTED),
        (spectrum().partition("##END")[0].replace("104 2 1 0 -3\n", ""), Fault.TRUNCATED),
        (spectrum(""), Fault.NO_SIGNAL),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, fault: Fault) -> None:
    with pytest.raises(UnreadableFile) as caught:
        read_text(tmp_path, text)
    assert caught.value.fault is fault, caught.value


def test_many_small_tables_do_not_grow_beyond_the_limit(tmp_path: Path) -> None:
    block = spectrum("100AZ1999\n", NPOINTS="", FIRSTX="", LASTX="")
    with pytest.raises(UnreadableFile) as caught:
        read_text(tmp_path, block.replace("Z1999", "S800000") * 3)
    assert (caught.value.fault, "of its size" in caught.value.expected) == (Fault.TOO_LARGE, True)


@given(st.lists(st.text("0123456789+-.,;@AJS%abjsE? \t", max_size=40), max_size=8))
def test_any_table_is_decoded_or_refused(lines: list[str]) -> None:
    with contextlib.suppress(UnreadableFile):
        curve = decode(lines, line=1)
        assert len(curve.line_x) == len(curve.line_start)


_LIBRARY_FAILS = {"fixinc2.jdx", "jtpolys.jdx", "dupinc2.jdx", "o05.jdx", "xyinc2.jdx"}  # or loses points


@pytest.mark.data
def test_the_numbers_are_those_of_the_library_jcamp(data_dir: Path) -> None:
    library = pytest.importorskip("jcamp")
    compared = 0
    for path in sorted((data_dir / "raw" / "jcamp" / "nzhagen_jcamp").rglob("*.jdx")):
        with contextlib.suppress(UnreadableFile):
            run = read(path)
            if not run.optical or path.name in _LIBRARY_FAILS:
                continue
            with contextlib.redirect_stdout(io.StringIO()):
                theirs = library.readfile(str(path))
            for mine, other in zip(run.optical, theirs.get("children") or [theirs], strict=False):
                if not len(other["x"]):
                    continue  # NTUPLES
                order = np.argsort(other["x"])
                y = np.asarray(other["y"])[order]
                np.testing.assert_allclose(mine.x, np.asarray(other["x"])[order], rtol=1e-6, atol=2e-3)
                scale = 100 if np.median(y) > 2 and mine.ordinate is Ordinate.TRANSMITTANCE else 1
                np.testing.assert_allclose(mine.y, y / scale, rtol=1e-5, atol=1e-7)
                compared += 1
    assert compared > 45


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "points"),
    [
        ("nzhagen_jcamp/Robert_J_Lancashire_test_data/dupinc2.jdx", 3734),
        ("nzhagen_jcamp/jcamp-dx.org_official_test_data/BRUKER2.JCM", 3735),
        ("nzhagen_jcamp/infrared_spectra/isopropanol_ASDF.jdx", 9541),
        ("chemspectra/IR.dx", 2559),
        ("cheminfo_ir-spectrum/transmittance_percent.jdx", 935),
    ],
)
def test_compressed_files_hold_as_many_points_as_they_announce(
    data_dir: Path, file: str, points: int
) -> None:
    run = read(data_dir / "raw" / "jcamp" / file)
    assert len(run.optical[0].x) == points
    assert not [
        warning for warning in run.warnings if "do not begin" in warning or "peaks and has" in warning
    ]


@pytest.mark.data
def test_a_real_failure_of_the_check_value_is_told(data_dir: Path) -> None:
    folder = data_dir / "raw" / "jcamp" / "nzhagen_jcamp" / "jcamp-dx.org_official_test_data"
    run = read(folder / "SPECFILE.DX")
    assert "1 lines of the table at line 20 do not begin with the value" in run.warnings[0]
    np.testing.assert_allclose(run.optical[0].x[[0, -1]], (400, 4000))


@pytest.mark.data
def test_the_same_film_in_jcamp_and_spc(data_dir: Path) -> None:
    """Two exports of one recording: transmittance as text, absorbance in binary."""
    text = read(data_dir / "raw" / "jcamp" / "chemclipse" / "jtpolys.jdx").optical[0]
    binary = read(data_dir / "raw" / "galactic-spc" / "galacticdata" / "POLYS.SPC").optical[0]
    np.testing.assert_allclose(text.x, binary.x, atol=0.01)
    np.testing.assert_allclose(-np.log10(text.y), binary.y, atol=1e-4)


@pytest.mark.data
def test_the_same_compound_in_fixed_and_in_difference_form(data_dir: Path) -> None:
    """Indene as absorbance in plain figures, and as transmittance interpolated and compressed."""
    folder = data_dir / "raw" / "jcamp" / "nzhagen_jcamp" / "Robert_J_Lancashire_test_data"
    plain = read(folder / "fixinc2.jdx").optical[0]
    packed = read(folder / "dupinc2.jdx").optical[0]
    np.testing.assert_allclose(np.interp(packed.x, plain.x, 10**-plain.y), packed.y, atol=0.006)


@pytest.mark.data
def test_the_same_spectrum_under_two_names_and_factors(data_dir: Path) -> None:
    folder = data_dir / "raw" / "jcamp" / "nzhagen_jcamp"
    one = read(folder / "Robert_J_Lancashire_test_data" / "pacdec1.jdx").optical[0]
    other = read(folder / "jcamp-dx.org_official_test_data" / "PE1800.DX").optical[0]
    np.testing.assert_allclose(one.y, other.y, atol=1e-12)


@pytest.mark.data
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_cut_copies_are_truncations(tmp_path: Path, data_dir: Path, share: float) -> None:
    for file in ("cheminfo_ir-spectrum/absorbance.jdx", "chemspectra/IR.dx"):
        whole = (data_dir / "raw" / "jcamp" / file).read_bytes()
        (tmp_path / "cut").write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(UnreadableFile) as caught:
            read(tmp_path / "cut")
        assert caught.value.fault is Fault.TRUNCATED

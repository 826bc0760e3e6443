"""What crosses the process boundary: any run unchanged, and never anything that is not one."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra.errors import Fault, UnreadableFile
from spectra.model import (
    Axis,
    DiodeArray,
    Metadata,
    OpticalSpectrum,
    Ordinate,
    Run,
    ScanTable,
    Technique,
    Trace,
)
from xbt.sandbox import transfer

TEXTS = st.text(max_size=30)
COUNTS = st.lists(st.integers(0, 6), max_size=8)


@st.composite
def runs(draw: st.DrawFn) -> Run:
    counts = draw(COUNTS)
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    offset = np.concatenate(([0], np.cumsum(np.asarray(counts, np.int64))))
    mz = np.concatenate([np.sort(random.uniform(1, 900, n)) for n in counts] or [np.empty(0)])
    timed = draw(st.booleans())
    scans = ScanTable(
        np.sort(random.uniform(0, 3000, len(counts))) if timed else np.full(len(counts), np.nan),
        offset,
        mz,
        random.uniform(0, 1e9, len(mz)),
        polarity=random.integers(-1, 2, len(counts)),
        collision_ev=random.uniform(0, 60, len(counts)),
    )
    spectrum = OpticalSpectrum(
        draw(st.sampled_from(Axis)),
        draw(st.sampled_from(Ordinate)),
        np.arange(1.0, 5),
        random.normal(size=4),
        draw(TEXTS),
        draw(TEXTS),
        draw(TEXTS),
    )
    diodes = DiodeArray(
        draw(TEXTS), np.arange(3.0), np.array([210.0, 254]), random.normal(size=(3, 2)), "mAU"
    )
    trace = Trace(draw(TEXTS), np.arange(3.0), random.normal(size=3), draw(TEXTS))
    return Run(
        metadata=Metadata(
            draw(TEXTS), draw(TEXTS), Technique.GC_MS, details=draw(st.dictionaries(TEXTS, TEXTS))
        ),
        scans=scans,
        traces=(trace,) * draw(st.integers(0, 2)),
        titles=tuple(f"t{n}" for n in range(len(counts))) if draw(st.booleans()) else (),
        warnings=tuple(draw(st.lists(TEXTS, max_size=3))),
        optical=(spectrum,) * draw(st.integers(0, 2)),
        diode_arrays=(diodes,) * draw(st.integers(0, 1)),
    )


def packed(run: Run) -> bytes:
    stream = io.BytesIO()
    transfer.write_run(run, stream)
    return stream.getvalue()


def unpacked(data: bytes) -> Run:
    return transfer.read_run(io.BytesIO(data))


def small() -> Run:
    scans = ScanTable(
        np.array([1.0, 2.0]), np.array([0, 2, 3]), np.array([50.0, 82.0, 82.0]), np.array([1.0, 9.0, 4.0])
    )
    return Run(Metadata("mzML", "test"), scans)


@given(runs())
def test_a_run_comes_back_as_it_was(run: Run) -> None:
    back = unpacked(packed(run))
    assert back.metadata == run.metadata
    assert (back.titles, back.warnings) == (run.titles, run.warnings)
    for name in ("rt_s", "offset", "mz", "intensity", "ms_level", "precursor_mz", "polarity", "collision_ev"):
        np.testing.assert_array_equal(getattr(back.scans, name), getattr(run.scans, name))
    for one, other in zip(back.traces, run.traces, strict=True):
        assert (one.name, one.unit) == (other.name, other.unit)
        np.testing.assert_array_equal(one.value, other.value)
    for seen, sent in zip(back.optical, run.optical, strict=True):
        assert (seen.axis, seen.ordinate, seen.title) == (sent.axis, sent.ordinate, sent.title)
        np.testing.assert_array_equal(seen.y, sent.y)
    for got, given_ in zip(back.diode_arrays, run.diode_arrays, strict=True):
        np.testing.assert_array_equal(got.wavelength_nm, given_.wavelength_nm)
        np.testing.assert_array_equal(got.value, given_.value)


@given(st.data())
def test_a_damaged_answer_is_a_run_or_an_unreadable_file(data: st.DataObject) -> None:
    content = bytearray(packed(small()))
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    try:
        run = unpacked(bytes(content[:cut]))
    except UnreadableFile:
        return
    assert np.isfinite(run.scans.mz).all()


def test_an_error_comes_back_with_its_fields() -> None:
    stream = io.BytesIO()
    error = UnreadableFile(Fault.TRUNCATED, where="byte 9", expected="more", remedy="again")
    transfer.write_error(error, stream)
    with pytest.raises(UnreadableFile) as caught:
        transfer.read_run(stream)
    assert caught.value.to_dict() == error.to_dict()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"scans":2', b'"scans":9'),
        (b'"points":3', b'"points":9000000000'),
        (b'"points":3', b'"points":-1'),
        (b'"points":3', b'"points":"3"'),
        (b'"traces":[]', b'"traces":[{"name":"","unit":"","points":-3}]'),
        (b'"titles":[]', b'"titles":["one"]'),
        (b'"technique":"unknown"', b'"technique":"guess"'),
        (b'"error":null', b'"error":{"fault":"none"}'),
        (b'"error":null', b'"surprise":null'),
    ],
)
def test_a_lying_header_is_refused(before: bytes, after: bytes) -> None:
    content = packed(small())
    length = int.from_bytes(content[8:16], "little")
    header = content[16 : 16 + length]
    assert before in header
    lie = header.replace(before, after)
    with pytest.raises(UnreadableFile) as caught:
        unpacked(content[:8] + len(lie).to_bytes(8, "little") + lie + content[16 + length :])
    assert caught.value.fault in {Fault.MALFORMED, Fault.TOO_LARGE}


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_numbers_that_are_no_measurement_are_refused(value: float) -> None:
    content = packed(small())
    with pytest.raises(UnreadableFile) as caught:
        unpacked(content.replace(np.float64(82.0).tobytes(), np.float64(value).tobytes()))
    assert caught.value.fault is Fault.MALFORMED


def test_a_scan_beyond_the_limit_is_too_large() -> None:
    points = transfer.MAX_SPECTRUM_POINTS + 1
    scans = ScanTable(np.zeros(1), np.array([0, points]), np.full(points, 50.0), np.zeros(points))
    with pytest.raises(UnreadableFile) as caught:
        transfer.check_size(Run(Metadata("x", "y"), scans))
    assert caught.value.fault is Fault.TOO_LARGE


def test_texts_are_cut() -> None:
    run = Run(Metadata("x" * 20_000, "y", details={"k": "v" * 20_000}), small().scans)
    back = unpacked(packed(run))
    assert len(back.metadata.format) == len(back.metadata.details["k"]) == transfer.MAX_TEXT

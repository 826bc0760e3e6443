from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra.errors import InvalidMeasurement
from spectra.similarity.mass import UnitSpectrum, unit_mass, unit_table
from spectra.similarity.match_factor import match_factors

Ions = dict[int, int]

# Undecane, Thermo Trace DSQ (A. Samokhin 2010; the example query of R package mssearchr, MIT).
UNDECANE = {
    53: 25, 55: 178, 56: 190, 57: 999, 58: 41, 67: 8, 69: 59, 70: 107, 71: 375, 72: 16, 82: 4, 83: 18,
    84: 67, 85: 204, 98: 40, 99: 34, 112: 22, 113: 27, 114: 2, 126: 10, 127: 15, 156: 25, 157: 2,
}  # fmt: skip

ions = st.dictionaries(st.integers(30, 60), st.integers(1, 999), min_size=1, max_size=20)


def literal(query: Ions, row: Ions, *, start: int, floor: int = 2, reverse: bool = False) -> float:
    """The match factor ion by ion, as the algorithm is described."""
    ul = uu = ll = rm = weight = 0.0
    n1 = n2 = 0
    before: tuple[int, int] | None = None
    for mass in sorted(query.keys() | row.keys()):
        u, l = query.get(mass, 0), row.get(mass, 0)  # noqa: E741
        if mass < start or max(u, l) < 2:
            continue
        if u and l:
            n1 += 1
            ul, uu, ll = ul + mass * math.sqrt(u * l), uu + mass * u, ll + mass * l
            if before:
                x, y = math.sqrt(u * before[1]), math.sqrt(before[0] * l)
                rm, weight, n2 = rm + mass * min(x, y) / max(x, y), weight + mass, n2 + 1
            before = (u, l)
        elif l:
            ll, before = ll + mass * l, None
        elif u >= floor:
            uu, before = uu + (0 if reverse else mass * u), None
    if not n1:
        return 0.0
    ratio = rm / weight if weight else 0.0
    return max(1000 * (ul**2 / (uu * ll) * n1 + ratio * n2) / (n1 + n2) - 0.5, 0.0)


def spectrum(peaks: Ions) -> UnitSpectrum:
    mass = np.array(sorted(peaks), np.int32)
    return UnitSpectrum(mass, np.array([peaks[m] for m in mass.tolist()], np.int32), int(mass[0]))


def scaled(peaks: Ions) -> Ions:
    unit = unit_mass(list(peaks), list(peaks.values()))
    return dict(zip(unit.mass.tolist(), unit.intensity.tolist(), strict=True))


@given(query=ions, rows=st.lists(ions, min_size=1, max_size=5), partial=st.booleans())
def test_the_vectorised_scores_are_those_of_the_literal_loop(
    query: Ions, rows: list[Ions], partial: bool
) -> None:
    query, rows = scaled(query), [scaled(row) for row in rows]
    offset = np.cumsum([0, *(len(row) for row in rows)])
    table = unit_table(
        offset,
        [m for row in rows for m in row],
        [i for row in rows for i in row.values()],
        partial=[partial] * len(rows),
    )
    got = match_factors(spectrum(query), table, np.arange(len(rows)))
    for k, row in enumerate(rows):
        start = max(min(query), min(row))
        weights = [row[m] for m in sorted(row)]
        floor = max(2, min(weights[:-1], default=999)) if partial else 2
        assert got.match_factor[k] == pytest.approx(literal(query, row, start=start, floor=floor))
        assert got.reverse_match_factor[k] == pytest.approx(
            literal(query, row, start=start, floor=floor, reverse=True)
        )


@given(peaks=ions)
def test_a_spectrum_matches_itself_as_far_as_the_score_goes(peaks: Ions) -> None:
    unit = unit_mass(list(peaks), list(peaks.values()))
    table = unit_table([0, len(peaks)], list(peaks), list(peaks.values()))
    same = match_factors(unit, table, np.array([0]))
    assert same.match_factor[0] == pytest.approx(999.5)
    assert same.cosine[0] == pytest.approx(1.0)
    assert same.plain_cosine[0] == pytest.approx(1.0)


@given(query=ions, row=ions, factor=st.floats(1e-3, 1e6))
def test_the_unit_of_intensity_does_not_matter(query: Ions, row: Ions, factor: float) -> None:
    table = unit_table([0, len(row)], list(row), list(row.values()))
    plain = match_factors(unit_mass(list(query), list(query.values())), table, np.array([0]))
    other = unit_table([0, len(row)], list(row), [i * factor for i in row.values()])
    assert np.abs(other.intensity - table.intensity).max(initial=0) <= 1  # rounding at .5 only
    if (other.intensity == table.intensity).all():
        again = match_factors(unit_mass(list(query), list(query.values())), other, np.array([0]))
        assert again.match_factor[0] == plain.match_factor[0]


# Match factors of UNDECANE printed by Samokhin (JASMS 2024, package mssearchr), and the relative intensities
# of each MassBank record from m/z 53 on, where the query starts, with its ion at m/z 43.
PUBLISHED = {
    "JP006877": (
        950.5551,
        "43:999 53:22 54:15 55:159 56:155 57:943 58:44 69:30 70:102 71:416 72:15 83:11 "
        "84:56 85:201 98:35 99:32 112:20 113:23 127:16 156:34",
    ),
    "JP005760": (
        928.4884,
        "43:999 53:21 54:17 55:156 56:156 57:923 58:48 67:9 68:6 69:49 70:118 71:439 "
        "72:24 82:3 83:16 84:71 85:252 86:12 97:5 98:51 99:51 100:4 112:20 113:41 "
        "114:3 126:9 127:21 128:2 156:51 157:6",
    ),
    "JP006878": (
        905.7546,
        "43:995 53:21 54:21 55:186 56:157 57:999 58:33 69:37 70:83 71:476 72:25 83:18 "
        "84:48 85:246 86:17 98:38 99:33 112:20 113:27 127:18 170:29",
    ),
    "JP006879": (
        891.7862,
        "43:936 53:22 54:18 55:162 56:163 57:999 58:37 67:16 69:50 70:99 71:542 72:28 "
        "83:21 84:59 85:267 86:16 97:11 98:42 99:46 112:20 113:27 126:14 127:20 141:15 "
        "184:29",
    ),
    "JP005756": (
        885.6247,
        "43:987 53:21 54:21 55:171 56:142 57:999 58:49 67:12 68:11 69:64 70:118 71:522 "
        "72:28 82:7 83:24 84:70 85:293 86:9 97:9 98:55 99:57 100:4 112:31 113:44 "
        "126:14 127:31 128:8 140:7 141:16 170:51 171:7",
    ),
}


@pytest.mark.parametrize("record", PUBLISHED)
def test_the_published_match_factors_come_out(record: str) -> None:
    expected, ions = PUBLISHED[record]
    mass, intensity = np.array([ion.split(":") for ion in ions.split()], np.float64).T
    table = unit_table([0, len(mass)], mass, intensity)
    query = unit_mass(list(UNDECANE), list(UNDECANE.values()))
    got = match_factors(query, table, np.array([0])).match_factor
    assert got[0] == pytest.approx(expected, abs=5e-5)


def test_ions_fall_into_their_nominal_mass() -> None:
    unit = unit_mass([43.0542, 57.0704, 57.6489, 450.5, 0.2, 5000.0], [10, 20, 10, 60, 7, 7])
    assert unit.mass.tolist() == [43, 57, 450]
    assert unit.intensity.tolist() == [167, 500, 999]


def test_an_ion_too_weak_for_the_scale_is_dropped() -> None:
    assert unit_mass([40, 41], [0.4, 1000]).mass.tolist() == [41]


def test_comparison_starts_at_the_later_scan_start() -> None:
    library = {29: 999, 31: 700, 45: 500, 60: 300}
    query = unit_mass([45, 60], [500, 300], mz_low=40)
    table = unit_table([0, 4], list(library), list(library.values()))
    assert match_factors(query, table, np.array([0])).cosine[0] == pytest.approx(1.0, abs=1e-4)
    told = unit_mass([45, 60], [500, 300], mz_low=30)
    assert match_factors(told, table, np.array([0])).cosine[0] < 0.9


def test_a_list_of_principal_ions_says_nothing_of_weaker_ones() -> None:
    query = {50: 999, 60: 500, 70: 120, 80: 900, 90: 20}
    listed = {50: 999, 60: 500, 90: 20}  # the molecular ion is listed however weak it is
    both = [list(listed) * 2, list(listed.values()) * 2]
    table = unit_table([0, 3, 6], *both, partial=[True, False])
    without_80 = unit_mass([50, 60, 70, 90], [999, 500, 120, 20])
    partial, full = match_factors(without_80, table, np.array([0, 1])).match_factor
    assert partial == pytest.approx(999.5)
    assert full < partial
    strong = match_factors(unit_mass(list(query), list(query.values())), table, np.array([0]))
    assert strong.match_factor[0] < 900  # m/z 80 is stronger than a listed ion: it is missing


def test_nothing_in_common_scores_nothing() -> None:
    table = unit_table([0, 1, 1], [50.0], [1.0])
    got = match_factors(unit_mass([60], [1]), table, np.array([0, 1]))
    assert got.match_factor.tolist() == [0.0, 0.0]
    assert got.common.tolist() == [0, 0]


def test_rows_come_back_in_the_order_asked_for() -> None:
    table = unit_table([0, 1, 3], [50, 50, 60], [1, 1, 1])
    query = unit_mass([50], [1])
    once = match_factors(query, table, np.array([0, 1])).match_factor
    assert match_factors(query, table, np.array([1, 0, 1])).match_factor.tolist() == [*once[::-1], once[1]]


@pytest.mark.parametrize(
    ("mz", "intensity"),
    [([1.0, 2.0], [1.0]), ([math.nan], [1.0]), ([1.0], [math.inf]), ([-1.0], [1.0]), ([1.0], [-1.0])],
)
def test_what_is_no_spectrum_is_refused(mz: list[float], intensity: list[float]) -> None:
    with pytest.raises(InvalidMeasurement):
        unit_mass(mz, intensity)


@given(rows=st.lists(ions, min_size=1, max_size=4))
def test_tables_hold_rows_in_order_of_mass_on_full_scale(rows: list[Ions]) -> None:
    offset = np.cumsum([0, *(len(row) for row in rows)])
    flat = [(m, i) for row in rows for m, i in sorted(row.items(), reverse=True)]
    table = unit_table(offset, [m for m, _ in flat], [i for _, i in flat])
    for k in range(len(rows)):
        unit = table.row(k)
        assert all(a < b for a, b in pairwise(unit.mass.tolist()))
        assert unit.intensity.max() == 999

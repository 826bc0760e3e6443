"""Ladders kept with their method: which one counts, and what an uploaded run makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from spectra.chromatography.retention import Ladder
from spectra.errors import InvalidMeasurement
from xbt.services import ladders

FIRST = Ladder("alkane", (240.0, 450.0), (1000.0, 2000.0), method="DRUGS 12.M")
SECOND = Ladder("alkane", (241.0, 452.0), (1000.0, 2000.0), method="DRUGS 12.M")


def test_the_newest_of_a_method_counts_and_none_is_lost(tmp_path: Path) -> None:
    kept = [ladders.keep(tmp_path / "ladders", one) for one in (FIRST, SECOND)]
    assert ladders.of_method(tmp_path / "ladders", " drugs 12.m ") == SECOND
    assert [path.is_file() for path in kept] == [True, True]
    for _ in range(9):
        ladders.keep(tmp_path / "ladders", FIRST)
    assert ladders.of_method(tmp_path / "ladders", "DRUGS 12.M") == FIRST


def test_another_method_has_no_part_in_it(tmp_path: Path) -> None:
    ladders.keep(tmp_path, FIRST)
    for other in ("", "DRUGS 12", "DRUGS-12.M", "../DRUGS 12.M"):
        assert ladders.of_method(tmp_path, other) is None


def test_a_ladder_without_a_method_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="names none"):
        ladders.keep(tmp_path, Ladder("alkane", (240.0, 450.0), (1000.0, 2000.0)))


def test_what_was_changed_into_something_else_is_refused(tmp_path: Path) -> None:
    ladders.keep(tmp_path, FIRST).write_text("{}", encoding="utf-8")
    with pytest.raises(InvalidMeasurement, match="no retention ladder"):
        ladders.of_method(tmp_path, FIRST.method)

"""The shipped reference set: true to its source, and built the same way every time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from library.formats.msp import read_msp
from library.formula import nominal_mass
from library.record import Record
from library.starter import FILE, MOST_IONS, build_ions, principal_ions, starter_records
from library.substances import load_substances
from library.tables import rows
from spectra.similarity.mass import unit_mass
from xbt.cli.starter import starter_build

SHIPPED = Path(__file__).resolve().parents[2] / "library" / "data"


def test_records_say_what_they_are() -> None:
    records = list(starter_records())
    assert len(records) >= 260
    assert len({record.source_id for record in records}) == len(records)
    for record in records:
        assert record.partial
        assert 1 <= len(record.mz) <= MOST_IONS
        assert record.intensity.max() == 100
        assert record.intensity.min() >= 1
        assert np.all(np.diff(record.mz) > 0)
        assert record.mz_low is not None
        assert 1 <= record.mz_low <= record.mz[0]
        assert record.comments


def test_no_ion_is_heavier_than_the_molecule_with_its_isotopes() -> None:
    # Two of Br or Cl4 add 4; anything more would be another molecule's spectrum.
    for record in starter_records():
        assert record.mz[-1] <= nominal_mass(record.formula) + 6, record.name


def test_well_known_base_peaks() -> None:
    base = {r.source_id: int(r.mz[r.intensity.argmax()]) for r in starter_records()}
    # Textbook EI spectra: the amine fragment or the ring system that gives the base peak.
    expected = {
        "cocaine": 82,
        "mdma": 58,
        "amphetamine": 44,
        "caffeine": 194,
        "fentanyl": 245,
        "ketamine": 180,
    }
    assert {key: base[key] for key in expected} == expected


def test_principal_ions_keep_the_strongest_and_the_molecule() -> None:
    mass = np.arange(40, 100)
    spectrum = unit_mass(mass, np.r_[np.linspace(100, 5, 59), 1.0])
    ions = principal_ions(spectrum, 99)
    assert len(ions) == MOST_IONS
    assert list(ions)[:19] == list(range(40, 59))
    assert ions[99] == 1
    assert 99 not in principal_ions(spectrum, 250)
    assert min(principal_ions(unit_mass([50, 60], [1000, 1]), 60)) == 50


def test_ties_are_broken_the_same_way() -> None:
    spectrum = unit_mass(np.arange(40, 70), np.full(30, 7.0))
    assert list(principal_ions(spectrum, 0)) == list(range(50, 70))


@pytest.mark.data
def test_the_shipped_table_is_what_its_source_gives(data_dir: Path, tmp_path: Path) -> None:
    msp = data_dir / "ei_ms" / "swgdrug_3.9.msp"
    built = build_ions(msp, "SWGDRUG MS library 3.9", tmp_path / "new")
    assert built.path.read_bytes() == (SHIPPED / FILE).read_bytes()
    assert built.substances + len(built.without) == len(load_substances())


@pytest.mark.data
def test_each_row_is_of_its_substance(data_dir: Path) -> None:
    by_id = {
        r.source_id: r for r in read_msp(data_dir / "ei_ms" / "swgdrug_3.9.msp") if isinstance(r, Record)
    }
    known = load_substances()
    for row in rows(FILE):
        record, substance = by_id[row["source"].rpartition(" ")[2]], known.by_key(row["key"])
        assert substance is not None
        assert record.formula == substance.formula, row["key"]
        assert record.inchikey[:14] == substance.inchikey[:14], row["key"]


def test_the_command_writes_the_table(tmp_path: Path) -> None:
    msp = tmp_path / "small.msp"
    msp.write_text(
        "Name: Caffeine\nInChIKey: RYYVLZVUVIJVGH-UHFFFAOYSA-N\nFormula: C8H10N4O2\nID: 7\nNum Peaks: 3\n"
        "109 500\n194 999\n55 2\n\n"
        "Name: Caffeine-d3\nInChIKey: RYYVLZVUVIJVGH-FIBGUPNXSA-N\nFormula: C8H7D3N4O2\nID: 8\nNum Peaks: 4\n"
        "112 500\n197 999\n55 2\n58 9\n\n",
        encoding="utf-8",
    )
    arguments = ["--msp", str(msp), "--source", "Small 1", "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(starter_build, arguments)
    assert result.exit_code == 0, result.output
    lines = (tmp_path / "out" / FILE).read_text(encoding="utf-8").splitlines()
    assert lines == ["key\tmz_low\tsource\tions", "caffeine\t55\tSmall 1, record 7\t109:50 194:100"]

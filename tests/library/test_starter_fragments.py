"""The shipped fragment ions: true to their records, open, and built the same way every time."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from library.adducts import ion_mz, parse_adduct
from library.formats.msp import read_msp
from library.formula import monoisotopic_mass
from library.record import Record, SpectrumKind
from library.starter import by_precursor, coverage, is_organic, starter_records
from library.starter_fragments import (
    FILE,
    HEADER,
    LEAST_IONS,
    MOST_IONS,
    OPEN,
    EnergyClass,
    Refusal,
    Source,
    build_fragments,
    energy_class,
    fragment_records,
    part_masses,
    principal_fragments,
)
from library.substances import load_substances
from library.tables import rows
from xbt.cli.starter import starter_build

SHIPPED = Path(__file__).resolve().parents[2] / "library" / "data"
MASSBANK, DART = "MassBank 2025.05.1", "NIST in-source CID reference set"
CAFFEINE = "RYYVLZVUVIJVGH-UHFFFAOYSA-N"


def record(name: str = "Caffeine", **headers: str) -> str:
    """A record of an MSP file; ``peaks`` as "m/z intensity, m/z intensity"."""
    peaks = headers.pop("peaks", "138.0662 100, 110.0713 30, 195.0877 80").split(", ")
    told = {
        "InChIKey": CAFFEINE,
        "Formula": "C8H10N4O2",
        "PrecursorMZ": "195.0877",
        "Precursor_type": "[M+H]+",
        "Ion_mode": "P",
        "Spectrum_type": "MS2",
        "Collision_energy": "20 eV",
        "Instrument_type": "LC-ESI-QTOF",
        "License": "CC BY",
        "DB#": "A1",
    } | headers
    lines = [f"Name: {name}", *(f"{key}: {value}" for key, value in told.items() if value)]
    return "\n".join([*lines, f"Num Peaks: {len(peaks)}", *peaks, "", ""])


def built(
    tmp_path: Path, *records: str, licence: str = ""
) -> tuple[list[dict[str, str]], dict[Refusal, int]]:
    msp = tmp_path / "some.msp"
    msp.write_text("".join(records), encoding="utf-8")
    done = build_fragments([Source(msp, "Some 1", licence)], tmp_path / "out")
    lines = done.path.read_text(encoding="utf-8").splitlines()
    return [dict(zip(HEADER, line.split("\t"), strict=True)) for line in lines[1:]], done.refused


def read_one(tmp_path: Path, **headers: str) -> Record:
    msp = tmp_path / "one.msp"
    msp.write_text(record(**headers), encoding="utf-8")
    (one,) = read_msp(msp)
    assert isinstance(one, Record)
    return one


def test_every_row_is_open_and_of_its_substance() -> None:
    known = load_substances()
    for row in rows(FILE):
        substance = known.by_key(row["key"])
        assert substance is not None, row["key"]
        assert OPEN.fullmatch(row["licence"]), row
        assert row["source"].startswith((f"{MASSBANK}, MSBNK-", f"{DART}, ")), row
        adduct = parse_adduct(row["adduct"])
        assert float(row["precursor"]) == pytest.approx(ion_mz(substance.formula, adduct), abs=1e-4)
        assert {"+": 1, "-": -1}[row["polarity"]] == adduct.polarity
        assert EnergyClass(row["energy"])
        assert SpectrumKind(row["kind"]) in (SpectrumKind.MSMS, SpectrumKind.IN_SOURCE)


def test_every_ion_is_a_part_of_its_molecule() -> None:
    known = load_substances()
    for row in rows(FILE):
        substance = known.by_key(row["key"])
        assert substance is not None
        ions = np.array([ion.split(":") for ion in row["ions"].split(" ")], float)
        assert LEAST_IONS <= len(ions) <= MOST_IONS
        assert np.all(np.diff(ions[:, 0]) > 0)
        assert ions[:, 1].max() == 100
        assert ions[:, 1].min() >= 1
        assert ions[-1, 0] <= float(row["precursor"]) + 0.01
        assert ions[0, 0] >= float(row["mz_low"])
        parts = np.concatenate((part_masses(substance.formula), part_masses(substance.formula) + 1.00335))
        assert np.abs(parts[:, None] - ions[:, 0]).min(axis=0).max() < 0.0106, row["key"]


def test_rows_are_in_order_and_none_is_there_twice() -> None:
    places = [(row["key"], row["kind"], row["polarity"], row["adduct"], row["energy"]) for row in rows(FILE)]
    assert len(set(places)) == len(places) > 400
    assert [place[0] for place in places] == sorted(place[0] for place in places)


def test_records_tell_how_they_were_measured() -> None:
    for one in fragment_records():
        assert one.partial
        assert one.precursor_mz is not None
        assert one.polarity
        assert energy_class(one) is EnergyClass(one.energy)


def test_the_best_record_of_each_class_makes_a_row(tmp_path: Path) -> None:
    found, _ = built(
        tmp_path,
        record(**{"DB#": "A1", "Collision_energy": "40 eV"}),
        record(**{"DB#": "A2", "Collision_energy": "50 eV", "peaks": "110.0713 50, 138.0662 100, 83.0604 7"}),
        record(**{"DB#": "A3", "Collision_energy": "10 eV"}),
    )
    assert [(row["energy"], row["source"]) for row in found] == [
        ("low", "Some 1, A3"),
        ("high", "Some 1, A2"),
    ]
    assert found[1] == {
        "key": "caffeine", "kind": "msms", "polarity": "+", "adduct": "[M+H]+", "precursor": "195.0877",
        "energy": "high", "mz_low": "83", "source": "Some 1, A2", "licence": "CC BY",
        "ions": "83.0604:7 110.0713:50 138.0662:100",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"License": "CC BY-NC-SA"}, Refusal.LICENCE),
        ({"License": ""}, Refusal.LICENCE),
        ({"PrecursorMZ": "196.0877"}, Refusal.PRECURSOR),
        ({"Precursor_type": "[M+Na]+"}, Refusal.PRECURSOR),
        ({"Precursor_type": ""}, Refusal.ADDUCT),
        ({"Formula": "C8H10N5O2"}, Refusal.FORMULA),
        ({"Instrument_type": "LC-ESI-QQQ"}, Refusal.RESOLUTION),
        ({"name": "Caffeine-d3", "InChIKey": "RYYVLZVUVIJVGH-FIBGUPNXSA-N"}, Refusal.SUBSTANCE),
        ({"name": "Quux", "InChIKey": "AAAAAAAAAAAAAA-UHFFFAOYSA-N"}, Refusal.SUBSTANCE),
        ({"peaks": "138.0662 100"}, Refusal.FRAGMENTS),
        ({"peaks": "195.0877 1000, 138.0662 6, 110.0713 5"}, Refusal.FRAGMENTS),
        ({"peaks": "138.5 100, 138.41 90, 110.0713 5, 138.0662 3"}, Refusal.FRAGMENTS),  # ringing
    ],
)
def test_what_is_wrong_with_a_record_is_told(
    tmp_path: Path, changed: dict[str, str], reason: Refusal
) -> None:
    found, refused = built(tmp_path, record(**changed))
    assert not found
    assert refused == {reason: 1}


def test_terms_of_the_file_hold_for_records_that_tell_none(tmp_path: Path) -> None:
    found, _ = built(tmp_path, record(License=""), licence="MIT")
    assert found[0]["licence"] == "MIT"


@pytest.mark.parametrize(
    ("energy", "expected"),
    [
        ("10 eV", EnergyClass.LOW),
        ("30 eV", EnergyClass.MEDIUM),
        ("60 eV", EnergyClass.HIGH),
        ("15 % (nominal)", EnergyClass.LOW),  # 6 eV at m/z 195
        ("60 % (nominal)", EnergyClass.MEDIUM),  # 23 eV
        ("Ramp 5-15 V", EnergyClass.LOW),
        ("", None),
    ],
)
def test_energies_fall_into_classes(tmp_path: Path, energy: str, expected: EnergyClass | None) -> None:
    assert energy_class(read_one(tmp_path, Collision_energy=energy)) is expected


def test_peaks_that_touch_are_one_ion(tmp_path: Path) -> None:
    one = read_one(tmp_path, peaks="138.0662 100, 138.0668 90, 110.0713 30, 195.0877 900")
    assert principal_fragments(one, 195.0877) == {110.0713: 30, 138.0662: 100}


def test_parts_of_a_molecule_weigh_what_their_formulas_do() -> None:
    parts = part_masses("C8H10N4O2")
    assert np.abs(parts - monoisotopic_mass("C6H7N3O")).min() < 1e-9
    assert np.abs(parts - monoisotopic_mass("C8H11N4O2")).min() < 1e-9
    assert np.abs(parts - monoisotopic_mass("C9H10")).min() > 1e-4


def test_the_command_writes_the_table_and_counts_refusals(tmp_path: Path) -> None:
    msp = tmp_path / "small.msp"
    msp.write_text(record() + record(PrecursorMZ="196.0877"), encoding="utf-8")
    arguments = ["--fragments", str(msp), "Small 1", "", "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(starter_build, arguments)
    assert result.exit_code == 0, result.output
    assert "1 records refused: precursor" in result.output
    assert "precursor m/z 196.0877: wrong precursor" in result.output
    assert len((tmp_path / "out" / FILE).read_text(encoding="utf-8").splitlines()) == 2
    assert CliRunner().invoke(starter_build, []).exit_code == 2


@pytest.mark.data
def test_the_shipped_table_is_what_its_sources_give(data_dir: Path, tmp_path: Path) -> None:
    sources = [
        Source(data_dir / "esi_msms" / "massbank_esi_open.msp", MASSBANK),
        Source(data_dir / "dart_ms" / "dart_isCID_reference.msp", DART, "NIST"),
    ]
    done = build_fragments(sources, tmp_path)
    assert done.path.read_bytes() == (SHIPPED / FILE).read_bytes()


@pytest.mark.data
def test_a_source_of_noise_gives_next_to_nothing(data_dir: Path, tmp_path: Path) -> None:
    """Its formulas count nitrogen upwards from row to row, and its peaks are no parts of the molecules."""
    source = Source(data_dir / "esi_msms" / "fentanylhunter_std.msp", "Fentanyl-Hunter", "MIT")
    done = build_fragments([source], tmp_path)
    assert done.refused[Refusal.FORMULA] == 45
    assert done.rows <= 2


def test_whole_ions_of_every_substance_are_known() -> None:
    assert [ion.substance.key for ion in by_precursor(337.2274, 1)] == ["fentanyl"]
    methamphetamine = by_precursor(150.1277, 1)
    assert {"methamphetamine", "phentermine"} <= {ion.substance.key for ion in methamphetamine}
    ghb = {(ion.substance.key, ion.adduct) for ion in by_precursor(122.0812, 1)}
    assert ("ghb", "[M+NH4]+") in ghb
    assert not by_precursor(5.0, 1)
    assert all(ion.adduct.endswith("-") for ion in by_precursor(150.0561, -1))


def test_what_is_covered_is_counted() -> None:
    covered = {(one.kind, one.polarity): one for one in coverage()}
    every = len(tuple(load_substances()))
    assert covered[SpectrumKind.EI, 0].substances >= 320
    assert covered[SpectrumKind.MSMS, 1].substances >= 120
    assert covered[SpectrumKind.MSMS, -1].substances >= 20
    assert covered[SpectrumKind.IN_SOURCE, 1].substances >= 16
    organic = sum(map(is_organic, load_substances()))
    assert every > covered[None, 1].substances == covered[None, -1].substances == organic > 350
    assert all(one.of == every for one in covered.values())


def test_the_pack_has_an_in_source_reference_of_every_molecule() -> None:
    records = list(starter_records())
    held = {one.inchikey for one in records if one.kind is SpectrumKind.IN_SOURCE}
    assert held == {substance.inchikey for substance in load_substances() if is_organic(substance)}
    numbers = Counter((one.kind, one.source_id) for one in records)
    assert max(numbers.values()) == 1

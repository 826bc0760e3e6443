"""Fit the chances that `library.confidence` tells, from spectra of known compounds; write the coefficients.

Run: ``python tools/calibrate.py --trained-on "MassBank 2025.05.1" FILE`` with a library (MSP, JCAMP-DX …, or
the flat arrays of an .npz file: mz, intensity, offset, inchikey14, name, formula; for product ions also
accession, instrument, precursor_mz, adduct, collision_energy). Each of ``--rounds`` hides another half of the
compounds.

- ``ei`` (default): several spectra of many compounds. ``--left-out FILE`` adds a library of mostly one
  spectrum per compound, such as one of drugs.
- ``--technique msms``: compounds that several laboratories measured, on instruments of accurate mass; also
  judged on laboratories not fitted to.

Writes library/data/<technique>_calibration.json and prints how well it does on compounds not fitted to.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from library.calibration import (
    TERMS,
    Experience,
    as_json,
    calibrated,
    calibration_error,
    crossed,
    joined,
    ranking_quality,
)
from library.experience import laboratories, leaving_out, replicates
from library.formats import read_library
from library.record import Record, SpectrumKind

DATA = Path(__file__).resolve().parents[1] / "library" / "data"
FLAT = "-UHFFFAOYSA-N"  # the arrays tell connectivity only
ACCURATE = ("TOF", "QFT", "ITFT", "ESI-FT")


def main() -> None:
    words = argparse.ArgumentParser(description="Fit the chances told with an answer.")
    words.add_argument("file", type=Path)
    words.add_argument("--technique", choices=sorted(TERMS), default="ei")
    words.add_argument("--left-out", type=Path)
    words.add_argument("--rounds", type=int, default=3)
    words.add_argument("--trained-on", required=True)
    asked = words.parse_args()
    parts = [one_round(records_of(asked.file), asked.technique, seed) for seed in range(1, asked.rounds + 1)]
    if asked.left_out:
        with tempfile.TemporaryDirectory() as folder:
            drugs = records_of(asked.left_out)
            parts.append(leaving_out(drugs, Path(folder), np.random.default_rng(0)))
    seen, terms = joined(parts), TERMS[asked.technique]
    for statement in ("compound", "group", "absent"):
        for strangers in (False, True) if asked.technique == "msms" else (False,):
            told = crossed(seen, statement, np.random.default_rng(0), terms, strangers=strangers)
            label, who = seen.label(statement), "compound and laboratory" if strangers else "compound"
            print(
                f"{statement}, {who} not seen: AUC {ranking_quality(told, label):.3f}, "
                f"ECE {calibration_error(told, label):.3f}"
            )
    made = json.dumps(as_json(calibrated(seen, asked.trained_on, terms)), indent=1)
    (DATA / f"{asked.technique}_calibration.json").write_text(made + "\n")


def one_round(records: list[Record], technique: str, seed: int) -> Experience:
    """Another half of the compounds hidden."""
    rng = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as folder:
        if technique == "ei":
            return replicates([one for one in records if one.kind is SpectrumKind.EI], Path(folder), rng)
        accurate = [one for one in records if one.kind is SpectrumKind.MSMS and is_accurate(one.instrument)]
        return laboratories(accurate, [laboratory_of(one) for one in accurate], Path(folder), rng)


def is_accurate(instrument: str) -> bool:
    return any(kind in instrument for kind in ACCURATE)


def laboratory_of(record: Record) -> str:
    """The contributor that a MassBank accession names, whatever its project; else the instrument."""
    parts = record.source_id.split("-")
    return parts[1].partition("_")[0] if len(parts) == 3 else record.instrument


def records_of(path: Path) -> list[Record]:
    """Mass spectra of a library file or of flat arrays."""
    if path.suffix != ".npz":
        return [one for one in read_library(path) if isinstance(one, Record)]
    with np.load(path) as arrays:
        return list(_flat_records({name: arrays[name] for name in arrays.files}))


def _flat_records(columns: dict[str, np.ndarray]) -> Iterator[Record]:
    told = {name: columns[name].tolist() for name in columns if name not in ("mz", "intensity", "offset")}
    for row, block in enumerate(told["inchikey14"]):
        ions = slice(int(columns["offset"][row]), int(columns["offset"][row + 1]))
        if block and ions.stop > ions.start:
            yield Record(
                told["name"][row],
                columns["mz"][ions].astype(np.float64),
                columns["intensity"][ions].astype(np.float64),
                inchikey=block + FLAT,
                formula=told["formula"][row],
                source_id=told["accession"][row],
                instrument=told["instrument"][row],
                **_of_product_ions(told, row),
            )


def _of_product_ions(told: dict[str, list], row: int) -> dict:  # type: ignore[type-arg]
    if "precursor_mz" not in told:
        return {}
    return {
        "kind": SpectrumKind.MSMS,
        "precursor_mz": told["precursor_mz"][row],
        "adduct": told["adduct"][row],
        "polarity": 1,
        "energy": told["collision_energy"][row],
    }


if __name__ == "__main__":
    main()

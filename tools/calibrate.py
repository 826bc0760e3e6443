"""Fit the chances that `library.confidence` tells, from replicate spectra, and write the coefficients.

Run: ``python tools/calibrate.py --rounds 3 --trained-on "MassBank 2025.05.1 EI" FILE`` with a library of EI
spectra that holds several spectra of many compounds (MSP, JCAMP-DX …, or the flat arrays of an .npz file: mz,
intensity, offset, inchikey14, name, formula). Each round hides another half of the compounds. Writes
library/data/ei_calibration.json and prints how well it does on compounds it was not fitted to.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from library.calibration import (
    Experience,
    as_json,
    calibrated,
    calibration_error,
    crossed,
    joined,
    ranking_quality,
    replicates,
)
from library.formats import read_library
from library.record import Record

TARGET = Path(__file__).resolve().parents[1] / "library" / "data" / "ei_calibration.json"
FLAT = "-UHFFFAOYSA-N"  # the arrays tell connectivity only


def main() -> None:
    words = argparse.ArgumentParser(description="Fit the chances told with an answer.")
    words.add_argument("file", type=Path)
    words.add_argument("--rounds", type=int, default=3)
    words.add_argument("--trained-on", required=True)
    asked = words.parse_args()
    seen = experience(records_of(asked.file), asked.rounds)
    for statement in ("compound", "group", "absent"):
        told, label = crossed(seen, statement, np.random.default_rng(0)), seen.label(statement)
        print(
            f"{statement}: AUC {ranking_quality(told, label):.3f}, ECE {calibration_error(told, label):.3f}"
        )
    TARGET.write_text(json.dumps(as_json(calibrated(seen, asked.trained_on)), indent=1) + "\n")


def experience(records: list[Record], rounds: int) -> Experience:
    """Several rounds, each with another half of the compounds hidden."""
    parts = []
    for seed in range(1, rounds + 1):
        with tempfile.TemporaryDirectory() as folder:
            parts.append(replicates(records, Path(folder), np.random.default_rng(seed)))
    return joined(parts)


def records_of(path: Path) -> list[Record]:
    """EI records of a library file or of flat arrays."""
    if path.suffix != ".npz":
        return [one for one in read_library(path) if isinstance(one, Record)]
    return list(_flat_records(path))


def _flat_records(path: Path) -> Iterator[Record]:
    with np.load(path) as arrays:
        columns = {
            name: arrays[name] for name in ("mz", "intensity", "offset", "inchikey14", "name", "formula")
        }
    for row, block in enumerate(columns["inchikey14"].tolist()):
        ions = slice(int(columns["offset"][row]), int(columns["offset"][row + 1]))
        if block and ions.stop > ions.start:
            yield Record(
                str(columns["name"][row]),
                columns["mz"][ions].astype(np.float64),
                columns["intensity"][ions].astype(np.float64),
                inchikey=block + FLAT,
                formula=str(columns["formula"][row]),
            )


if __name__ == "__main__":
    main()

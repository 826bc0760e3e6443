"""Agilent infrared spectra as text without words (.asp).

One figure a line: the number of points, first and last wavenumber, codes of x unit and of ordinate, a code
for the experiment, then the values. The codes are those of GRAMS (the SPC files that Resolutions Pro writes
of the same instruments carry the same three), which is how the ordinate is told. Refuses a file whose
number of values is not the one announced.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from spectra.errors import Fault, UnreadableFile
from spectra.model import Metadata, Run
from spectra.readers.grams_units import X_UNITS, y_of_code
from spectra.readers.optical import optical_spectrum, technique
from spectra.readers.scans import check_limits

name = "agilent-asp"
formats = ("Agilent infrared spectrum as text (.asp)",)

_FIGURE = rb"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?"
_START = re.compile(
    rb"\s*(\d{1,8})\r?\n(" + _FIGURE + rb")\r?\n(" + _FIGURE + rb")\r?\n"
    rb"(\d{1,3})\r?\n(\d{1,3})\r?\n(\d{1,3})\r?\n" + _FIGURE + rb"\r?\n"
)
_REMEDY = "Copy the file again from the instrument."


def recognises(head: bytes, path: Path) -> bool:  # noqa: ARG001
    """A whole number, two figures, three short codes and a value, one a line; x in an optical unit."""
    found = _START.match(head)
    return found is not None and int(found[4]) in X_UNITS and int(found[1]) > 1 and found[2] != found[3]


def read(path: Path) -> Run:
    """The spectrum of the file. Raises `UnreadableFile`."""
    data = path.read_bytes()
    found = _START.match(data)
    if found is None:
        raise UnreadableFile(Fault.MALFORMED, where="line 1", expected="six figures, one a line")
    points = int(found[1])
    check_limits([points])
    y = _values(data, points)
    warnings: list[str] = []
    spectrum = optical_spectrum(
        np.linspace(float(found[2]), float(found[3]), points),
        y,
        X_UNITS[int(found[4])],
        y_of_code(int(found[5])),
        warnings=warnings,
    )
    metadata = Metadata(format="Agilent ASP", reader=name, technique=technique((spectrum,)))
    return Run(metadata, optical=(spectrum,), warnings=tuple(warnings))


def _values(data: bytes, points: int) -> list[float]:
    tokens = data.split()[6:]
    if len(tokens) != points:
        fault = Fault.TRUNCATED if len(tokens) < points else Fault.MALFORMED
        expected = f"{points} values, as the first line says; there are {len(tokens)}"
        raise UnreadableFile(fault, where=f"line {len(tokens) + 6}", expected=expected, remedy=_REMEDY)
    try:
        return [float(token) for token in tokens]
    except ValueError as error:
        raise UnreadableFile(Fault.MALFORMED, where="values", expected="one figure a line") from error

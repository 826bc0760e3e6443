"""Nominal (unit) mass: the scale on which quadrupole EI spectra are compared."""

from __future__ import annotations

import numpy as np

from spectra.model import Floats, Ints

# Mass defect grows with the hydrogens of an ion: rounding at .5 would put ions of alkylated compounds above
# about m/z 450 one unit too high. The boundary .649 is AMDIS's, examined by Khrisanfov and Samokhin,
# Rapid Commun. Mass Spectrom. 36 (2022) e9294.
BOUNDARY = 0.649


def nominal_mass(mz: Floats) -> Ints:
    """(n,) int64: ``ceil(mz − 0.649)``."""
    return np.ceil(np.asarray(mz, np.float64) - BOUNDARY).astype(np.int64)

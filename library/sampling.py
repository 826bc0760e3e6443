"""How the optical entries of a release were measured, as their records say."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np

from library.record import SpectrumKind
from library.release import Release
from spectra.model import Ints
from spectra.optical.sampling import Sampling, power, sampling_of

WAYS = tuple(Sampling)
_of: WeakKeyDictionary[Release, dict[SpectrumKind, Ints]] = WeakKeyDictionary()


def ways_of(release: Release, kind: SpectrumKind) -> Ints:
    """(rows,) int64: of each entry of a kind, which of `WAYS` its comments or its instrument name."""
    of_kinds = _of.setdefault(release, {})
    if kind not in of_kinds:
        texts = [
            (release.text("comments", int(entry)), release.text("instrument", int(entry)))
            for entry in release.rows(kind)
        ]
        known = {words: WAYS.index(sampling_of(words)) for words in set(texts)}
        of_kinds[kind] = np.array([known[words] for words in texts], np.int64)
    return of_kinds[kind]


def powers_between(one: Sampling, other: Sampling) -> frozenset[int]:
    """By which powers of the wavenumber ``one`` may have to be multiplied to compare it with ``other``."""
    both = (Sampling.TRANSMISSION, Sampling.ATR)
    ways = [both if each is Sampling.UNKNOWN else (each,) for each in (one, other)]
    return frozenset(power(a, b) for a in ways[0] for b in ways[1])

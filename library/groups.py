"""Isomers that a unit-mass spectrum cannot tell apart, as the query at hand shows.

Promises: a substance's group holds itself, its stereoisomers, and every substance of the same formula that
fits the query nearly as well: by no more than replicate spectra of the right substance are seen to lose to an
isomer. The fewer ions the query shows, the wider that margin. Refuses to group across formulas, and leaves
isotopologues and derivatives out of the groups of what people take.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from library.forms import FormKind
from library.record import SpectrumKind
from library.release import Reference, Release, key_of
from library.search.ei import Hit
from spectra.model import Ints
from spectra.similarity.mass import UnitSpectrum
from spectra.similarity.match_factor import match_factors

# By how much the right substance may match worse than its isomer: SETTLED + PER_ION / (ions above 1 %), in
# match factor. From the 262 replicated spectra of SWGDRUG 3.9, each searched against the others, as they are
# and with their ions under 2, 5 and 10 % of the base peak taken away: the true substance stands in the group
# of the best hit in about 95 % of the answers with the right formula, at each of these levels.
SETTLED = 40.0
PER_ION = 300.0
COUNTED = 10  # of 999: weaker ions do not count as shown

_FLAT = "-UHFFFAOYSA-"  # second block of a key that tells no stereochemistry
_STEREO = re.compile(
    r"pseudo|epi-?|dextro-?|dextr|levo-?|lev|^es(?=cital)|(?<![a-z])(?:d|l|dl|r|s|cis|trans|alpha|beta)(?![a-z])|[-()±+.,]"
)

_TAKEN = frozenset({FormKind.BASE, FormKind.SALT})


def isomer_group(
    releases: Sequence[Release], hit: Hit, query: UnitSpectrum, *, margin: float | None = None
) -> tuple[Reference, ...]:
    """What the reference of ``hit`` cannot be told from, itself first, then by falling match with the query.

    Parameters
    ----------
    releases : where isomers are looked for; the release of the hit must be among them.
    query : the spectrum that was searched.
    margin : by how much an isomer may match worse and still belong, 0..1000; `margin_of` if not given.

    Returns
    -------
    One reference per substance, at least the hit's own: per InChIKey (per name where there is none); a key
    without stereochemistry stands for two substances where names differ by a stereochemical marker only.

    Raises
    ------
    KeyError : the release of the hit is not among ``releases``.
    """
    own = hit.reference
    compound = int(_home(releases, own).compound_key[own.number])
    least = hit.match_factor - (margin_of(query) if margin is None else margin)
    near = [found for release in releases for found in _near(release, own, compound, query, least)]
    group = [own]
    for _, release, row in sorted(near, key=lambda found: -found[0]):
        reference = release.entry(row)
        allowed = reference.form in _TAKEN or reference.form == own.form
        if allowed and not any(_same(member, reference) for member in group):
            group.append(reference)
    return tuple(group)


def margin_of(query: UnitSpectrum) -> float:
    """By how much the right isomer may match this query worse than the best one."""
    return SETTLED + PER_ION / max(1, int(np.count_nonzero(query.intensity >= COUNTED)))


def _near(
    release: Release, own: Reference, compound: int, query: UnitSpectrum, least: float
) -> list[tuple[float, Release, int]]:
    """(match, release, number) of stereoisomers, and of entries of the same formula that reach ``least``."""
    numbers = release.rows(SpectrumKind.EI)
    if not len(numbers):
        return []
    stereo = release.compound_key[numbers] == compound
    alike = stereo | ((release.formula_key[numbers] == key_of(own.formula)) & (own.formula != ""))
    rows: Ints = np.flatnonzero(alike)
    if not len(rows):
        return []
    match = match_factors(query, release.units, rows).match_factor
    keep = stereo[rows] | (match >= least)
    return [(float(m), release, int(n)) for m, n in zip(match[keep], numbers[rows[keep]], strict=True)]


def _home(releases: Sequence[Release], own: Reference) -> Release:
    """The release a reference comes from; two of one name (files of one name) differ in what they hold."""
    for release in releases:
        inside = release.name == own.library and own.number < len(release)
        if inside and release.text("name", own.number) == own.name:
            return release
    raise KeyError(own.library)


def _same(one: Reference, other: Reference) -> bool:
    """Whether two references are of one substance, as far as keys and names tell."""
    names = one.name.casefold(), other.name.casefold()
    if names[0] == names[1] or not (one.inchikey and other.inchikey):
        return names[0] == names[1]
    if one.inchikey != other.inchikey:
        return False
    stems = [_STEREO.sub("", name) for name in names]
    return not (_FLAT in one.inchikey and stems[0] == stems[1])

"""Isomers that a unit-mass spectrum cannot tell apart, as the query at hand shows.

Promises: a substance's group holds itself, its stereoisomers, and every substance of the same formula that
fits the query nearly as well: by no more than replicate spectra of the right substance are seen to lose to an
isomer. The fewer ions the query shows, the wider that margin. Refuses to group across formulas, and leaves
isotopologues and derivatives out of the groups of what people take.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from library.forms import FormKind
from library.record import SpectrumKind
from library.release import Reference, Release, key_of
from library.search.ei import Hit
from spectra.model import Floats, Ints
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
    return isomer_groups(releases, [hit], query, margin=margin)[0]


def isomer_groups(
    releases: Sequence[Release], hits: Sequence[Hit], query: UnitSpectrum, *, margin: float | None = None
) -> list[tuple[Reference, ...]]:
    """`isomer_group` of every hit of one query; entries that several share are compared and made once."""
    if not hits:
        return []
    width = margin_of(query) if margin is None else margin
    compounds = [int(_home(releases, hit.reference).compound_key[hit.reference.number]) for hit in hits]
    near: list[list[tuple[float, Release, int]]] = [[] for _ in hits]
    for release in releases:
        numbers = release.rows(SpectrumKind.EI)
        alike = [_alike(release, hit.reference, key) for hit, key in zip(hits, compounds, strict=True)]
        match = _matches(release, query, [rows for rows, _ in alike])
        for hit, found, (rows, stereo), factor in zip(hits, near, alike, match, strict=True):
            keep = stereo | (factor >= hit.match_factor - width)
            kept = zip(factor[keep].tolist(), numbers[rows[keep]].tolist(), strict=True)
            found += [(m, release, n) for m, n in kept]
    entry = cache(Release.entry)
    return [_group(hit.reference, found, entry) for hit, found in zip(hits, near, strict=True)]


def _group(
    own: Reference,
    near: Sequence[tuple[float, Release, int]],
    entry: Callable[[Release, int], Reference],
) -> tuple[Reference, ...]:
    group = [own]
    for _, release, row in sorted(near, key=lambda found: -found[0]):
        reference = entry(release, row)
        allowed = reference.form in _TAKEN or reference.form == own.form
        if allowed and not any(_same(member, reference) for member in group):
            group.append(reference)
    return tuple(group)


def margin_of(query: UnitSpectrum) -> float:
    """By how much the right isomer may match this query worse than the best one."""
    return SETTLED + PER_ION / max(1, int(np.count_nonzero(query.intensity >= COUNTED)))


def _alike(release: Release, own: Reference, compound: int) -> tuple[Ints, NDArray[np.bool_]]:
    """Rows of the same compound or formula, and whether they are stereoisomers."""
    numbers = release.rows(SpectrumKind.EI)
    stereo = release.compound_key[numbers] == compound
    alike = stereo | ((release.formula_key[numbers] == key_of(own.formula)) & (own.formula != ""))
    rows: Ints = np.flatnonzero(alike)
    return rows, stereo[rows]


def _matches(release: Release, query: UnitSpectrum, asked: Sequence[Ints]) -> list[Floats]:
    """Match factors of each set of rows."""
    every = np.unique(np.concatenate(asked))
    if not len(every):
        return [np.empty(0) for _ in asked]
    factor = match_factors(query, release.units, every).match_factor
    return [factor[np.searchsorted(every, rows)] for rows in asked]


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

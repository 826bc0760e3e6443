"""Isomers that unit-mass spectra cannot tell apart, learned from the library itself.

Promises: a substance's group holds itself, its stereoisomers, and every substance of the same formula with
a reference spectrum as like its own as two laboratories' spectra of one substance are. Nothing is linked
through a third spectrum, so a group never drifts away from the substance asked for. Refuses to group
across formulas, and leaves isotopologues and derivatives out of the groups of what people take.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from library.forms import FormKind
from library.release import Reference, Release
from library.search.ei import Hit
from spectra.model import Floats, Ints
from spectra.similarity.mass import UnitSpectrum
from spectra.similarity.match_factor import match_factors

# Match factor between two references from which their substances count as one group. From replicates, not
# from queries: 84 % of pairs of SWGDRUG 3.9 spectra of one substance reach it, 11 % of pairs of isomers; and
# with each of its 264 replicated spectra searched against the others, the true substance stands in the
# group of the best hit in 95 % of the answers with the right formula (84 % by the best hit alone).
INSEPARABLE = 875.0

_FLAT = "-UHFFFAOYSA-"  # second block of a key that tells no stereochemistry
_STEREO = re.compile(
    r"pseudo|epi-?|dextro-?|dextr|levo-?|lev|^es(?=cital)|(?<![a-z])(?:d|l|dl|r|s|cis|trans|alpha|beta)(?![a-z])|[-()±+.,]"
)

_TAKEN = frozenset({FormKind.BASE, FormKind.SALT})


def isomer_group(
    releases: Sequence[Release], hit: Hit, *, inseparable: float = INSEPARABLE
) -> tuple[Reference, ...]:
    """What the reference of ``hit`` cannot be told from, itself first, then by falling likeness.

    Parameters
    ----------
    releases : where isomers are looked for; the release of the hit must be among them.
    inseparable : 0..1000, match factor between references from which they are one group.

    Returns
    -------
    One reference per substance, at least the hit's own: per InChIKey (per name where there is none); a key
    without stereochemistry stands for two substances where names differ by a stereochemical marker only.

    Raises
    ------
    KeyError : the release of the hit is not among ``releases``.
    """
    own = hit.reference
    home = _home(releases, own)
    alike = [pair for release in releases for pair in _alike(home, own.number, release, inseparable)]
    group = [own]
    for _, release, row in sorted(alike, key=lambda pair: -pair[0]):
        reference = release.entry(row)
        allowed = reference.kind in _TAKEN or reference.kind == own.kind
        if allowed and not any(_same(member, reference) for member in group):
            group.append(reference)
    return tuple(group)


def _home(releases: Sequence[Release], own: Reference) -> Release:
    """The release a reference comes from; two of one name (files of one name) differ in what they hold."""
    for release in releases:
        inside = release.name == own.library and own.number < len(release)
        if inside and release.text("name", own.number) == own.name:
            return release
    raise KeyError(own.library)


def _alike(home: Release, own: int, release: Release, inseparable: float) -> list[tuple[float, Release, int]]:
    """(likeness, release, row) of stereoisomers and of inseparable entries of the same formula."""
    formula, compound = home.formula_key[own], home.compound_key[own]
    isomers = (release.formula_key == formula) & (formula != 0)
    rows = np.flatnonzero(isomers | (release.compound_key == compound))
    likeness = _likeness(home, own, release, rows)
    likeness[release.compound_key[rows] == compound] = 1000.0
    near = likeness >= inseparable
    return [(float(like), release, int(row)) for like, row in zip(likeness[near], rows[near], strict=True)]


def _likeness(home: Release, own: int, release: Release, rows: Ints) -> Floats:
    """Match factor of entry ``own`` with each row; a list of principal ions never plays the query's part."""
    query = home.units.row(own)
    if not home.partial[own]:
        return match_factors(query, release.units, rows).match_factor
    target = np.array([own])
    others: list[UnitSpectrum] = [release.units.row(int(row)) for row in rows]
    return np.array([match_factors(other, home.units, target).match_factor[0] for other in others])


def _same(one: Reference, other: Reference) -> bool:
    """Whether two references are of one substance, as far as keys and names tell."""
    names = one.name.casefold(), other.name.casefold()
    if names[0] == names[1] or not (one.inchikey and other.inchikey):
        return names[0] == names[1]
    if one.inchikey != other.inchikey:
        return False
    stems = [_STEREO.sub("", name) for name in names]
    return not (_FLAT in one.inchikey and stems[0] == stems[1])

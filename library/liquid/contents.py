"""What an LC-MS run contains: features gathered to molecules, product ions searched, masses read.

Promises: a substance is named only by its product ions and an isotope pattern that does not speak against it;
an accurate mass alone gives candidates marked ``mass_only`` and never a name; isomers of one family whose
product ions nobody has measured stand in the group of what was found. Refuses to compare masses of unit
resolution with accurate references, and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from library.answer import Component, Decision
from library.contents import Contents, parameters_of
from library.liquid.components import LEAST_SHOWN, component_of, listed
from library.liquid.matched import RULE, best_spectra
from library.liquid.measured import Measured, measure, some_scans
from library.record import SpectrumKind
from library.release import Release
from spectra.model import Run, Technique


def applies(run: Run) -> bool:
    """Whether the run is of whole ions, in time or as a list of product-ion spectra."""
    scans, technique = run.scans, run.metadata.technique
    if not len(scans) or technique is Technique.GC_MS:
        return False
    if not scans.has_time:
        return bool((scans.ms_level > 1).all())
    return technique is Technique.LC_MS or not bool(np.isnan(scans.precursor_mz).all())


def contents(run: Run, releases: Sequence[Release], tell: Callable[[float, str], None]) -> Contents:
    """What the run contains, each polarity for itself."""
    warnings: list[str] = []
    parts: list[tuple[Measured, ...]] = []
    signal = 0.0
    for polarity in np.unique(run.scans.polarity).tolist():
        scans = some_scans(run.scans, run.scans.polarity == polarity)
        measured, area, notes = measure(scans, polarity)
        parts.append(measured)
        signal += area
        warnings += notes
    everything = [one for part in parts for one in part]
    tell(0.4, "search")
    asked = best_spectra(releases, everything)
    tell(0.8, "group")
    rows = [component_of(one, found, releases, signal) for one, found in zip(everything, asked, strict=True)]
    shown, left_out = listed(rows)
    if left_out:
        share = sum(one.area_share for one in left_out)
        warnings.append(
            f"{len(left_out)} further ions ({share:.1%} of the signal) resemble nothing; they are not listed"
        )
    named = [one for one in rows if one.decision in (Decision.IDENTIFIED, Decision.GROUP)]
    warnings += _doubts(run, releases, everything, named)
    return Contents(
        shown,
        min(1.0, sum(one.area_share for one in named)),
        tuple(dict.fromkeys(warnings)),
        parameters_of(RULE, LEAST_SHOWN),
    )


def _doubts(
    run: Run, releases: Sequence[Release], measured: Sequence[Measured], named: Sequence[Component]
) -> list[str]:
    doubts = []
    if not any(SpectrumKind.MSMS in release.kinds for release in releases):
        doubts.append("no library of product ions was searched")
    if measured and not any(one.products for one in measured):
        doubts.append(
            "there are no product-ion scans: masses alone name nothing, candidates are of that mass"
        )
    for polarity in np.unique(run.scans.polarity).tolist():
        if polarity and not named and not _references(releases, polarity):
            sign = "negative" if polarity < 0 else "positive"
            doubts.append(f"the run is of {sign} ions; the libraries hold no product ions of that polarity")
    return doubts


def _references(releases: Sequence[Release], polarity: int) -> int:
    """How many product-ion references may be of that polarity."""
    return sum(
        int((np.asarray(release.peaks(SpectrumKind.MSMS).polarity) * polarity >= 0).sum())
        for release in releases
        if SpectrumKind.MSMS in release.kinds
    )

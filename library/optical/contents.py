"""What a sample contains, from its infrared or Raman spectrum.

Promises: each component has a share with an interval, as an estimate; materials that the spectrum cannot
separate are named as a group; where much of the spectrum stays unexplained nothing is named, and what is
left is a component of its own; an empty crystal, noise, a saturated or an inverted spectrum is said and not
searched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from library.answer import Absorbed, Candidate, Component, Decision, Hiding, Optical, Peaks
from library.contents import Contents
from library.optical.mixture import Constituent, Mixture, Way, unmix_spectrum
from library.optical.naming import (
    LEAST_EXPLAINED,
    LEAST_LIKENESS,
    LEAST_SHARE,
    MOST_ALIKE,
    WELL_EXPLAINED,
    needed_likeness,
)
from library.record import SpectrumKind
from library.release import Release
from library.segments import AXES
from spectra.model import Axis, Floats, OpticalSpectrum, Ordinate, Run
from spectra.optical.conditioning import State
from spectra.optical.sampling import Sampling, sampling_of
from spectra.optical.significance import CHANCE, LEAST_GAIN

LEAST_REST = 0.1  # of the spectrum; more that is unexplained is told as a component
SHOWN = 5

_KINDS = {Axis.WAVENUMBER: SpectrumKind.INFRARED, Axis.RAMAN_SHIFT: SpectrumKind.RAMAN}
_SAYS_HOW = frozenset({"accessory", "experiment", "samplingprocedure", "state"})  # metadata of a file
_NO_SPECTRUM = frozenset({Ordinate.SINGLE_BEAM, Ordinate.INTERFEROGRAM})
_NO_PEAKS = Peaks([], [])
_SAID = {
    State.EMPTY: "no bands: the crystal is empty, or holds too little; nothing was searched",
    State.WEAK: "no band stands out of the noise: nothing was searched; use more sample or scans",
    State.SATURATED: "the strongest bands are cut off (too much sample or too thick): nothing was searched",
    State.INVERTED: "the bands hang downwards: a transmittance called absorbance or the other way round, or "
    "sample on the crystal when the background was taken; nothing was searched",
}  # fmt: skip
_ESTIMATE = (
    "shares are estimates: they are of the spectrum, not by weight, and materials differ in how strongly "
    "they absorb or scatter"
)


def applies(run: Run) -> bool:
    """Whether the run holds an infrared or Raman spectrum and no mass spectra."""
    return not len(run.scans) and any(_comparable(curve) for curve in run.optical)


def contents(run: Run, releases: Sequence[Release], tell: Callable[[float, str], None]) -> Contents:
    """What the first spectrum of the file contains.

    Raises
    ------
    InvalidMeasurement : it covers too little of the range that is compared.
    """
    curves = [curve for curve in run.optical if _comparable(curve)]
    kind = _KINDS[curves[0].axis]
    tell(0.4, "search")
    told = [value for key, value in run.metadata.details.items() if key in _SAYS_HOW]
    mixture = unmix_spectrum(releases, curves[0], kind=kind, sampling=sampling_of(told))
    tell(0.8, "group")
    components = _components(mixture, kind)
    named = (Decision.IDENTIFIED, Decision.GROUP)
    explained = min(1.0, sum(one.area_share for one in components if one.decision in named))
    warnings = _warnings(mixture, releases, kind, len(curves))
    parameters = {
        "chance_of_false_addition": CHANCE,
        "least_gain": LEAST_GAIN,
        "least_share": LEAST_SHARE,
        "least_explained": LEAST_EXPLAINED,
        "least_likeness": LEAST_LIKENESS,
        "well_explained": WELL_EXPLAINED,
    }
    return Contents(components, explained, warnings, parameters, _optical(mixture, kind))


def _comparable(curve: OpticalSpectrum) -> bool:
    return curve.axis in _KINDS and curve.ordinate not in _NO_SPECTRUM


def _components(mixture: Mixture, kind: SpectrumKind) -> tuple[Component, ...]:
    x = AXES[kind].x
    found = [
        _component(number, one, mixture, x, kind) for number, one in enumerate(mixture.constituents, start=1)
    ]
    left = 1 - mixture.explained
    if mixture.conditioned.state is State.MEASURED and left >= LEAST_REST:
        found.append(_rest(len(found) + 1, left, mixture, x, kind))
    return tuple(found)


def _component(number: int, one: Constituent, mixture: Mixture, x: Floats, kind: SpectrumKind) -> Component:
    return Component(
        number=number,
        rt_min=None,
        rt_start_min=None,
        rt_end_min=None,
        area=float(one.curve.sum() * AXES[kind].step),
        area_share=round(one.share, 4),
        purity=1.0,
        spectrum=_NO_PEAKS,
        decision=decision(one, mixture),
        artefact="",
        candidates=_candidates(one),
        compared=kind.value,
        share_low=round(one.low, 4),
        share_high=round(one.high, 4),
        shift_cm1=round(one.shift_cm1, 2),
        f_value=round(one.f_value, 1),
        part=_absorbed(x, one.curve),
    )


def decision(one: Constituent, mixture: Mixture) -> Decision:
    """What may be said of a constituent: nothing where the residual stays large or everything fits alike."""
    if one.likeness < needed_likeness(mixture.explained) or len(one.references) > MOST_ALIKE:
        return Decision.UNKNOWN
    return Decision.IDENTIFIED if len(one.references) == 1 else Decision.GROUP


def _candidates(one: Constituent) -> list[Candidate]:
    return [_candidate(rank, one) for rank in range(1, min(len(one.references), SHOWN) + 1)]


def _candidate(rank: int, one: Constituent) -> Candidate:
    own = one.references[rank - 1]
    group = [own, *(other for other in one.references if other is not own)]
    return Candidate(
        rank=rank,
        name=own.name,
        inchikey=own.inchikey,
        formula=own.formula,
        match_factor=round(one.likeness, 1),
        reverse_match_factor=0.0,
        matched_ions=0,
        isomer_group=[other.name for other in group],
        isomer_group_inchikeys=[other.inchikey for other in group],
        library=own.library,
        reference=own.number,
        spectrum=_NO_PEAKS,
    )


def _rest(number: int, share: float, mixture: Mixture, x: Floats, kind: SpectrumKind) -> Component:
    """What no reference explains."""
    return Component(
        number=number,
        rt_min=None,
        rt_start_min=None,
        rt_end_min=None,
        area=float(np.abs(mixture.residual).sum() * AXES[kind].step),
        area_share=round(share, 4),
        purity=1.0,
        spectrum=_NO_PEAKS,
        decision=Decision.UNKNOWN,
        artefact="",
        candidates=[],
        compared=kind.value,
        part=_absorbed(x, mixture.residual),
    )


def _optical(mixture: Mixture, kind: SpectrumKind) -> Optical:
    ready = mixture.conditioned
    hiding = [Hiding(one.name, one.inchikey, round(one.share, 4)) for one in mixture.hidden]
    signal = _absorbed(AXES[kind].x, ready.signal)
    return Optical(kind.value, ready.state.value, signal, np.round(mixture.residual, 6).tolist(), hiding)


def _absorbed(x: Floats, height: Floats) -> Absorbed:
    return Absorbed(np.round(x, 2).tolist(), [float(f"{value:.5g}") for value in height])


def _warnings(
    mixture: Mixture, releases: Sequence[Release], kind: SpectrumKind, curves: int
) -> tuple[str, ...]:
    ready, said = mixture.conditioned, []
    if ready.state in _SAID:
        said.append(_SAID[ready.state])
    elif not any(len(release.rows(kind)) for release in releases):
        said.append(f"no library searched holds {kind.value} spectra: nothing was compared")
    elif mixture.constituents:
        said.append(_ESTIMATE)
    if mixture.way.changed:
        said.append(_said_of(mixture.way))
    if ready.vapour:
        said.append("lines of water vapour were seen and left out: dry or purge the instrument")
    if curves > 1:
        said.append(f"the file holds {curves} spectra: only the first was taken apart")
    return tuple(said)


def _said_of(way: Way) -> str:
    """Which references were compared as if measured otherwise, and how that is known."""
    names = {Sampling.ATR: "ATR", Sampling.TRANSMISSION: "transmission"}
    here, there = names[way.query], next(name for one, name in names.items() if one is not way.query)
    done = f"references measured by {there} were compared as if measured by {here} (bands of ATR are weaker "
    done += "in proportion to 1 / wavenumber)"
    return done if way.known else f"{done}: not all files say how they were measured, and this fits best"

"""Pictures of an answer: the chromatogram with what was found, and each component against its reference.

Drawn once, by whoever computed the answer (the worker or the command line), as SVG, PNG or PDF; pages and
reports only show them. Equal answers give equal bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from library.answer import Absorbed, Component, Decision, Identification, Optical, Peaks
from spectra.figures import FAINT, INK, render
from spectra.model import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOUR = {
    Decision.IDENTIFIED: "#00695c",
    Decision.GROUP: "#5e35b1",
    Decision.FAMILY: "#b07d00",
    Decision.ARTEFACT: "#8a99a3",
    Decision.UNKNOWN: "#c4560a",
}
LABELS = 14  # more names than that cannot be read in one picture


def chromatogram(answer: Identification, kind: str = "svg") -> bytes:
    """The total ion current with the components marked, of an infrared or Raman run the spectrum with its
    components and what they leave; ``kind`` is svg, png or pdf."""
    if answer.optical:
        return overlay(answer, kind)
    return render(lambda figure: _chromatogram(figure.subplots(), answer), (8, 3.8), kind)


def overlay(answer: Identification, kind: str = "svg") -> bytes:
    """An infrared or Raman spectrum with the components, their sum, and what they leave in its own panel.

    Raises
    ------
    ValueError : the answer holds no such spectrum.
    """
    optical = answer.optical
    if optical is None:
        raise ValueError("the answer holds no infrared or Raman spectrum")
    return render(lambda figure: _overlay(figure, answer, optical), (8, 5), kind)


def mirror(component: Component, rank: int = 1, kind: str = "svg") -> bytes:
    """A component upwards, candidate number ``rank`` downwards; alone where it has no such candidate. Of an
    infrared or Raman spectrum, the component's part of it."""
    part = component.part
    if part:
        return render(lambda figure: _part(figure.subplots(), component, part), (8, 2.6), kind)
    return render(lambda figure: _mirror(figure.subplots(), component, rank), (8, 3.2), kind)


def sheet(answer: Identification, kind: str) -> bytes:
    """The chromatogram and a mirror plot of every component in one picture; of a spectrum, the overlay."""
    if answer.optical:
        return overlay(answer, kind)
    rows = (len(answer.components) + 1) // 2

    def draw(figure: Figure) -> None:
        grid = figure.add_gridspec(rows + 1, 2, height_ratios=[1.3] + [1.0] * rows)
        _chromatogram(figure.add_subplot(grid[0, :]), answer)
        for place, component in enumerate(answer.components):
            _mirror(figure.add_subplot(grid[1 + place // 2, place % 2]), component, 1)

    return render(draw, (12, 4.2 + 2.9 * rows), kind)


def label(component: Component) -> str:
    """What a component is called in a picture or a table: substance, group, artefact, relative, or "?"."""
    if component.decision is Decision.ARTEFACT:
        return component.artefact
    if component.decision is Decision.UNKNOWN:
        return "?"
    if component.decision is Decision.FAMILY:
        return f"like {component.family.relative}" if component.family else "?"
    group = component.candidates[0].isomer_group
    alone = component.decision is Decision.GROUP and len(group) == 1
    return f"{group[0]} or an isomer" if alone else " / ".join(group)


def _overlay(figure: Figure, answer: Identification, optical: Optical) -> None:
    upper, lower = figure.subplots(2, sharex=True, gridspec_kw={"height_ratios": [3, 1]})
    x, signal = np.array(optical.signal.cm1), np.array(optical.signal.height)
    residual = np.array(optical.residual)
    _curve(upper, x, signal, INK, "measured")
    named = [one for one in answer.components if one.part and one.candidates]
    if named:
        _curve(upper, x, signal - residual, FAINT, "sum of components", dashed=True)
    for place, one in enumerate(named):
        height = np.array(one.part.height) if one.part else np.zeros(len(x))
        _curve(upper, x, height, f"C{place}", f"{one.number} {_short(label(one), 40)} {one.area_share:.0%}")
    _curve(lower, x, residual, COLOUR[Decision.UNKNOWN], "not explained")
    unit = "Absorbance" if optical.kind == "infrared" else "Counts"
    upper.set(ylabel=unit)
    lower.set(
        ylabel="Residual", xlabel="Wavenumber (cm⁻¹)" if optical.kind == "infrared" else "Raman shift (cm⁻¹)"
    )
    lower.axhline(0, color=INK, lw=0.5)
    if optical.kind == "infrared":
        lower.set_xlim(x[-1], x[0])
    upper.legend(fontsize=8, frameon=False)
    if optical.state != "measured":
        upper.set_title(
            f"Not searched: {optical.state}", loc="left", color=COLOUR[Decision.UNKNOWN], fontsize=9
        )


def _part(axes: Axes, component: Component, part: Absorbed) -> None:
    _curve(axes, np.array(part.cm1), np.array(part.height), COLOUR[component.decision], label(component))
    if component.compared == "infrared":
        axes.set_xlim(part.cm1[-1], part.cm1[0])
    axes.set(xlabel="cm⁻¹", ylabel="Part of the spectrum")
    axes.set_title(f"{component.number}: {_short(label(component), 50)}", loc="left", fontsize=9)


def _curve(axes: Axes, x: Floats, y: Floats, colour: str, name: str, *, dashed: bool = False) -> None:
    """A line that is broken where the axis leaves a region out."""
    steps = np.diff(x)
    gaps = np.flatnonzero(steps > 1.5 * steps.min(initial=np.inf)) + 1
    style = "--" if dashed else "-"
    axes.plot(np.insert(x, gaps, np.nan), np.insert(y, gaps, np.nan), style, color=colour, lw=0.9, label=name)


def _chromatogram(axes: Axes, answer: Identification) -> None:
    time, height = np.array(answer.tic.rt_min), np.array(answer.tic.intensity)
    if not len(time):
        axes.text(0.5, 0.5, "no time axis", ha="center", transform=axes.transAxes)
        axes.set_axis_off()
        return
    axes.plot(time, height, color=INK, linewidth=0.8)
    for component in answer.components:
        inside = (time >= (component.rt_start_min or 0)) & (time <= (component.rt_end_min or 0))
        axes.fill_between(time[inside], height[inside], color=COLOUR[component.decision], alpha=0.3, lw=0)
    top = float(height.max(initial=1.0))
    axes.set(xlim=(time[0], time[-1]), ylim=(0, 1.9 * top), xlabel="Retention time (min)", ylabel="Counts")
    axes.set_yticks([t for t in axes.get_yticks() if t <= top])
    _names(axes, answer, time, height, top)
    if answer.file.simulated:
        axes.set_title("Simulated data", loc="right", color=COLOUR[Decision.UNKNOWN], fontsize=9)


def _names(axes: Axes, answer: Identification, time: np.ndarray, height: np.ndarray, top: float) -> None:
    """Names above the largest components, moved apart sideways where they would overlap."""
    first = sorted(answer.components, key=lambda c: (label(c) == "?", -c.area_share))
    shown = sorted((c for c in first[:LABELS] if c.rt_min is not None), key=lambda c: c.rt_min or 0.0)
    places = _apart([c.rt_min or 0.0 for c in shown], 0.034 * float(time[-1] - time[0]), float(time[-1]))
    for component, place in zip(shown, places, strict=True):
        apex = component.rt_min or 0.0
        axes.annotate(
            _short(f"{component.number} {label(component)}", 26),
            xy=(apex, float(np.interp(apex, time, height))),
            xytext=(place, 1.08 * top),
            rotation=55,
            rotation_mode="anchor",
            fontsize=9,
            color=COLOUR[component.decision],
            arrowprops={"arrowstyle": "-", "color": FAINT, "lw": 0.5, "relpos": (0, 0)},
        )


def _apart(wanted: list[float], least: float, end: float) -> list[float]:
    """Places near those wanted (ascending) that keep ``least`` between neighbours and stay before ``end``."""
    places: list[float] = []
    for place in wanted:
        places.append(max(place, places[-1] + least) if places else place)
    for k in range(len(places) - 1, -1, -1):
        places[k] = min(places[k], (places[k + 1] if k + 1 < len(places) else end) - least)
    return places


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _mirror(axes: Axes, component: Component, rank: int) -> None:
    candidate = next((c for c in component.candidates if c.rank == rank), None)
    colour = COLOUR[component.decision]
    _sticks(axes, component.spectrum, 1, colour)
    if candidate:
        _sticks(axes, candidate.spectrum, -1, FAINT)
    axes.axhline(0, color=INK, lw=0.6)
    axes.set(ylim=(-125 if candidate else 0, 125), xlabel="m/z", ylabel="% of base peak")
    axes.set_yticks(
        [-100, 0, 100] if candidate else [0, 100], ["100", "0", "100"] if candidate else ["0", "100"]
    )
    when = f" at {component.rt_min:.2f} min" if component.rt_min is not None else ""
    axes.set_title(
        f"{component.number}: {_short(label(component), 50)}{when}", loc="left", fontsize=9, color=colour
    )
    if candidate:
        kind = " (principal ions only)" if candidate.partial else ""
        text = f"{_short(candidate.name, 44)}{kind}, {candidate.library}, match {candidate.match_factor:.0f}"
        axes.text(0.99, 0.02, text, transform=axes.transAxes, fontsize=8, color=FAINT, ha="right")


def _sticks(axes: Axes, peaks: Peaks, sign: int, colour: str) -> None:
    mz, height = np.array(peaks.mz), sign * np.array(peaks.intensity)
    axes.vlines(mz, 0, height, color=colour, lw=1.0)
    for k in _labelled(mz, np.abs(height)):
        axes.text(
            mz[k], height[k] + 3 * sign, f"{mz[k]:.0f}", ha="center", fontsize=8, color=colour,
            va="bottom" if sign > 0 else "top",
        )  # fmt: skip


def _labelled(mz: np.ndarray, height: np.ndarray, most: int = 8) -> list[int]:
    """The strongest ions that leave each other room for a number."""
    chosen: list[int] = []
    room = 0.035 * float(np.ptp(mz)) if len(mz) else 0.0
    for k in np.argsort(-height):
        if len(chosen) == most or height[k] < 5:
            break
        if all(abs(mz[k] - mz[j]) > room for j in chosen):
            chosen.append(int(k))
    return chosen


def reliability_diagram(told: Floats, right: Floats, kind: str = "svg", bins: int = 10) -> bytes:
    """Share of right answers against the chance they were given, with how many there were of each.

    Parameters
    ----------
    told, right : (answers,) float64, chance 0..1 and outcome 0 or 1.
    """
    place = np.minimum((told * bins).astype(int), bins - 1)
    size = np.bincount(place, minlength=bins)
    filled = size > 0
    chance, share = (
        np.bincount(place, weights=values, minlength=bins)[filled] / size[filled] for values in (told, right)
    )
    spread = 1.96 * np.sqrt(share * (1 - share) / size[filled])

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=FAINT, lw=0.8)
        axes.errorbar(chance, share, yerr=spread, color=COLOUR[Decision.IDENTIFIED], marker="o", capsize=2)
        for x, y, n in zip(chance, share, size[filled], strict=True):
            axes.annotate(str(n), (x, y), textcoords="offset points", xytext=(6, -10), fontsize=8, color=INK)
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="Chance told", ylabel="Share of right answers")

    return render(draw, (4.5, 4.2), kind)

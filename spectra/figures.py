"""Pictures: the one style and way of drawing, and what a file holds as a sheet of panels.

Drawn as SVG, PNG or PDF bytes; equal runs give equal bytes. Refuses nothing: a run that was read can be
drawn, large ones by their highest and lowest points.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from spectra.model import FALLING_AXES, DiodeArray, Floats, OpticalSpectrum, Ordinate, Run, ScanTable, Trace

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KINDS = ("svg", "png", "pdf")
INK, FAINT, SIGNAL, CAUTION = "#1c2b33", "#8a99a3", "#00695c", "#c4560a"
STYLE = {
    "font.family": "sans-serif",
    "font.size": 9,
    "svg.fonttype": "none",
    "svg.hashsalt": "xbt",
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
Y_LABEL = {
    Ordinate.ABSORBANCE: "Absorbance",
    Ordinate.TRANSMITTANCE: "Transmittance (share)",
    Ordinate.REFLECTANCE: "Reflectance (share)",
    Ordinate.SINGLE_BEAM: "Single beam",
    Ordinate.INTERFEROGRAM: "Interferogram",
    Ordinate.INTENSITY: "Intensity",
}
_PANELS = 12  # more cannot be read in one picture
_POINTS = 4000  # a line has no use for more than a few a pixel

Panel = Callable[["Axes"], None]


def render(draw: Callable[[Figure], None], size: tuple[float, float], kind: str) -> bytes:
    """What ``draw`` puts on a figure of ``size`` (inches), as svg, png or pdf."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):  # type: ignore[arg-type]
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(figure)
        draw(figure)
        out = io.BytesIO()
        dates = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind, {})
        figure.savefig(out, format=kind, dpi=130, metadata=dates)
    return out.getvalue()


def run_sheet(run: Run, kind: str) -> bytes:
    """A panel for the scans, each trace, optical spectrum and diode array of a run, the first twelve."""
    panels = _panels(run)
    shown = panels[:_PANELS]

    def draw(figure: Figure) -> None:
        rows = figure.subplots(len(shown), squeeze=False)[:, 0]
        for axes, panel in zip(rows, shown, strict=True):
            panel(axes)
        if len(panels) > len(shown):
            figure.supxlabel(f"{len(panels) - len(shown)} more are not drawn", color=FAINT, fontsize=8)
        if run.metadata.simulated:
            figure.suptitle("Simulated data", color=CAUTION, fontsize=9)

    return render(draw, (9, 0.6 + 2.6 * len(shown)), kind)


def strongest_scan(scans: ScanTable) -> int:
    """The number of the scan with the greatest sum of intensities, from 0."""
    return int(np.argmax(scans.total_ion_current()))


def thinned(x: Floats, y: Floats, most: int) -> tuple[Floats, Floats]:
    """At most ``most`` points of a curve: the lowest and the highest of each stretch, in their order."""
    if len(x) <= most:
        return x, y
    edges = np.linspace(0, len(y), max(most // 2, 1) + 1).astype(np.int64)[:-1]
    stretch = np.repeat(np.arange(len(edges)), np.diff(np.append(edges, len(y))))
    order = np.lexsort((y, stretch))  # within a stretch the lowest comes first, the highest last
    last = np.append(edges[1:], len(y)) - 1
    keep = np.unique(np.concatenate((order[edges], order[last])))
    return x[keep], y[keep]


def _panels(run: Run) -> list[Panel]:
    panels: list[Panel] = []
    if len(run.scans):
        if run.scans.has_time and len(run.scans) > 1:
            panels.append(lambda axes: _total(axes, run.scans))
        panels.append(lambda axes: _strongest(axes, run))
    panels += [lambda axes, one=one: _optical(axes, one) for one in run.optical]  # type: ignore[misc]
    panels += [lambda axes, one=one: _map(axes, one) for one in run.diode_arrays]  # type: ignore[misc]
    panels += [lambda axes, one=one: _trace(axes, one) for one in run.traces]  # type: ignore[misc]
    return panels


def _total(axes: Axes, scans: ScanTable) -> None:
    first = scans.level(int(scans.ms_level.min()))
    _line(axes, first.rt_s / 60, first.total_ion_current())
    axes.set(xlabel="Retention time (min)", ylabel="Counts")
    axes.set_title(f"Total ion current of {len(first)} scans", loc="left", fontsize=9)


def _strongest(axes: Axes, run: Run) -> None:
    number = strongest_scan(run.scans)
    spectrum = run.scans.spectrum(number)
    axes.vlines(spectrum.mz, 0, spectrum.intensity, color=SIGNAL, lw=0.9)
    axes.set(xlabel="m/z", ylabel="Counts", ylim=(0, None))
    when = f" at {run.scans.rt_s[number] / 60:.2f} min" if run.scans.has_time else ""
    name = f": {run.titles[number][:60]}" if run.titles else ""
    axes.set_title(f"Scan {number + 1}{when}{name}", loc="left", fontsize=9)


def _optical(axes: Axes, one: OpticalSpectrum) -> None:
    _line(axes, one.x, one.y)
    axes.set(
        xlabel=_labelled(one.axis.label, one.unit_of_x), ylabel=_labelled(Y_LABEL[one.ordinate], one.y_unit)
    )
    if one.axis in FALLING_AXES:
        axes.invert_xaxis()
    axes.set_title(one.title[:80], loc="left", fontsize=9)


def _labelled(name: str, unit: str) -> str:
    words = f"{name[:1].upper()}{name[1:]}"
    return f"{words} ({unit[:30]})" if unit else words


def _map(axes: Axes, array: DiodeArray) -> None:
    step = max(len(array.time_s) // 1000, 1)
    minutes = array.time_s[::step] / 60
    mesh = axes.pcolormesh(
        minutes, array.wavelength_nm, array.value[::step].T, shading="nearest", rasterized=True
    )
    axes.figure.colorbar(mesh, ax=axes, label=array.unit or None)
    axes.set(xlabel="Time (min)", ylabel="Wavelength (nm)")
    axes.set_title(array.name[:80], loc="left", fontsize=9)


def _trace(axes: Axes, trace: Trace) -> None:
    _line(axes, trace.time_s / 60, trace.value)
    axes.set(xlabel="Time (min)", ylabel=trace.unit)
    axes.set_title(trace.name[:80], loc="left", fontsize=9)


def _line(axes: Axes, x: Floats, y: Floats) -> None:
    xs, ys = thinned(x, y, _POINTS)
    axes.plot(xs, ys, color=INK, linewidth=0.8, marker="." if len(xs) == 1 else "")

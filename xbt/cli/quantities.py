"""Calibrations and amounts as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from spectra.chromatography.acceptance import Level
from spectra.chromatography.calibration import Amount, Calibration, Place
from xbt.domain.amounts import Kind
from xbt.risk.amounts import amount_text
from xbt.services.contents import Fitted, WorkedOut
from xbt.services.quantitation import CalibrationView

_HASH_SHOWN = 12
_POWERS = ("", "·x", "·x²")


def calibration_lines(fitted: Fitted) -> Iterator[str]:
    """Coefficients, limits, every standard given back, and the verdict of the rule."""
    curve, unit = fitted.curve, fitted.standards.unit.value
    low, high = curve.range
    yield f"curve       {_equation(curve)}"
    yield f"            ± {', '.join(f'{one:.4g}' for one in np.sqrt(np.diag(curve.covariance)))}"
    yield f"weight      {curve.weight.value}"
    yield f"scatter     {curve.scatter:.5g} ({curve.degrees_of_freedom} degrees of freedom)"
    yield f"range       {low:g} to {high:g} {unit}{_form(fitted)}"
    source = (
        f"s of {len(fitted.standards.blanks)} blanks" if fitted.standards.blanks else "s at the lowest level"
    )
    yield f"detection   {curve.detection_limit:.4g} {unit} (3.3 s/S, {source})"
    yield f"quantified  {curve.quantification_limit:.4g} {unit} (10 s/S)"
    yield ""
    yield f"{'amount':>12}{'response':>14}{'residual':>14}{'back':>12}{'error':>9}"
    for x, y, back, error in zip(
        curve.amount, curve.response, curve.back_calculated, curve.relative_error, strict=True
    ):
        residual = y - sum(one * x**power for power, one in enumerate(curve.coefficient))
        told = "–" if np.isnan(error) else f"{100 * error:+.1f} %"
        yield f"{x:>12g}{y:>14.6g}{residual:>14.4g}{back:>12.5g}{told:>9}"
    yield ""
    yield from _verdict(fitted)


def amount_lines(name: str, found: WorkedOut, fitted: Fitted) -> Iterator[str]:
    """The amount of a sample, and what its uncertainty is made of."""
    yield f"{name}: {amount_text(found.quantity, 'en')}"
    read, unit = found.read, fitted.standards.unit.value
    place = read.place.value.replace("_", " ")
    yield f"    read from the curve: {read.value:.5g} {unit}, u = {read.standard_uncertainty:.2g}; {place}"
    if found.quantity.kind is not Kind.MEASURED:
        return
    yield f"    coverage factor k = {found.quantity.coverage_factor:.2f} (about 95 %)"
    for part in found.budget:
        if part.share > 0:
            yield f"    {100 * part.share:5.1f} % of the variance: {part.name}"


def addition_lines(found: Amount) -> Iterator[str]:
    """What standard addition gives: value, u, and the interval by Student's t."""
    low, high = found.interval()
    yield f"amount      {found.value:.5g}, u = {found.standard_uncertainty:.2g}"
    yield f"95 %        {low:.5g} to {high:.5g} ({found.degrees_of_freedom} degrees of freedom)"
    if found.place is Place.BELOW_DETECTION:
        yield "The sample alone has no response above zero: nothing was found to add to."


def listed(found: Sequence[CalibrationView]) -> list[str]:
    """One line for each calibration."""
    return [
        f"{one.sha256[:_HASH_SHOWN]}  {one.made_at:%Y-%m-%d}  {one.record.standards.substance}  "
        f"{one.record.standards.technique}  {one.record.standards.method}  "
        f"{'accepted' if one.record.accepted else 'not accepted: ' + ', '.join(one.record.shortcomings)}"
        for one in found
    ]


def _equation(curve: Calibration) -> str:
    return "y = " + " + ".join(
        f"{one:.6g}{power}" for one, power in zip(curve.coefficient, _POWERS, strict=False)
    )


def _form(fitted: Fitted) -> str:
    return f", counted as {fitted.standards.salt}" if fitted.standards.salt else ""


def _verdict(fitted: Fitted) -> Iterator[str]:
    told = fitted.acceptance
    failed = [level for level in told.levels if not level.passes]
    for level in failed:
        yield f"level {level.amount:g}: outside ± {100 * level.tolerance:.0f} % ({_errors(level)})"
    if told.accepted:
        yield f"Accepted by {told.rule.source}."
    else:
        why = ", ".join(one.value.replace("_", " ") for one in told.shortcomings)
        yield f"Not accepted by {told.rule.source}: {why}. No amount may be stated with it."


def _errors(level: Level) -> str:
    return ", ".join(f"{100 * error:+.1f} %" for error in level.relative_errors)

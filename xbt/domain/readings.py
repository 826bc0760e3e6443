"""What somebody read by eye, or typed from an instrument: a colour, a strip, a plate, a retention.

Promises: a reading is what was seen, never what it means; it is checked once, when it is made. Refuses what
cannot have been seen: a spot beyond the front, a strip without a solution, a colour test without a colour.
What readings mean is `xbt.services.meanings`; how that joins the analyses is `xbt.domain.indications`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import isfinite
from unicodedata import category

from xbt.domain.errors import InvalidReading

TEXT = 80  # characters of an eluent, a make, a lot
MOST_SPOTS = 40
MOST_POINTS = 1000  # of a pasted spectrum
_FEWEST_POINTS = 10


class ReadingKind(StrEnum):
    """What was read; the value is stable."""

    COLOUR = "colour"
    STRIP = "strip"
    PLATE = "tlc"
    LIQUID = "hplc_uv"


class Lines(StrEnum):
    """Lines of a strip that shows the target by a missing test line; the value is stable."""

    CONTROL = "control"  # the control line alone: positive
    FAINT = "faint"  # a test line, however faint: negative, and near the limit
    BOTH = "both"  # negative
    NO_CONTROL = "no_control"  # invalid

    @property
    def positive(self) -> bool | None:
        """None for a strip that did not work."""
        return None if self is Lines.NO_CONTROL else self is Lines.CONTROL


@dataclass(frozen=True, slots=True)
class ColourSeen:
    """A colour test.

    Parameters
    ----------
    reagent : code of `library.presumptive.reagents`, or another name as it stands on the bottle.
    colours : values of `library.presumptive.Colour`; more than one where it lies between, or changed.
    seconds : after the reagent touched the sample; None where nobody looked at the clock.
    """

    reagent: str
    colours: tuple[str, ...]
    seconds: float | None = None

    def __post_init__(self) -> None:
        _text("reagent", self.reagent, needed=True)
        if not self.colours:
            raise InvalidReading("no_colour", field="colours")
        if self.seconds is not None and not 0 <= self.seconds <= 86400:
            raise InvalidReading("no_time", field="seconds")


@dataclass(frozen=True, slots=True)
class StripSeen:
    """A test strip: ``milligrams`` of the sample dissolved in ``millilitres``, and the lines seen."""

    strip: str  # code of `library.presumptive.strips`
    lines: Lines
    milligrams: float
    millilitres: float
    make: str = ""  # maker and lot

    def __post_init__(self) -> None:
        _text("strip", self.strip, needed=True)
        _text("make", self.make)
        _above_zero("milligrams", self.milligrams)
        _above_zero("millilitres", self.millilitres)

    @property
    def concentration(self) -> float:
        """µg of sample in 1 mL of the solution."""
        return 1000 * self.milligrams / self.millilitres


@dataclass(frozen=True, slots=True)
class SpotSeen:
    """A spot; ``lane`` is "" for the sample, else the key of the standard run there.

    Parameters
    ----------
    distance : mm from the start.
    colours : by lamp or reagent ("uv254"), "none" where it was looked for and not seen.
    """

    lane: str
    distance: float
    colours: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlateSeen:
    """A thin-layer plate; ``front`` in mm from the start."""

    eluent: str
    front: float
    spots: tuple[SpotSeen, ...]

    def __post_init__(self) -> None:
        _text("eluent", self.eluent, needed=True)
        _above_zero("front", self.front)
        if len(self.spots) > MOST_SPOTS:
            raise InvalidReading("too_many_spots", field="spots", limit=str(MOST_SPOTS))
        for number, spot in enumerate(self.spots, 1):
            if not (isfinite(spot.distance) and 0 <= spot.distance <= self.front):
                raise InvalidReading("beyond_the_front", field=f"distance-{number}", number=str(number))
        standards = [spot.lane for spot in self.spots if spot.lane]
        if not standards:
            raise InvalidReading("no_standard", field="spots")
        twice = next((one for one in standards if standards.count(one) > 1), "")
        if twice:
            raise InvalidReading("standard_twice", field="spots", name=twice)


@dataclass(frozen=True, slots=True)
class LiquidSeen:
    """A peak of a liquid chromatogram beside a standard run the same day.

    Parameters
    ----------
    standard : its key.
    retention, standard_retention : minutes.
    spectrum : (nm, absorbance of the sample, of the standard) at ascending nm; empty where only the time was
        compared.
    """

    method: str
    standard: str
    retention: float
    standard_retention: float
    spectrum: tuple[tuple[float, float, float], ...] = ()

    def __post_init__(self) -> None:
        _text("method", self.method)
        _above_zero("retention", self.retention)
        _above_zero("standard_retention", self.standard_retention)
        if self.spectrum and not _FEWEST_POINTS <= len(self.spectrum) <= MOST_POINTS:
            raise InvalidReading("bad_spectrum", field="spectrum")
        if not all(isfinite(value) for point in self.spectrum for value in point):
            raise InvalidReading("bad_spectrum", field="spectrum")
        if any(one[0] >= next_[0] for one, next_ in zip(self.spectrum, self.spectrum[1:], strict=False)):
            raise InvalidReading("bad_spectrum", field="spectrum")


Seen = ColourSeen | StripSeen | PlateSeen | LiquidSeen
KIND_OF: dict[type, ReadingKind] = {
    ColourSeen: ReadingKind.COLOUR,
    StripSeen: ReadingKind.STRIP,
    PlateSeen: ReadingKind.PLATE,
    LiquidSeen: ReadingKind.LIQUID,
}
TYPE_OF: dict[ReadingKind, type[Seen]] = {kind: type_ for type_, kind in KIND_OF.items()}


def _text(name: str, value: str, *, needed: bool = False) -> None:
    if len(value) > TEXT:
        raise InvalidReading("too_long", field=name, limit=str(TEXT))
    if needed and not value.strip():
        raise InvalidReading("missing", field=name)
    if not value.isprintable() or any(category(sign) == "Cf" for sign in value):
        raise InvalidReading("unprintable", field=name)


def _above_zero(name: str, value: float) -> None:
    if not (isfinite(value) and value > 0):
        raise InvalidReading("not_above_zero", field=name)

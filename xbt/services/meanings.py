"""What readings mean: each by itself for the page, all of a kind together for the evidence and the result.

Promises that nothing is stored: the meaning follows from what was seen and from the published tables as they
are, each statement with its source. Refuses nothing; what no table knows is told as not on record.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from library.presumptive import (
    Colour,
    Performance,
    Says,
    Strip,
    StripAnswer,
    colours_mean,
    reactions,
    strip_means,
    strips,
)
from library.substances import load_substances
from spectra.chromatography import tlc
from spectra.similarity import ultraviolet
from xbt.domain.findings import ReadingTold
from xbt.domain.indications import Indication, Named
from xbt.domain.readings import ColourSeen, LiquidSeen, PlateSeen, Seen, StripSeen

Read = Sequence[tuple[int, Seen]]  # readings that count, by id


@dataclass(frozen=True, slots=True)
class ColourMeaning:
    """One colour test: what it fits by publication, and where that was published."""

    fits: tuple[Named, ...]
    sources: tuple[str, ...]
    on_record: bool  # the reagent has published colours at all


@dataclass(frozen=True, slots=True)
class StripMeaning:
    """One strip.

    Parameters
    ----------
    positive : None where it did not work.
    also : what else is known to make it positive at this concentration.
    missed : what strips of this kind were shown not to detect.
    limit : 0..1 by weight, below which it shows nothing even of what it is best at; None if no study tells.
    """

    positive: bool | None
    near_limit: bool
    target: tuple[Named, ...]
    also: tuple[Named, ...]
    missed: tuple[Named, ...]
    limit: float | None
    tested: str
    performance: Performance | None
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StandardRow:
    """A standard beside the sample on one plate; ``sample_rf`` None where no spot lies near."""

    standard: Named
    rf: float
    sample_rf: float | None
    relative: float | None  # Rf of the sample's spot over that of the standard
    same: tuple[str, ...]
    other: tuple[str, ...]
    agrees: bool


@dataclass(frozen=True, slots=True)
class PlateMeaning:
    """One plate: every standard, the Rf of spots nothing explains, and whether its standards are apart."""

    rows: tuple[StandardRow, ...]
    unexplained: tuple[float, ...]
    resolved: bool
    tolerance: float


@dataclass(frozen=True, slots=True)
class LiquidMeaning:
    """A peak beside its standard; ``spectrum`` None where none was given."""

    standard: Named
    deviation: float  # relative, of the retention
    allowed: float
    retention_agrees: bool
    spectrum: ultraviolet.UvComparison | None

    @property
    def agrees(self) -> bool:
        """Whether all that was compared is the same."""
        return self.retention_agrees and (self.spectrum is None or self.spectrum.same)


Meaning = ColourMeaning | StripMeaning | PlateMeaning | LiquidMeaning


def meaning_of(seen: Seen) -> Meaning:
    """What one reading says by itself."""
    if isinstance(seen, ColourSeen):
        return _colour(seen)
    if isinstance(seen, StripSeen):
        return _strip(seen)
    return _plate(seen) if isinstance(seen, PlateSeen) else _liquid(seen)


def indications(read: Read) -> tuple[Indication, ...]:
    """What the readings of each kind say together: plates, liquid chromatograms, colours, each strip."""
    made: list[Indication] = []
    if plates := [(number, seen) for number, seen in read if isinstance(seen, PlateSeen)]:
        made.append(_plates(plates))
    if peaks := [(number, seen) for number, seen in read if isinstance(seen, LiquidSeen)]:
        made.append(_peaks(peaks))
    if colours := [(number, seen) for number, seen in read if isinstance(seen, ColourSeen)]:
        made.append(_colours(colours))
    made += [_dipped(number, seen) for number, seen in read if isinstance(seen, StripSeen)]
    return tuple(made)


def told(read: Read) -> tuple[ReadingTold, ...]:
    """What a result says of the colours and strips; a strip that did not work is not told."""
    colours = [(number, seen) for number, seen in read if isinstance(seen, ColourSeen)]
    dipped = [seen for _, seen in read if isinstance(seen, StripSeen) and seen.lines.positive is not None]
    return (*_colours_told(colours), *(_strip_told(seen) for seen in dipped))


def named(keys: Iterable[str]) -> tuple[Named, ...]:
    """Each substance of the table under the key that findings have for it, with its English name."""
    found = (load_substances().by_key(key) or load_substances().by_inchikey(key) for key in keys)
    return tuple(Named((one.inchikey or one.key,), (one.name_en,)) for one in found if one is not None)


def _keys(keys: Iterable[str]) -> tuple[str, ...]:
    return tuple(one.substances[0] for one in named(keys))


def _group(keys: Iterable[str]) -> tuple[Named, ...]:
    """One sighting of all the substances, none where there are none."""
    every = named(keys)
    if not every:
        return ()
    return (Named(tuple(one.substances[0] for one in every), tuple(one.names[0] for one in every)),)


def _colour(seen: ColourSeen) -> ColourMeaning:
    answer = colours_mean({seen.reagent: map(Colour, seen.colours)})
    fitting = set(answer.fitting)
    sources = dict.fromkeys(
        one.source for one in reactions() if one.reagent == seen.reagent and one.substance in fitting
    )
    return ColourMeaning(named(answer.fitting), tuple(sources), not answer.unknown_reagents)


def _by_reagent(read: Sequence[tuple[int, ColourSeen]]) -> dict[str, set[Colour]]:
    seen: dict[str, set[Colour]] = {}
    for _, one in read:
        seen.setdefault(one.reagent, set()).update(map(Colour, one.colours))
    return dict(sorted(seen.items()))


def _colours(read: Sequence[tuple[int, ColourSeen]]) -> Indication:
    reagents = _by_reagent(read)
    answer = colours_mean(reagents)
    return Indication(
        readings=tuple(number for number, _ in read),
        techniques=("colour",),
        sightings=_group((*answer.fitting, *answer.partly)),
        otherwise=frozenset(_keys(answer.contradicted)),
        why_not="no_colour_known",
        what=tuple(reagents),
    )


def _colours_told(read: Sequence[tuple[int, ColourSeen]]) -> Iterator[ReadingTold]:
    if read:
        reagents = _by_reagent(read)
        answer = colours_mean(reagents)
        yield ReadingTold(
            technique="colour",
            what=tuple(reagents),
            substances=_keys(answer.fitting),
            colours=tuple(tuple(sorted(one.value for one in seen)) for seen in reagents.values()),
            also=_keys(answer.partly),
        )


def _answer(seen: StripSeen) -> StripAnswer:
    return strip_means(seen.strip, positive=seen.lines.positive is True, concentration=seen.concentration)


def _limits(strip: Strip, seen: StripSeen) -> dict[str, float]:
    """Share of the sample (0..1) from which a study saw each substance on such a strip, by its slug."""
    shown = [one for one in strip.statements if one.says is Says.DETECTS and one.concentration > 0]
    limits = {key: one.concentration / seen.concentration for one in shown for key in one.substances}
    return {key: limit for key, limit in limits.items() if limit < 1}


def _strip(seen: StripSeen) -> StripMeaning:
    strip, answer = strips()[seen.strip], _answer(seen)
    limits = _limits(strip, seen)
    return StripMeaning(
        positive=seen.lines.positive,
        near_limit=seen.lines.value == "faint",
        target=named(answer.target or answer.not_excluded),
        also=named(answer.also_possible),
        missed=named(strip.substances(Says.MISSES)),
        limit=min(limits.values(), default=None),
        tested=strip.tested,
        performance=strip.performance,
        sources=tuple(dict.fromkeys(one.source for one in strip.statements)),
    )


def _dipped(number: int, seen: StripSeen) -> Indication:
    strip, answer = strips()[seen.strip], _answer(seen)
    base = Indication(readings=(number,), techniques=("strip",), what=(seen.strip,), why_not="not_target")
    blind = dict.fromkeys(_keys(strip.substances(Says.MISSES)), "strip_blind")
    if seen.lines.positive is None:
        return Indication(base.readings, base.techniques, what=base.what, why_not="invalid")
    if seen.lines.positive:
        also = _keys(answer.also_possible)
        return Indication(
            base.readings,
            base.techniques,
            sightings=_group(answer.target),
            also_from=frozenset(also),
            why=dict.fromkeys(also, "cross_reacts") | blind,
            why_not=base.why_not,
            what=base.what,
        )
    limits = {_keys([key])[0]: limit for key, limit in _limits(strip, seen).items()}
    return Indication(
        base.readings,
        base.techniques,
        elsewhere=frozenset(limits),
        limits=limits,
        why=dict.fromkeys(_keys(answer.not_excluded), "strip_unproven") | blind,
        why_not=base.why_not,
        what=base.what,
    )


def _strip_told(seen: StripSeen) -> ReadingTold:
    meaning = _strip(seen)
    return ReadingTold(
        technique="strip",
        what=(seen.strip,),
        positive=meaning.positive,
        substances=tuple(one.substances[0] for one in meaning.target),
        also=tuple(one.substances[0] for one in meaning.also),
        missed=tuple(one.substances[0] for one in meaning.missed),
        limit=None if meaning.positive else meaning.limit,
        near_limit=meaning.near_limit,
    )


def _as_plate(seen: PlateSeen) -> tlc.Plate:
    """The plate as the calculation has it, Rf in place of millimetres."""
    standards: dict[str, tuple[tlc.Spot, ...]] = {}
    sample: list[tlc.Spot] = []
    for one in seen.spots:
        spot = tlc.Spot(one.distance / seen.front, one.colours)
        if one.lane:
            standards[one.lane] = (*standards.get(one.lane, ()), spot)
        else:
            sample.append(spot)
    return tlc.Plate(seen.eluent, tuple(sample), standards)


def _plate(seen: PlateSeen) -> PlateMeaning:
    plate = _as_plate(seen)
    matches = tlc.match([plate])
    (left,) = tlc.unexplained([plate], matches).values()
    return PlateMeaning(
        rows=tuple(_standard_row(plate, one) for one in matches),
        unexplained=tuple(plate.sample[i].rf for i in left),
        resolved=tlc.resolved(plate),
        tolerance=tlc.TOLERANCE,
    )


def _standard_row(plate: tlc.Plate, match: tlc.Match) -> StandardRow:
    (one,) = match.plates
    rf = plate.standards[match.name][0].rf
    near = None if one.spot is None else plate.sample[one.spot].rf
    return StandardRow(
        standard=_standard(match.name),
        rf=rf,
        sample_rf=near,
        relative=None if near is None or rf <= 0 else near / rf,
        same=one.same,
        other=one.other,
        agrees=one.agrees,
    )


def _standard(key: str) -> Named:
    return next(iter(named([key])), Named((key,), (key,)))


def _plates(read: Sequence[tuple[int, PlateSeen]]) -> Indication:
    matches = tlc.match([_as_plate(seen) for _, seen in read])
    agreeing = dict.fromkeys(tuple(sorted((one.name, *one.alike))) for one in matches if one.agrees)
    failing = [one for one in matches if not one.agrees]
    other = {one.name for one in failing if any(plate.other for plate in one.plates)}
    return Indication(
        readings=tuple(number for number, _ in read),
        techniques=("tlc",),
        sightings=tuple(group for keys in agreeing for group in _group(keys)),
        otherwise=frozenset(other),
        elsewhere=frozenset(one.name for one in failing) - other,
        what=tuple(dict.fromkeys(seen.eluent for _, seen in read)),
    )


def _liquid(seen: LiquidSeen) -> LiquidMeaning:
    spectrum = None
    if seen.spectrum:
        wavelength, sample, standard = zip(*seen.spectrum, strict=True)
        spectrum = ultraviolet.compare(wavelength, sample, wavelength, standard)
    return LiquidMeaning(
        standard=_standard(seen.standard),
        deviation=seen.retention / seen.standard_retention - 1,
        allowed=ultraviolet.RETENTION,
        retention_agrees=ultraviolet.retention_agrees(seen.retention, seen.standard_retention),
        spectrum=spectrum,
    )


def _peaks(read: Sequence[tuple[int, LiquidSeen]]) -> Indication:
    """All peaks together: a standard that one peak agrees with is there, whatever the others do."""
    told = {number: _liquid(seen) for number, seen in read}
    agreeing = {one.standard.substances[0]: one for one in told.values() if one.agrees}
    failing = {one.standard.substances[0]: one for one in told.values() if not one.agrees}
    left = {key: one for key, one in failing.items() if key not in agreeing}
    other = frozenset(key for key, one in left.items() if one.retention_agrees)
    with_spectrum = bool(agreeing) and all(one.spectrum for one in agreeing.values())
    return Indication(
        readings=tuple(number for number, _ in read),
        techniques=("lc", "uv") if with_spectrum else ("lc",),
        sightings=tuple(one.standard for one in agreeing.values()),
        otherwise=other,
        elsewhere=frozenset(left) - other,
        what=tuple(dict.fromkeys(seen.method for _, seen in read if seen.method)),
    )

"""One question for spectra of every kind: which references they resemble, and what may be said.

Promises: each query is searched as the kind its record tells, over all releases at once; the best candidate
carries the decision. A probability is given only where the kind of spectrum is calibrated
(docs/identification.md); later candidates share, by score, what the first and "not in the library" leave.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from library.answer import Decision
from library.families import FamilyHint
from library.product_ions import chances_of, relatives
from library.record import OpticalRecord, Record, SpectrumKind
from library.release import Reference, Release
from library.search import ei, in_source, msms, optical
from library.statement import THRESHOLDS, Evidence, decide
from library.whole import COMPARED, Statement, state
from spectra.errors import InvalidMeasurement
from spectra.model import spectrum_from_peaks
from spectra.optical.sampling import sampling_of

Query = Record | OpticalRecord

GENTLE_V = 30.0  # what an in-source spectrum without a voltage is taken for: most keep the molecule whole
INSEPARABLE_CURVES = 30.0  # of 1000: what two instruments make of one material differs by more
SHARE_SCALE = 30.0  # of 1000: a candidate so much lower gets 1/e of the share


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One candidate.

    Parameters
    ----------
    score : 0..1000, what its search ranks by. match_factor : 0..1000, how alike the two spectra are.
    probability : 0..1 that it is the substance; None where the kind of spectrum is not calibrated.
    group : it, and what it cannot be told from.
    """

    reference: Reference
    score: float
    match_factor: float
    reverse_match_factor: float | None = None
    probability: float | None = None
    group: tuple[Reference, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What the libraries say of one query, which may be several records (voltages of one sample).

    Parameters
    ----------
    queries : places of its records among those asked.
    note : why it could not be compared, or not judged; "" where it was.
    """

    queries: tuple[int, ...]
    decision: Decision
    rows: tuple[Row, ...] = ()
    family: FamilyHint | None = None
    note: str = ""


def ask(releases: Sequence[Release], queries: Sequence[Query], *, top: int = 10) -> list[Answer]:
    """The answer to each query, in the order of their first records; at most ``top`` rows each.

    In-source spectra of one name are voltages of one sample. A query that cannot be compared says why in
    ``note``.
    """
    return [_answer(releases, queries, places, top) for places in _samples(queries)]


def _samples(queries: Sequence[Query]) -> list[tuple[int, ...]]:
    """The places of the records that are one query, in order."""
    samples: dict[object, list[int]] = {}
    for place, query in enumerate(queries):
        one = query.name if query.kind is SpectrumKind.IN_SOURCE else place
        samples.setdefault(one, []).append(place)
    return [tuple(places) for places in samples.values()]


def _answer(
    releases: Sequence[Release], queries: Sequence[Query], places: tuple[int, ...], top: int
) -> Answer:
    first = queries[places[0]]
    try:
        if isinstance(first, OpticalRecord):
            return replace(_of_curve(releases, first, top), queries=places)
        records = [query for query in (queries[k] for k in places) if isinstance(query, Record)]
        return replace(_OF_MASSES[first.kind](releases, records, top), queries=places)
    except InvalidMeasurement as error:
        return Answer(places, Decision.UNKNOWN, note=str(error))


def _of_whole(releases: Sequence[Release], records: Sequence[Record], top: int) -> Answer:
    (record,) = records
    spectrum = spectrum_from_peaks(record.mz, record.intensity)
    (hits,) = ei.search(releases, [spectrum], top=max(top, COMPARED), mz_low=record.mz_low)
    (query,) = ei.unit_spectra([spectrum], record.mz_low)
    said = state(query, hits, releases, shown=top, least=0.0)
    return Answer((), said.decision, _whole_rows(said), said.family, _too_few(len(query.mass)))


def _too_few(ions: int) -> str:
    least = THRESHOLDS[SpectrumKind.EI].least_ions
    return "" if ions >= least else f"not enough to say: {ions} of the {least} ions that a name takes"


def _whole_rows(said: Statement) -> tuple[Row, ...]:
    rows = [
        Row(hit.reference, hit.score, hit.match_factor, hit.reverse_match_factor, group=group)
        for hit, group in zip(said.hits, said.groups, strict=True)
    ]
    if said.chances is None:
        return tuple(rows)
    return _shared(rows, said.chances.compound, said.chances.absent)


def _shared(rows: Sequence[Row], first: float, absent: float) -> tuple[Row, ...]:
    """The first candidate's probability as calibrated; the others share the rest by e^(score / scale)."""
    score = np.array([row.score for row in rows[1:]])
    weight = np.exp((score - score.max(initial=0.0)) / SHARE_SCALE)
    rest = max(0.0, 1.0 - first - absent) * weight / (weight.sum() or 1.0)
    chance = [first, *np.minimum(rest, first).tolist()]
    return tuple(replace(row, probability=p) for row, p in zip(rows, chance, strict=True))


def _of_product_ions(releases: Sequence[Release], records: Sequence[Record], top: int) -> Answer:
    (record,) = records
    rule = THRESHOLDS[SpectrumKind.MSMS]
    spectrum = spectrum_from_peaks(record.mz, record.intensity)
    query = msms.Query(spectrum, record.precursor_mz, record.polarity, record.mz_low)
    mode = msms.Mode.OPEN if record.precursor_mz is None else msms.Mode.IDENTITY
    (hits,) = msms.search(releases, [query], mode=mode, top=max(top, COMPARED))
    group = tuple(hit.reference for hit in msms.indistinguishable(hits))
    ranked = [(hit.reference, min(hit.score + hit.support, 1000.0), hit.score) for hit in hits[:top]]
    sure = chances_of(query, hits, releases, len(group), rule.unknowns)
    rows = _rows(ranked, group)
    if sure is not None:
        rows = _shared(rows, sure.compound, sure.absent)
    best = hits[0] if hits else None
    found = Evidence(best.score if best else 0.0, best.matched_ions if best else 0, len(group), sure, False)
    decision = decide(found, rule)
    if decision is not Decision.UNKNOWN:
        return Answer((), decision, rows)
    family = relatives(releases, query)
    return Answer((), Decision.FAMILY if family else Decision.UNKNOWN, rows, family)


def _rows(ranked: Sequence[tuple[Reference, float, float]], group: tuple[Reference, ...]) -> tuple[Row, ...]:
    """Candidates as (reference, score, match factor), the first with its group."""
    return tuple(
        Row(reference, score, match, group=(reference,) if rank else group)
        for rank, (reference, score, match) in enumerate(ranked)
    )


def _of_in_source(releases: Sequence[Release], records: Sequence[Record], top: int) -> Answer:
    levels = {
        GENTLE_V if one.energy_ev is None else one.energy_ev: spectrum_from_peaks(one.mz, one.intensity)
        for one in records
    }
    (hits,) = in_source.search(releases, [levels], top=top)
    rows = tuple(Row(hit.reference, hit.score, 1000 * hit.index2, group=hit.group) for hit in hits)
    rule = THRESHOLDS[SpectrumKind.IN_SOURCE]
    best = hits[0] if hits else None
    ions = sum(level.matched for level in best.levels.values()) if best else 0
    found = Evidence(best.score if best else 0.0, ions, len(best.group) if best else 0, None, family=False)
    return Answer((), decide(found, rule), rows)


def _of_curve(releases: Sequence[Release], query: OpticalRecord, top: int) -> Answer:
    rule = THRESHOLDS[query.kind]
    way = sampling_of((query.comments, query.instrument))
    (hits,) = optical.search(releases, [query.spectrum], kind=query.kind, top=top, sampling=[way])
    group = tuple(hit.reference for hit in hits if hit.score >= hits[0].score - INSEPARABLE_CURVES)
    found = Evidence(hits[0].score if hits else 0.0, rule.least_ions, len(group), None, family=False)
    return Answer(
        (), decide(found, rule), _rows([(h.reference, h.score, h.correlation) for h in hits], group)
    )


_OF_MASSES: Mapping[SpectrumKind, Callable[[Sequence[Release], Sequence[Record], int], Answer]] = {
    SpectrumKind.EI: _of_whole,
    SpectrumKind.MSMS: _of_product_ions,
    SpectrumKind.IN_SOURCE: _of_in_source,
}

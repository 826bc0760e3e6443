"""What one released result may set off: pure rules on values, with no database and no clock.

Promises: the same sample, history and tables give the same triggers, whatever the order of the findings;
nothing is published here, a trigger is a reason for a person to look. A group of isomers is treated as
"one of these": it never counts as missing what the product was sold as if that is a member, and a
watch-listed member gives a trigger whose certainty is one step lower.

Refuses to guess: where the words the product was sold under are not understood, nothing is a mismatch.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from alerts.tables import Severity, Tables, WatchEntry, WhenExpected
from xbt.domain.findings import Amount, Certainty


class Rule(StrEnum):
    """Why a result is worth a look; the earlier absorbs the later when both speak of the same substances."""

    WATCH_LIST = "watch_list"
    MISMATCH = "sold_as_mismatch"  # sold as A; A was not found, something active was
    ADULTERATION = "adulteration"  # sold as A; A was found, and something active that does not belong
    FIRST_EVER = "first_ever"


class Likelihood(StrEnum):
    """How sure the chemistry is (the words of the Common Alerting Protocol)."""

    POSSIBLE = "possible"
    LIKELY = "likely"
    OBSERVED = "observed"

    @property
    def rank(self) -> int:
        """0 for possible … 2 for observed."""
        return list(Likelihood).index(self)


LIKELIHOOD = {
    Certainty.PRESUMPTIVE: Likelihood.POSSIBLE,
    Certainty.IDENTIFIED: Likelihood.LIKELY,
    Certainty.CONFIRMED: Likelihood.OBSERVED,
}


@dataclass(frozen=True, slots=True, order=True)
class Member:
    """A substance as the rules see it; class and family are "" if the substance list does not know it."""

    key: str
    name: str
    cls: str
    family: str


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """One finding: a substance, or the isomers of which it is one."""

    members: tuple[Member, ...]
    amount: Amount
    certainty: Certainty

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(member.key for member in self.members)

    @property
    def likelihood(self) -> Likelihood:
        """From the technique, one step lower for "one of these"."""
        by_method = LIKELIHOOD[self.certainty]
        return by_method if len(self.members) == 1 else list(Likelihood)[max(by_method.rank - 1, 0)]


@dataclass(frozen=True, slots=True)
class ReleasedSample:
    """A released result as the rules see it: nothing that points to a person, a site or a reference.

    ``expected`` are the substances that the words of sale stand for, ``expected_kinds`` the classes or
    families ("benzo", "synthetic_cannabinoid"); both empty where the words were not understood. ``searched``
    is false where only readings (strips, plates) were made: what they do not name may well be there.
    """

    sample_id: int
    result_id: int
    version: int
    released_at: datetime
    region: str
    sold_as: str  # the code; the words themselves stay with the sample
    found: tuple[Found, ...]
    expected: tuple[Member, ...] = ()
    expected_kinds: frozenset[str] = frozenset()
    adverse_event: bool = False
    simulated: bool = False
    searched: bool = True


@dataclass(frozen=True, slots=True)
class Sighting:
    """A finding of an earlier released result."""

    substances: frozenset[str]
    region: str
    at: datetime
    sample_id: int


@dataclass(frozen=True, slots=True)
class History:
    """What the network has released; may hold more than concerns the sample asked about."""

    sightings: tuple[Sighting, ...] = ()

    def before(self, sample: ReleasedSample) -> tuple[Sighting, ...]:
        """Sightings in other samples, released before this one."""
        return tuple(
            sighting
            for sighting in self.sightings
            if sighting.sample_id != sample.sample_id and sighting.at < sample.released_at
        )


@dataclass(frozen=True, slots=True)
class Trigger:
    """A reason to look at a result. ``because`` holds codes and values, never sentences."""

    rule: Rule
    severity: Severity
    certainty: Likelihood
    found: tuple[Found, ...]
    because: tuple[tuple[str, str], ...]
    also: tuple[Rule, ...] = ()

    @property
    def substances(self) -> tuple[str, ...]:
        """One entry per finding, members of a group joined by "|"; sorted."""
        return tuple(sorted("|".join(sorted(found.keys)) for found in self.found))


def evaluate(sample: ReleasedSample, history: History, tables: Tables) -> tuple[Trigger, ...]:
    """Every trigger of a released result, the most severe first; one for the same substances."""
    triggers = (
        *watch_list(sample, tables),
        *sold_as(sample, tables),
        *first_ever(sample, history, tables),
    )
    return tuple(sorted(_absorb(triggers), key=lambda trigger: -trigger.severity.rank))


def watch_list(sample: ReleasedSample, tables: Tables) -> tuple[Trigger, ...]:
    """One trigger for each line of the watch list that a finding, or one member of it, stands on."""
    by_entry: dict[str, tuple[WatchEntry, list[Found]]] = {}
    for found in sorted(_not_companions(sample, tables)):
        entry = _entry_of(found, tables)
        if entry is not None and not _is_silent(entry, found, sample, tables):
            by_entry.setdefault(entry.code, (entry, []))[1].append(found)
    return tuple(_watch_trigger(entry, found, sample, tables) for entry, found in by_entry.values())


def sold_as(sample: ReleasedSample, tables: Tables) -> tuple[Trigger, ...]:
    """A trigger if the product holds an active substance that does not belong in what it was sold as.

    Watch-listed substances are left to their own rule, which says the same with more weight.
    """
    if not sample.expected and not sample.expected_kinds:
        return ()
    unexpected = tuple(
        found
        for found in sorted(_not_companions(sample, tables))
        if not _fits(found, sample, tables) and _is_active(found, tables) and _entry_of(found, tables) is None
    )
    if not unexpected:
        return ()
    rule = Rule.MISMATCH if _absent(sample, tables) else Rule.ADULTERATION
    weights = [(_weight(found, sample, tables), found.likelihood) for found in unexpected]
    severity, certainty = max(weights, key=lambda pair: (pair[0].rank, pair[1].rank))
    return (_trigger(rule, severity, certainty, unexpected, sample),)


def first_ever(sample: ReleasedSample, history: History, tables: Tables) -> tuple[Trigger, ...]:
    """A trigger for each finding the network has not released before.

    A group counts as seen if any member was, alone or in a group; a single substance only if it was seen
    alone: "possibly seen" is said, not assumed. Long-established substances, cutting agents and breakdown
    products are left out: their first record says something about the network's age.
    """
    earlier = history.before(sample)
    return tuple(
        _first_ever_trigger(found, sample, earlier, tables)
        for found in noteworthy(sample, tables)
        if not _was_seen(found, earlier)
    )


def noteworthy(sample: ReleasedSample, tables: Tables) -> tuple[Found, ...]:
    """Findings whose first time in the network would be news: the only ones history is asked about."""
    return tuple(found for found in sorted(set(sample.found)) if not _is_ordinary(found, tables))


def _absorb(triggers: Iterable[Trigger]) -> list[Trigger]:
    kept: list[Trigger] = []
    for trigger in sorted(triggers, key=lambda trigger: list(Rule).index(trigger.rule)):
        index = next((i for i, k in enumerate(kept) if set(trigger.found) <= set(k.found)), None)
        if index is None:
            kept.append(trigger)
        else:
            kept[index] = _joined(kept[index], trigger)
    return kept


def _joined(stronger: Trigger, weaker: Trigger) -> Trigger:
    return replace(
        stronger,
        severity=max(stronger.severity, weaker.severity, key=lambda severity: severity.rank),
        because=tuple(sorted({*stronger.because, *weaker.because})),
        also=tuple(sorted({*stronger.also, weaker.rule})),
    )


def _not_companions(sample: ReleasedSample, tables: Tables) -> list[Found]:
    """Findings without those that merely come along with another finding (morphine beside heroin)."""
    return [
        found
        for found in set(sample.found)
        if not any(
            found.keys & tables.products[key].companions
            for other in sample.found
            if other != found
            for key in other.keys & tables.products.keys()
        )
    ]


def _entry_of(found: Found, tables: Tables) -> WatchEntry | None:
    entries = {tables.watched(member.key, member.family, member.name) for member in found.members} - {None}
    return next((entry for entry in tables.watch_list if entry in entries), None)


def _is_silent(entry: WatchEntry, found: Found, sample: ReleasedSample, tables: Tables) -> bool:
    if entry.ignore_trace and found.amount is Amount.TRACE:
        return True
    return entry.when_expected is WhenExpected.SILENT and _is_kind(entry, found, sample, tables)


def _is_kind(entry: WatchEntry, found: Found, sample: ReleasedSample, tables: Tables) -> bool:
    return (
        _fits(found, sample, tables)
        or bool(entry.families & sample.expected_kinds)
        or any(entry.covers(member.key, member.family, member.name) for member in sample.expected)
    )


def _watch_trigger(entry: WatchEntry, found: list[Found], sample: ReleasedSample, tables: Tables) -> Trigger:
    keys = _expected_keys(sample, tables)
    expected = all(one.keys & keys for one in found) or bool(entry.families & sample.expected_kinds)
    severity = entry.severity.lowered() if expected else entry.severity
    certainty = max((one.likelihood for one in found), key=lambda likelihood: likelihood.rank)
    because = {"entry": entry.code, "advice": entry.advice}
    if (sample.expected or sample.expected_kinds) and _absent(sample, tables):
        because["sold_as_absent"] = "yes"
    return _trigger(Rule.WATCH_LIST, severity, certainty, tuple(found), sample, **because)


def _expected_keys(sample: ReleasedSample, tables: Tables) -> frozenset[str]:
    keys = {member.key for member in sample.expected}
    return frozenset(keys.union(*(tables.products[key].seen_as for key in keys if key in tables.products)))


def _is_expected(found: Found, sample: ReleasedSample, tables: Tables) -> bool:
    return bool(found.keys & _expected_keys(sample, tables)) or any(
        {member.cls, member.family} & sample.expected_kinds for member in found.members
    )


def _fits(found: Found, sample: ReleasedSample, tables: Tables) -> bool:
    companions = (tables.products[m.key].companions for m in sample.expected if m.key in tables.products)
    return _is_expected(found, sample, tables) or any(found.keys & keys for keys in companions)


def _absent(sample: ReleasedSample, tables: Tables) -> bool:
    return sample.searched and not any(_is_expected(found, sample, tables) for found in sample.found)


def _is_active(found: Found, tables: Tables) -> bool:
    """Whether a member is a listed substance with an effect; what the list does not know is not judged."""
    return any(
        member.cls and member.cls not in tables.inactive_classes and member.key not in tables.inactive
        for member in found.members
    )


def _weight(found: Found, sample: ReleasedSample, tables: Tables) -> Severity:
    classes = {member.cls for member in found.members} & tables.warning_classes
    opioid_sold = sample.expected_kinds | {member.cls for member in sample.expected}
    severity = Severity.WARNING if classes and not opioid_sold & tables.warning_classes else Severity.CAUTION
    return severity.lowered() if found.amount is Amount.TRACE else severity


def _is_ordinary(found: Found, tables: Tables) -> bool:
    return any(
        member.key in tables.established | tables.inactive or member.cls in tables.inactive_classes
        for member in found.members
    )


def _was_seen(found: Found, earlier: Iterable[Sighting]) -> bool:
    if len(found.members) > 1:
        return any(found.keys & sighting.substances for sighting in earlier)
    return any(found.keys == sighting.substances for sighting in earlier)


def _first_ever_trigger(
    found: Found, sample: ReleasedSample, earlier: Iterable[Sighting], tables: Tables
) -> Trigger:
    known = _is_active(found, tables) and not _fits(found, sample, tables)
    severity = Severity.CAUTION if known else Severity.INFORMATION
    severity = severity.lowered() if found.amount is Amount.TRACE else severity
    because = {"first_in": "network"}
    if any(found.keys & sighting.substances for sighting in earlier):
        because["possibly_seen"] = "in_group"
    return _trigger(Rule.FIRST_EVER, severity, found.likelihood, (found,), sample, **because)


def _trigger(
    rule: Rule,
    severity: Severity,
    certainty: Likelihood,
    found: tuple[Found, ...],
    sample: ReleasedSample,
    **because: str,
) -> Trigger:
    if sample.sold_as:
        because["sold_as"] = sample.sold_as
    if any(len(one.members) > 1 for one in found):
        because["one_of"] = "yes"
    if sample.adverse_event:
        because["adverse_event"] = "yes"
        severity = severity.raised()
    return Trigger(rule, severity, certainty, found, tuple(sorted(because.items())))

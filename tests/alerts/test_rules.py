from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.rules import (
    Found,
    History,
    Likelihood,
    Member,
    ReleasedSample,
    Rule,
    Sighting,
    Trigger,
    evaluate,
    first_ever,
    sold_as,
    watch_list,
)
from alerts.tables import Severity, load_tables
from xbt.domain.findings import Amount, Certainty

CLASSES = {
    "heroin": "opioid", "morphine": "opioid", "6-monoacetylmorphine": "opioid", "noscapine": "opioid",
    "fentanyl": "opioid", "4-anpp": "opioid", "oxycodone": "opioid", "tramadol": "opioid",
    "metonitazene": "nitazene", "xylazine": "sedative", "pmma": "empathogen", "mdma": "empathogen",
    "cocaine": "stimulant", "amphetamine": "stimulant", "atropine": "psychedelic", "lsd": "psychedelic",
    "psilocybin": "psychedelic", "psilocin": "psychedelic", "25i-nbome": "psychedelic",
    "diazepam": "benzo", "bromazolam": "benzo", "etizolam": "benzo", "ketamine": "dissociative",
    "3-mmc": "cathinone", "4-mmc": "cathinone", "2-mmc": "cathinone",
    "caffeine": "cut", "paracetamol": "cut", "thc": "cannabinoid", "cbn": "cannabinoid",
    "mdmb-4en-pinaca": "cannabinoid", "adb-butinaca": "cannabinoid",
}  # fmt: skip
FAMILIES = {
    "fentanyl": "fentanyl", "4-anpp": "fentanyl", "pmma": "paramethoxy", "25i-nbome": "nbome",
    "atropine": "tropane_anticholinergic", "xylazine": "alpha2",
    "mdmb-4en-pinaca": "synthetic_cannabinoid", "adb-butinaca": "synthetic_cannabinoid",
}  # fmt: skip
START = datetime(2026, 11, 2, 9, tzinfo=UTC)


def member(name: str) -> Member:
    cls = CLASSES.get(name, "")
    return Member(name, name, cls, FAMILIES.get(name, cls))


def found(text: str, amount: Amount = Amount.MAIN, certainty: Certainty = Certainty.CONFIRMED) -> Found:
    """``"3-mmc|4-mmc"`` is one of the two."""
    return Found(tuple(member(name) for name in text.split("|")), amount, certainty)


def sample(
    sold_as: str,
    *findings: Found | str,
    number: int = 1,
    day: int = 0,
    kinds: frozenset[str] = frozenset(),
    adverse_event: bool = False,
) -> ReleasedSample:
    return ReleasedSample(
        sample_id=number,
        result_id=number,
        version=1,
        released_at=START + timedelta(days=day),
        region="Occitanie",
        sold_as=sold_as,
        found=tuple(found(one) if isinstance(one, str) else one for one in findings),
        expected=(member(sold_as),) if sold_as and not kinds else (),
        expected_kinds=kinds,
        adverse_event=adverse_event,
    )


TABLES = load_tables(lambda _: None)
SEEN_ALL = History(
    tuple(
        Sighting(frozenset({name}), "Bretagne", START - timedelta(days=30), 1000 + number)
        for number, name in enumerate(CLASSES)
    )
)
W, C, I = Severity.WARNING, Severity.CAUTION, Severity.INFORMATION  # noqa: E741


def told(triggers: tuple[Trigger, ...]) -> list[tuple[str, Severity, tuple[str, ...]]]:
    return [(trigger.rule.value, trigger.severity, trigger.substances) for trigger in triggers]


TRACE_XYLAZINE = found("xylazine", Amount.TRACE)
STORIES: list[tuple[str, ReleasedSample, list[tuple[str, Severity, tuple[str, ...]]]]] = [
    ("as sold", sample("cocaine", "cocaine"), []),
    ("cut as usual", sample("cocaine", "cocaine", "caffeine"), []),
    ("only cut", sample("cocaine", "caffeine", "paracetamol"), []),
    ("honest heroin", sample("heroin", "heroin", "6-monoacetylmorphine", "noscapine", "morphine"), []),
    ("heroin gone stale", sample("heroin", "6-monoacetylmorphine", "morphine"), []),
    ("mushrooms in a hot injector", sample("psilocybin", "psilocin"), []),
    ("isomers that include what was sold", sample("3-mmc", "3-mmc|4-mmc"), []),
    ("nothing known of the sale", sample("", "cocaine"), []),
    ("a kind was sold", sample("benzodiazepine", "bromazolam", kinds=frozenset({"benzo"})), []),
    ("spice as spice", sample("spice", "mdmb-4en-pinaca", kinds=frozenset({"synthetic_cannabinoid"})), []),
    ("one spice for another", sample("adb-butinaca", "mdmb-4en-pinaca"), []),
    ("a trace of a precursor", sample("heroin", "heroin", found("4-anpp", Amount.TRACE)), []),
    (
        "fake oxycodone",
        sample("oxycodone", "metonitazene", "caffeine"),
        [("watch_list", W, ("metonitazene",))],
    ),
    ("trace of a sedative", sample("heroin", "heroin", TRACE_XYLAZINE), [("watch_list", W, ("xylazine",))]),
    ("not said, still watched", sample("", "fentanyl"), [("watch_list", W, ("fentanyl",))]),
    ("fentanyl as fentanyl", sample("fentanyl", "fentanyl", "4-anpp"), [("watch_list", C, ("fentanyl",))]),
    ("precursor alone", sample("heroin", "4-anpp"), [("watch_list", C, ("4-anpp",))]),
    ("PMMA as MDMA", sample("mdma", "pmma"), [("watch_list", W, ("pmma",))]),
    ("atropine in cocaine", sample("cocaine", "cocaine", "atropine"), [("watch_list", W, ("atropine",))]),
    ("NBOMe on a blotter", sample("lsd", "25i-nbome"), [("watch_list", W, ("25i-nbome",))]),
    ("spice in a vape", sample("thc", "mdmb-4en-pinaca"), [("watch_list", W, ("mdmb-4en-pinaca",))]),
    ("fake diazepam", sample("diazepam", "bromazolam"), [("sold_as_mismatch", C, ("bromazolam",))]),
    ("opioid as a benzo", sample("diazepam", "tramadol"), [("sold_as_mismatch", W, ("tramadol",))]),
    ("opioid for an opioid", sample("oxycodone", "tramadol"), [("sold_as_mismatch", C, ("tramadol",))]),
    ("ketamine in cocaine", sample("cocaine", "cocaine", "ketamine"), [("adulteration", C, ("ketamine",))]),
    (
        "a trace of another drug",
        sample("cocaine", "cocaine", found("mdma", Amount.TRACE)),
        [("adulteration", I, ("mdma",))],
    ),
    (
        "isomers without what was sold",
        sample("mdma", "3-mmc|4-mmc"),
        [("sold_as_mismatch", C, ("3-mmc|4-mmc",))],
    ),
    (
        "somebody was unwell",
        sample("diazepam", "bromazolam", adverse_event=True),
        [("sold_as_mismatch", W, ("bromazolam",))],
    ),
    (
        "companions of the unexpected are one signal",
        sample("cocaine", "heroin", "6-monoacetylmorphine", "noscapine"),
        [("sold_as_mismatch", W, ("heroin",))],
    ),
    (
        "both on one line of the list",
        sample("heroin", "metonitazene", "isotonitazene"),
        [("watch_list", W, ("isotonitazene", "metonitazene"))],
    ),
]


@pytest.mark.parametrize(("released", "expected"), [s[1:] for s in STORIES], ids=[s[0] for s in STORIES])
def test_stories(released: ReleasedSample, expected: list[tuple[str, Severity, tuple[str, ...]]]) -> None:
    history = History(
        (*SEEN_ALL.sightings, Sighting(frozenset({"isotonitazene"}), "", START - timedelta(1), 9))
    )
    assert told(evaluate(released, history, TABLES)) == expected


def test_analogue_the_substance_list_does_not_know() -> None:
    (trigger,) = watch_list(sample("heroin", "beta-Hydroxythiofentanyl"), TABLES)
    assert trigger.severity is W
    assert dict(trigger.because)["entry"] == "fentanyl"


@pytest.mark.parametrize("name", ["buprenorphine", "6-monoacetylmorphine", "Apomorphine", "morphine"])
def test_names_that_only_look_like_the_list(name: str) -> None:
    assert watch_list(sample("", name), TABLES) == ()


@pytest.mark.parametrize(
    ("certainty", "alone", "in_group"),
    [
        (Certainty.PRESUMPTIVE, Likelihood.POSSIBLE, Likelihood.POSSIBLE),
        (Certainty.IDENTIFIED, Likelihood.LIKELY, Likelihood.POSSIBLE),
        (Certainty.CONFIRMED, Likelihood.OBSERVED, Likelihood.LIKELY),
    ],
)
def test_certainty_comes_from_the_method_and_falls_for_a_group(
    certainty: Certainty, alone: Likelihood, in_group: Likelihood
) -> None:
    (single,) = watch_list(sample("", found("metonitazene", certainty=certainty)), TABLES)
    (group,) = watch_list(sample("", found("metonitazene|harmless", certainty=certainty)), TABLES)
    assert (single.certainty, group.certainty) == (alone, in_group)
    assert dict(group.because)["one_of"] == "yes"
    assert "one_of" not in dict(single.because)


def test_the_watch_list_says_that_what_was_sold_is_absent() -> None:
    (absent,) = watch_list(sample("oxycodone", "metonitazene"), TABLES)
    (added,) = watch_list(sample("heroin", "heroin", "metonitazene"), TABLES)
    assert dict(absent.because)["sold_as_absent"] == "yes"
    assert "sold_as_absent" not in dict(added.because)


def test_first_time_in_the_network() -> None:
    new = sample("3-mmc", "2-mmc", day=10)
    assert told(first_ever(new, History(), TABLES)) == [("first_ever", C, ("2-mmc",))]
    own = Sighting(frozenset({"2-mmc"}), "", START, new.sample_id)
    later = Sighting(frozenset({"2-mmc"}), "", new.released_at + timedelta(days=1), 7)
    assert len(first_ever(new, History((own, later)), TABLES)) == 1
    assert first_ever(new, History((Sighting(frozenset({"2-mmc"}), "", START, 7),)), TABLES) == ()


def test_first_time_is_told_with_the_stronger_reason() -> None:
    (trigger,) = evaluate(sample("diazepam", "metonitazene"), History(), TABLES)
    assert (trigger.rule, trigger.also) == (Rule.WATCH_LIST, (Rule.FIRST_EVER,))
    assert dict(trigger.because)["first_in"] == "network"


def test_first_time_of_what_is_not_in_the_substance_list_is_information() -> None:
    assert told(first_ever(sample("mdma", "labetalol"), History(), TABLES)) == [
        ("first_ever", I, ("labetalol",))
    ]


@pytest.mark.parametrize(
    ("now", "before", "fires"),
    [
        ("2-mmc|4-fmc", "2-mmc", False),  # may be the one already known
        ("2-mmc|4-fmc", "2-mmc|4-fmc", False),
        ("2-mmc|4-fmc", "4-fmc|other", False),
        ("2-mmc", "2-mmc|4-fmc", True),  # never alone before
        ("2-mmc|4-fmc", "bromazolam", True),
        ("3-mmc|2-mmc", "bromazolam", False),  # may be the long-established one
    ],
)
def test_groups_and_the_first_time(now: str, before: str, fires: bool) -> None:
    history = History((Sighting(frozenset(before.split("|")), "", START - timedelta(1), 9),))
    triggers = first_ever(sample("", now), history, TABLES)
    assert bool(triggers) is fires
    if now == "2-mmc":
        assert dict(triggers[0].because)["possibly_seen"] == "in_group"


def test_words_of_sale_never_travel() -> None:
    (trigger,) = evaluate(sample("diazepam", "bromazolam"), SEEN_ALL, TABLES)
    assert dict(trigger.because)["sold_as"] == "diazepam"


names = st.sampled_from([*sorted(CLASSES), "unlisted one", "unlisted fentanyl"])
founds = st.builds(
    lambda group, amount, certainty: found("|".join(sorted(group)), amount, certainty),
    st.sets(names, min_size=1, max_size=3),
    st.sampled_from(Amount),
    st.sampled_from(Certainty),
)
sightings = st.builds(
    lambda group, day, number: Sighting(frozenset(group), "r", START + timedelta(days=day), number),
    st.sets(names, min_size=1, max_size=3),
    st.integers(-30, 30),
    st.integers(1, 5),
)
histories = st.lists(sightings, max_size=6).map(lambda entries: History(tuple(entries)))


@st.composite
def released_samples(draw: st.DrawFn) -> ReleasedSample:
    findings: list[Found] = draw(st.lists(founds, max_size=5))
    return sample(draw(st.one_of(st.just(""), names)), *findings, adverse_event=draw(st.booleans()))


@given(released_samples(), histories, sightings)
def test_more_history_never_makes_anything_new(
    released: ReleasedSample, history: History, more: Sighting
) -> None:
    longer = History((*history.sightings, more))
    before = {trigger.substances for trigger in first_ever(released, history, TABLES)}
    assert {trigger.substances for trigger in first_ever(released, longer, TABLES)} <= before
    everything = {(t.rule, t.substances) for t in evaluate(released, history, TABLES)}
    assert {(t.rule, t.substances) for t in evaluate(released, longer, TABLES)} <= everything


@given(released_samples(), histories, st.randoms(use_true_random=False))
def test_the_order_of_findings_does_not_matter(
    released: ReleasedSample, history: History, random: st.random.Random
) -> None:
    shuffled = list(released.found)
    random.shuffle(shuffled)
    again = ReleasedSample(**{**_fields(released), "found": tuple(shuffled)})
    assert evaluate(again, history, TABLES) == evaluate(released, history, TABLES)


@given(released_samples(), histories)
def test_an_adverse_event_never_lowers_and_never_adds(released: ReleasedSample, history: History) -> None:
    calm = ReleasedSample(**{**_fields(released), "adverse_event": False})
    unwell = ReleasedSample(**{**_fields(released), "adverse_event": True})
    usual = {(t.rule, t.substances): t.severity for t in evaluate(calm, history, TABLES)}
    raised = {(t.rule, t.substances): t.severity for t in evaluate(unwell, history, TABLES)}
    assert raised == {key: severity.raised() for key, severity in usual.items()}


@given(released_samples())
def test_nothing_is_a_mismatch_where_what_was_sold_may_be_there(released: ReleasedSample) -> None:
    keys = {member.key for member in released.expected}
    if any(found.keys & keys for found in released.found):
        assert all(trigger.rule is Rule.ADULTERATION for trigger in sold_as(released, TABLES))


def _fields(released: ReleasedSample) -> dict[str, object]:
    return {name: getattr(released, name) for name in ReleasedSample.__slots__}


def test_readings_alone_never_say_that_what_it_was_sold_as_is_absent() -> None:
    read = replace(sample("cocaine", found("fentanyl|4-anpp", Amount.NOT_TOLD)), searched=False)
    (trigger,) = watch_list(read, TABLES)
    assert "sold_as_absent" not in dict(trigger.because)
    other = replace(sample("cocaine", found("ketamine", Amount.NOT_TOLD)), searched=False)
    assert [one.rule for one in sold_as(other, TABLES)] == [Rule.ADULTERATION]

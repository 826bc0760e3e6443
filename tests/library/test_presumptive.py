"""Colours and strips: what they may mean, with everything that looks the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from library.presumptive import (
    Colour,
    Compared,
    Says,
    colours_mean,
    reactions,
    reagents,
    strip_means,
    strips,
)

READINGS = st.dictionaries(
    st.sampled_from([*reagents(), "other"]), st.sets(st.sampled_from(Colour), min_size=1), max_size=4
)


def test_one_reagent_leaves_everything_that_looks_the_same() -> None:
    told = colours_mean({"marquis": [Colour.ORANGE, Colour.BROWN]})
    assert {"amphetamine", "methamphetamine", "mescaline"} <= set(told.fitting)
    assert {"mdma", "heroin"} <= set(told.contradicted)


def test_a_second_reagent_takes_away_what_contradicts_it() -> None:
    told = colours_mean({"marquis": [Colour.ORANGE], "simon": [Colour.BLUE]})
    assert told.fitting == ("methamphetamine",)
    assert "amphetamine" in told.partly  # nothing is published of it with Simon's reagent here


def test_cobalt_thiocyanate_is_not_cocaine_alone() -> None:
    assert {"cocaine", "heroin", "procaine", "methadone"} <= set(
        colours_mean({"cobalt_thiocyanate": [Colour.BLUE]}).fitting
    )


def test_a_reagent_without_a_table_says_nothing() -> None:
    told = colours_mean({"robadope": [Colour.PURPLE]})
    assert (told.fitting, told.partly, told.unknown_reagents) == ((), (), ("robadope",))


@given(READINGS, st.sampled_from(reagents()), st.sampled_from(Colour))
def test_more_readings_never_bring_a_contradicted_substance_back(
    readings: dict[str, set[Colour]], reagent: str, colour: Colour
) -> None:
    before, after = colours_mean(readings), colours_mean({**readings, reagent: {colour}})
    if reagent not in readings:
        assert set(before.contradicted) <= set(after.contradicted)
    assert not set(after.fitting) & (set(after.contradicted) | set(after.partly))


def test_every_row_names_its_source() -> None:
    assert all(len(one.source) > 10 and one.as_described for one in reactions())
    assert len({(one.reagent, one.substance) for one in reactions()}) == len(reactions())
    for strip in strips().values():
        assert all(len(one.source) > 10 for one in strip.statements)
        assert strip.statements or strip.performance


def test_the_rows_that_were_read_in_their_source_agree_with_it() -> None:
    """NIJ Standard-0604.01, table 1, reagent A.5, as printed: what is there, and that MDMA is not."""
    printed = {
        "aspirin": "deep red",
        "codeine": "very dark purple",
        "amphetamine": "strong reddish orange to dark reddish brown",
        "methamphetamine": "deep reddish orange to dark reddish brown",
        "heroin": "deep purplish red",
        "lsd": "olive black",
        "mda": "black",
        "pethidine": "deep brown",
        "mescaline": "strong orange",
        "methadone": "light yellowish pink",
        "methylphenidate": "moderate orange yellow",
        "morphine": "very deep reddish purple",
        "oxycodone": "pale violet",
        "sucrose": "dark brown",
    }
    marquis = [one for one in reactions() if one.reagent == "marquis"]
    read = {one.substance: one.as_described for one in marquis if one.compared is Compared.TEXT}
    assert read == printed
    assert all("NIJ" in one.source for one in marquis if one.compared is Compared.TEXT)
    (mdma,) = (one for one in marquis if one.substance == "mdma")
    assert "not in NIJ" in mdma.source


def test_a_positive_strip_may_be_what_cross_reacts_in_so_strong_a_solution() -> None:
    strong = strip_means("fentanyl", positive=True, concentration=5000.0)
    assert {"methamphetamine", "mdma", "diphenhydramine", "lidocaine"} <= set(strong.also_possible)
    diluted = strip_means("fentanyl", positive=True, concentration=100.0)
    assert "methamphetamine" not in diluted.also_possible
    assert "fentanyl" in diluted.target
    assert "carfentanil" not in diluted.target


def test_a_negative_strip_excludes_nothing_it_was_made_for() -> None:
    told = strip_means("nitazene", positive=False, concentration=10.0)
    assert told.target == told.also_possible == ()
    assert "metodesnitazene" in told.not_excluded
    assert "isotonitazene" in told.not_excluded


def test_what_a_strip_misses_is_known() -> None:
    assert strips()["fentanyl"].substances(Says.MISSES) == ("carfentanil", "furanyl-fentanyl")


def test_a_solution_without_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="above zero"):
        strip_means("fentanyl", positive=True, concentration=0.0)
    with pytest.raises(KeyError):
        strip_means("glitter", positive=True, concentration=1.0)

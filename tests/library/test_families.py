"""Families: by table, by a name's stem, and by what resembles a query."""

from __future__ import annotations

import numpy as np
import pytest

from library.families import Likeness, class_of, family_label, family_named, family_of, hint, meaning_of
from library.forms import FormKind
from library.record import SpectrumKind
from library.release import Reference
from library.substances import load_substances
from library.tables import rows
from spectra.model import MassSpectrum


def reference(name: str, parent: str = "") -> Reference:
    spectrum = MassSpectrum(np.array([50.0]), np.array([1.0]))
    return Reference("l", 0, name, "", "", "", FormKind.BASE, SpectrumKind.EI, parent, False, None, spectrum)


def test_every_stem_names_its_own_example_and_a_family_of_the_table() -> None:
    known = {substance.family for substance in load_substances()} | {"local_anaesthetic"}
    for row in rows("family_names.tsv"):
        assert family_named(row["example"]) == row["family"]
        assert row["family"] in known


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("para-Fluoro Crotonyl fentanyl", "fentanyl"),
        ("3,4-Methylenedioxy-.alpha.-ethylamino-isovalerophenone", "cathinone"),
        ("Isopentedrone", "cathinone"),
        ("4-Bromo-.alpha.-PVP", "pyrovalerone"),
        ("Cocaine", ""),
        ("Acetone", ""),
    ],
)
def test_stems(name: str, family: str) -> None:
    assert family_named(name) == family


def test_the_table_comes_before_the_name() -> None:
    assert family_of(reference("4-Methoxymethamphetamine", "pmma")) == "paramethoxy"
    assert class_of("fentanyl") == "opioid"


def test_a_hint_needs_agreement_and_resemblance() -> None:
    near = [
        Likeness(reference(n), s)
        for n, s in [("Acetylfentanyl", 800), ("Furanylfentanyl", 780), ("Aspirin", 600)]
    ]
    found = hint(near, least_score=500, least_share=0.4)
    assert found is not None
    assert (found.family, found.cls, found.relative.name) == ("fentanyl", "opioid", "Acetylfentanyl")
    assert hint(near, least_score=900, least_share=0.4) is None
    split = [
        Likeness(reference("Acetylfentanyl"), 700),
        Likeness(reference("x"), 700),
        Likeness(reference("y"), 700),
    ]
    assert hint(split, least_score=500, least_share=0.4) is None
    assert hint([], least_score=500, least_share=0.4) is None


def test_a_mass_difference_reads_both_ways() -> None:
    assert meaning_of(14) == "+CH2"
    assert meaning_of(-14) == "−CH2"
    assert meaning_of(-18) == "−F +H or −H2O"
    assert meaning_of(0) == "an isomer"
    assert meaning_of(5) == ""


def test_an_accurate_mass_tells_what_unit_mass_cannot() -> None:
    assert meaning_of(28) == "+C2H4 or +CO"
    assert meaning_of(27.9950, 0.005) == "+CO"
    assert meaning_of(-28.0311, 0.005) == "−C2H4"
    assert meaning_of(17.9907, 0.005) == "+F −H"
    assert meaning_of(0.0004, 0.005) == "an isomer"
    assert meaning_of(28.02, 0.005) == ""


def test_every_family_has_a_name_in_both_languages() -> None:
    known = {substance.family for substance in load_substances()}
    known |= {row["family"] for row in rows("family_names.tsv")}
    for language in ("en", "fr"):
        assert [code for code in known if not family_label(code, language)] == []
    assert {row["family"] for row in rows("families.tsv")} == known
    assert family_label("arylcyclohexylamine", "fr").startswith("apparentés de la kétamine")
    assert family_label("never heard of", "fr") == "never heard of"

"""Which notes a result gets, in which order, and which words no text may ever use."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import pytest

from library.substances import load_substances
from xbt.domain.findings import Amount, Certainty, Finding, MethodStatement
from xbt.domain.lookup import PublicResult, PublicState
from xbt.risk import RiskNote, Severity, notes, statements
from xbt.risk.effects import has_any
from xbt.risk.texts import catalogue, sentences, spoken

GCMS = MethodStatement("gc_ms", "GC-MS", "gcms_limit", ("starter 1",))


def finding(*names: str, share: float = 0.5, certainty: Certainty = Certainty.IDENTIFIED) -> Finding:
    """A finding as the record makes it: keys are InChIKeys where the list has one."""
    listed = [load_substances().resolve(name) for name in names]
    keys = tuple(
        name if one is None or not one.inchikey else one.inchikey
        for name, one in zip(names, listed, strict=True)
    )
    return Finding(keys, names, Amount.MAIN, share, certainty, ("gc_ms",), 1, 1, 900.0)


def result(*found: Finding, sold_as: str = "", **more: object) -> PublicResult:
    told = load_substances().resolve(sold_as)
    given = PublicResult(
        state=PublicState.RELEASED,
        reference="2026-0001",
        site_name="Lyon",
        site_contact="desk",
        sold_as_text=sold_as,
        sold_as="" if told is None else told.key,
        version=1,
        released_on=date(2026, 11, 20),
        findings=found,
        methods=(GCMS,),
    )
    return replace(given, **more)  # type: ignore[arg-type]


def codes(given: PublicResult, language: str = "en") -> list[str]:
    return [note.code for note in notes(given, language)]


def note(given: PublicResult, code: str, language: str = "en") -> RiskNote:
    return next(one for one in notes(given, language) if one.code == code)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Heroin", "opioid"),
        ("Isotonitazene", "nitazene"),
        ("Carfentanil", "fentanyl"),
        ("4-ANPP", "fentanyl_remains"),
        ("Diazepam", "benzodiazepine"),
        ("Bromazolam", "street_benzodiazepine"),
        ("Xylazine", "veterinary_sedative"),
        ("GBL", "ghb"),
        ("Pregabalin", "sedative"),
        ("Cocaine", "stimulant"),
        ("3-MMC", "cathinone"),
        ("alpha-PVP", "pyrovalerone"),
        ("MDMA", "empathogen"),
        ("PMMA", "pma"),
        ("LSD", "psychedelic"),
        ("25I-NBOMe", "nbome"),
        ("DOC", "long_psychedelic"),
        ("Scopolamine", "deliriant"),
        ("Ketamine", "dissociative"),
        ("THC", "cannabis"),
        ("MDMB-4en-PINACA", "synthetic_cannabinoid"),
        ("Levamisole", "levamisole"),
        ("Phenacetin", "phenacetin"),
        ("Lidocaine", "local_anaesthetic"),
        ("Paracetamol", "paracetamol"),
        ("Caffeine", "caffeine"),
        ("Naloxone", "antidote"),
        ("Something New", "no_note"),
    ],
)
def test_a_substance_alone_has_its_note_and_the_emergency_one(name: str, code: str) -> None:
    assert codes(result(finding(name))) == [code, "emergency"]


def test_a_filler_needs_no_note() -> None:
    assert codes(result(finding("Mannitol"))) == ["emergency"]


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (("Heroin", "Diazepam"), "opioid_depressant"),
        (("Isotonitazene", "Bromazolam"), "opioid_depressant"),
        (("Fentanyl", "Xylazine"), "opioid_depressant"),
        (("Diazepam", "GHB"), "depressant_depressant"),
        (("Cocaine", "Heroin"), "upper_opioid"),
        (("Amphetamine", "MDMA"), "upper_empathogen"),
    ],
)
def test_a_mixture_has_its_own_note(names: tuple[str, str], code: str) -> None:
    said = note(result(*map(finding, names)), code)
    for name in names:
        assert name.lower() in said.title.lower()


def test_one_finding_is_never_a_mixture_with_itself() -> None:
    assert "depressant_depressant" not in codes(result(finding("Diazepam")))
    assert "depressant_depressant" not in codes(result(finding("Etizolam", "Bromazolam")))


def test_the_most_urgent_comes_first() -> None:
    given = result(finding("Caffeine"), finding("MDMA"), finding("Levamisole"), finding("Protonitazene"))
    ranks = [one.severity.rank for one in notes(given, "en")]
    assert ranks == sorted(ranks)
    assert codes(given)[0] == "nitazene"
    assert codes(given)[-1] == "emergency"


def test_an_opioid_nobody_expected_comes_before_all() -> None:
    given = result(finding("Isotonitazene"), finding("Bromazolam"), sold_as="oxycodone")
    assert "unexpected_opioid" not in codes(given)
    unexpected = replace(given, sold_as=_key("Diazepam"))
    assert codes(unexpected)[0] == "unexpected_opioid"
    assert "isotonitazene" in notes(unexpected, "en")[0].title


def test_what_it_was_sold_as_is_missed_only_when_it_is_not_there() -> None:
    assert "not_as_sold" in codes(result(finding("Ketamine"), sold_as="MDMA"))
    assert "not_as_sold" not in codes(result(finding("MDMA"), sold_as="MDMA"))
    assert "not_as_sold" not in codes(result(finding("3-MMC", "Mephedrone"), sold_as="3-MMC"))
    assert "not_as_sold" not in codes(result(finding("Ketamine"), sold_as="words nobody knows"))


def test_isomers_are_named_together() -> None:
    given = result(finding("3-MMC", "Mephedrone"))
    assert note(given, "isomers").title == "One of these: 3-MMC or mephedrone"
    assert note(given, "isomers", "fr").title.endswith("3-MMC ou méphédrone")


def test_a_group_that_may_be_an_opioid_is_treated_as_one() -> None:
    assert "opioid" in codes(result(finding("Caffeine", "Codeine")))


def test_nothing_found_is_said_to_prove_nothing() -> None:
    assert codes(result()) == ["nothing_identified", "emergency"]


@pytest.mark.parametrize(("share", "said"), [(0.02, False), (0.10, False), (0.11, True)])
def test_a_large_unexplained_part_is_said(share: float, said: bool) -> None:
    assert ("unexplained" in codes(result(finding("MDMA"), unexplained_share=share))) is said


def test_simulated_data_are_said_to_be() -> None:
    assert "simulated" in codes(result(finding("MDMA"), simulated=True))
    assert "Simulated" in statements(result(finding("MDMA"), simulated=True), "en")[0]


@pytest.mark.parametrize("state", [PublicState.NOT_READY, PublicState.WITHDRAWN])
def test_only_a_released_result_has_notes(state: PublicState) -> None:
    assert notes(result(state=state), "fr") == ()
    assert len(statements(result(state=state), "fr")) == 1


@pytest.mark.parametrize(
    ("language", "expected"), [("fr", "fr"), ("fr_CA", "fr"), ("FR-be", "fr"), ("de", "en"), ("", "en")]
)
def test_a_language_that_is_not_there_is_english(language: str, expected: str) -> None:
    assert spoken(language) == expected
    given = result(finding("Cocaine"))
    assert notes(given, language) == notes(given, expected)
    assert statements(given, language) == statements(given, expected)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (result(finding("Cocaine"), sold_as="coke"), "This was described as cocaine. We found cocaine."),
        (
            result(finding("Cocaine"), finding("Levamisole"), sold_as="cocaine"),
            "This was described as cocaine. We found cocaine and also levamisole.",
        ),
        (
            result(finding("Ketamine"), finding("Caffeine"), sold_as="MDMA"),
            "This was described as MDMA. With the method used we did not find MDMA; "
            "a little of it may stay unseen. We found ketamine and caffeine.",
        ),
        (result(finding("3-MMC", "Mephedrone")), "We found 3-MMC or mephedrone."),
        (
            result(finding("3-MMC", "Mephedrone"), finding("Caffeine")),
            "We found (3-MMC or mephedrone) and caffeine.",
        ),
        (
            result(),
            "We could not identify a substance with GC-MS (gas chromatography with mass spectrometry). "
            "That does not mean there is none.",
        ),
    ],
)
def test_the_result_is_one_plain_sentence(given: PublicResult, sentence: str) -> None:
    assert statements(given, "en")[0] == sentence


def test_the_limit_of_the_method_and_the_meaning_of_words_are_always_said() -> None:
    said = " ".join(statements(result(finding("Cocaine")), "en"))
    assert "LSD in the amount of a blotter" in said
    assert "not a percentage by weight" in said
    assert said.endswith("No result can say that a product carries no risk.")


def test_a_correction_gives_its_reason() -> None:
    said = statements(result(finding("Cocaine"), amends="new library", being_corrected=True), "en")
    assert "Reason: new library" in " ".join(said)
    assert "being corrected" in said[0]


def test_names_are_never_taken_for_places_to_fill_in() -> None:
    given = result(finding("{0.__class__}"), sold_as="", sold_as_text="{sold_as}")
    assert any("{0.__class__}" in one.title for one in notes(given, "en"))
    assert any("{0.__class__}" in sentence for sentence in statements(given, "fr"))


def test_every_name_in_the_notes_is_in_the_substance_list() -> None:
    names = {
        name for effect in catalogue().effects.values() for name in (*effect.substances, *effect.exceptions)
    }
    substances = load_substances()
    assert [name for name in sorted(names) if substances.resolve(name) is None] == []
    assert {c for e in catalogue().effects.values() for c in e.classes} <= set(substances.classes)
    assert {f for e in catalogue().effects.values() for f in e.families} <= {s.family for s in substances}


def test_every_listed_substance_has_an_effect_written_down() -> None:
    without = [one.name_en for one in load_substances() if not has_any(finding(one.name_en))]
    assert without == []


def test_every_effect_leads_to_a_note_or_is_a_filler() -> None:
    used = {effect for one in catalogue().notes.values() for effect in one.when}
    assert set(catalogue().effects) - used == {"filler"}


BANNED = {
    "en": r"\b(safe\w*|pure\w*|purity|guarantee\w*|recommended dose|low[- ]risk|harmless|junkie\w*|addict\w*"
    r"|abuse\w*)\b",
    "fr": r"\b(sûre?s?|sûreté|sécurité|pure?s?|pureté|garanti\w*|dose recommandée|peu risqué\w*|faible risque"
    r"|risque faible|sans danger|sans risque|inoffensi\w*|drogué\w*|toxicoman\w*|junkie\w*|abus\w*)\b",
}


def texts(language: str) -> list[str]:
    written = [
        text for one in catalogue().notes.values() for text in (one.title[language], one.text[language])
    ]
    words = sentences(language)
    nested = [text for value in words.values() if isinstance(value, dict) for text in value.values()]
    return written + nested + [text for text in words.values() if isinstance(text, str)]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_no_text_uses_a_word_that_must_never_be_said(language: str) -> None:
    assert [text for text in texts(language) if re.search(BANNED[language], text, re.IGNORECASE)] == []


@pytest.mark.parametrize("language", ["en", "fr"])
def test_sentences_are_short(language: str) -> None:
    for one in catalogue().notes.values():
        for sentence in re.split(r"[.:;?!]\s+", one.text[language]):
            assert len(sentence.split()) <= 32, (one.code, sentence)


def test_french_signs_keep_their_distance() -> None:
    assert [text for text in texts("fr") if re.search(r"(?<=\w)[:;?!»]|[« ] [:;?!»%]|'", text)] == []


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_danger_says_whom_to_call_or_what_to_have_at_hand(language: str) -> None:
    for one in catalogue().notes.values():
        if one.severity is Severity.DANGER:
            assert re.search(r"112|nalox", one.text[language], re.IGNORECASE), one.code


@pytest.mark.parametrize("code", ["opioid", "fentanyl", "nitazene", "opioid_depressant", "unexpected_opioid"])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_opioid_note_speaks_of_naloxone(code: str, language: str) -> None:
    assert "nalox" in catalogue().notes[code].text[language].lower()


def _key(name: str) -> str:
    found = load_substances().resolve(name)
    assert found is not None
    return found.key

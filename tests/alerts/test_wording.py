from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from alerts.lifecycle import SignalState
from alerts.rules import Likelihood, Rule
from alerts.tables import Severity
from alerts.values import SignalView, Substances
from alerts.wording import LANGUAGES, forbidden_words, in_sentence, names_held, propose
from library.substances import load_substances


def key(name: str) -> str:
    known = load_substances().resolve(name)
    assert known is not None
    return known.key


SIGNAL = SignalView(
    id=1,
    rule=Rule.WATCH_LIST,
    also=(Rule.FIRST_EVER,),
    severity=Severity.WARNING,
    certainty=Likelihood.LIKELY,
    substances=(Substances((key("Metonitazene"),), ("Metonitazene",)),),
    sold_as=key("Oxycodone"),
    region="Occitanie",
    state=SignalState.OPEN,
    because={"advice": "opioid", "entry": "nitazene", "sold_as_absent": "yes"},
    sample_id=12,
    result_id=34,
    released_at=datetime(2026, 11, 20, tzinfo=UTC),
    created_at=datetime(2026, 11, 20, tzinfo=UTC),
    simulated=False,
)
MISMATCH = replace(
    SIGNAL,
    rule=Rule.MISMATCH,
    also=(),
    severity=Severity.CAUTION,
    substances=(Substances(("a", "b"), ("2-MMC", "3-MMC")), Substances(("c",), ("Thing",))),
    because={},
)
NO_SALE = replace(SIGNAL, sold_as="", region="", because={"advice": "poison", "adverse_event": "yes"})
ALL = [
    replace(base, certainty=certainty, because={**base.because, "advice": advice})
    for base in (SIGNAL, MISMATCH, NO_SALE)
    for certainty in Likelihood
    for advice in ("opioid", "sedative", "overheating", "delirium", "cannabinoid", "poison", "general")
]


def whole(signal: SignalView, language: str) -> str:
    words = propose(signal, language)
    return "\n".join([words.title, words.body, words.advice])


def test_an_opioid_in_english() -> None:
    words = propose(SIGNAL, "en")
    assert words.title == "Metonitazene in a product sold as oxycodone"
    for piece in (
        "November 20, 2026",
        "Occitanie",
        "The method used did not find what it was sold as",
        "had not found this before",
    ):
        assert piece in words.body
    assert "confirmation is pending" in words.body
    for piece in ("naloxone", "112 or 15", "breathing"):
        assert piece in words.advice


def test_the_same_in_french() -> None:
    words = propose(SIGNAL, "fr")
    assert "vendu comme" in words.title
    for piece in ("20 novembre 2026", "Région : Occitanie", "confirmation en attente"):
        assert piece in words.body
    for piece in ("naloxone", "112 ou le 15"):
        assert piece in words.advice


def test_isomers_are_one_of() -> None:
    words = propose(MISMATCH, "en")
    assert words.title.startswith("(2-MMC or 3-MMC) and thing in a product")
    assert "cannot tell which" in words.body


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("signal", ALL, ids=str)
def test_every_proposal_keeps_the_promises(signal: SignalView, language: str) -> None:
    text = whole(signal, language)
    assert forbidden_words([text], language) == ()
    assert "{" not in text
    assert ("attente" in text or "pending" in text) is (signal.certainty is not Likelihood.OBSERVED)
    assert "15" in text
    assert ("naloxon" in text.casefold()) is (signal.because["advice"] in {"opioid", "sedative"})
    assert len(propose(signal, language).title) <= 160


@pytest.mark.parametrize(
    ("text", "language", "found"),
    [
        ("This one is SAFE.", "en", ("safe",)),
        ("Safer use, unsafe, purely, in purée", "en", ()),
        ("the recommended dose", "en", ("recommended dose",)),
        ("De la cocaïne pure", "fr", ("pure",)),
        ("purée, purement", "fr", ()),
        ("C’est sans danger.", "fr", ("sans danger",)),
    ],
)
def test_words_that_promise_are_found_as_whole_words(
    text: str, language: str, found: tuple[str, ...]
) -> None:
    assert forbidden_words([text], language) == found


@pytest.mark.parametrize(
    ("name", "within"),
    [
        ("Ketamine", "ketamine"),
        ("Kétamine", "kétamine"),
        ("Écgonine", "écgonine"),
        ("MDMA", "MDMA"),
        ("2-MMC", "2-MMC"),
        ("N-Desethyl isotonitazene", "N-desethyl isotonitazene"),
        ("MDMB-4en-PINACA", "MDMB-4en-PINACA"),
        ("25I-NBOMe", "25I-NBOMe"),
        ("CUMYL-PEGACLONE", "CUMYL-PEGACLONE"),
    ],
)
def test_names_within_a_sentence(name: str, within: str) -> None:
    assert in_sentence(name) == within


def test_names_are_found_whatever_the_case_and_not_inside_words() -> None:
    assert names_held(["at THE VAN, tonight"], ["The Van", "Lab"]) == ("The Van",)
    assert names_held(["labels"], ["Lab", ""]) == ()

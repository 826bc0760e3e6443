"""Every code has words, and every text has its French."""

from __future__ import annotations

import re
import runpy
from gettext import GNUTranslations
from pathlib import Path
from typing import Any

from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from flask import Flask

from library.answer import Decision
from library.roles import Role as ProductRole
from library.scopes import Blind
from spectra.errors import Fault
from web import texts
from xbt.domain.errors import Refused
from xbt.domain.findings import Amount, Certainty
from xbt.domain.people import Role
from xbt.domain.readings import Lines, ReadingKind
from xbt.domain.samples import Form, Reason, Use
from xbt.domain.states import SampleState, Step
from xbt.domain.witnesses import Stance
from xbt.services.witnesses import GUIDELINES

ROOT = Path(__file__).resolve().parents[2]
FRENCH = ROOT / "web" / "translations" / "fr" / "LC_MESSAGES" / "messages.po"
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]")


def test_every_code_has_words() -> None:
    for kind, table in [
        (SampleState, texts.STATES),
        (Form, texts.FORMS),
        (Use, texts.USES),
        (Reason, texts.REASONS),
        (Role, texts.ROLES),
        (Decision, texts.DECISIONS),
        (Amount, texts.AMOUNTS),
        (Certainty, texts.CERTAINTIES),
        (Step, texts.STEP_NAMES),
        (texts.Rule, texts.RULES),
        (texts.Severity, texts.LEVELS),
        (texts.Likelihood, texts.LIKELIHOODS),
        (texts.SignalState, texts.SIGNAL_STATES),
        (texts.AlertState, texts.ALERT_STATES),
        (Stance, texts.STANCES),
        (ReadingKind, texts.READING_KINDS),
        (Lines, texts.STRIP_LINES),
        (ProductRole, texts.PRODUCT_ROLES),
    ]:
        assert set(table) == set(kind), kind
    readings = {"not_compared", "no_colour_known", "masked", "not_target", "invalid"}
    strip = {"cross_reacts", "strip_blind", "strip_unproven"}
    assert set(texts.WHY_NOT_SEEN) == {*Blind, "other_candidate", "names_nothing", *readings, *strip}
    assert set(GUIDELINES) <= set(texts.GUIDELINES)
    assert set(texts.FAULTS) == set(texts.REMEDIES) == {fault.value for fault in Fault}


def extracted() -> set[Any]:
    methods = [("**.py", "python"), ("templates/**.html", "jinja2")]
    options = {"templates/**.html": {"trim_blocks": "true", "lstrip_blocks": "true"}}
    keywords = {"_": None, "_l": None, "ngettext": (1, 2)}
    found = extract_from_dir(ROOT / "web", methods, options, keywords=keywords)  # type: ignore[arg-type]
    return {message for _, _, message, _, _ in found}


def test_every_text_is_in_the_french_catalogue() -> None:
    with FRENCH.open("rb") as lines:
        french = {message.id: message for message in read_po(lines, locale="fr")}
    missing = {message for message in extracted() if message not in french}
    assert missing == set()
    untranslated = {one.id for one in french.values() if one.id and not all(_all_texts(one.string))}
    assert untranslated == set()
    for one in french.values():
        asked = set(PLACEHOLDER.findall(_all_texts(one.id)[-1]))
        assert all(set(PLACEHOLDER.findall(text)) == asked for text in _all_texts(one.string)[-1:]), one.id


def test_french_typography() -> None:
    with FRENCH.open("rb") as lines:
        wrong = [
            text
            for one in read_po(lines, locale="fr")
            if one.id
            for text in _all_texts(one.string)
            if re.search(r" [;:!?»]|« |\w'\w|\w[;!?]", text)
        ]
    assert wrong == []


def test_no_text_promises_anything() -> None:
    said = " ".join(str(message) for message in extracted()).lower()
    for word in ("pure", "guarantee", "low risk", "harmless", "clean", "addict"):
        assert not re.search(rf"\b{word}\b", said), word


def test_an_unknown_code_is_a_general_sentence_and_never_itself(app: Flask) -> None:
    with app.test_request_context("/en/"):
        said = texts.refusal_sentence(Refused("strange_code", file="/secret/path"))
        told = texts.fault_sentences({"fault": "strange", "file": "x", "where": "byte 3"})
    assert "strange" not in said
    assert "/secret" not in said
    assert "strange" not in " ".join(told)
    assert any("byte 3" in line for line in told)


def test_catalogues_are_compiled_beside_their_source(tmp_path: Path) -> None:
    folder = tmp_path / "de" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "messages.po").write_text('msgid "a"\nmsgstr "b"\n', encoding="utf-8")
    (made,) = runpy.run_path(str(ROOT / "tools" / "build_messages.py"))["compile_all"](tmp_path)
    with made.open("rb") as stream:
        assert GNUTranslations(stream).gettext("a") == "b"


def _all_texts(value: Any) -> list[str]:
    return list(value) if isinstance(value, (tuple, list)) else [value]

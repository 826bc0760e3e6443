"""Names of substances in the language of a page, and the suggestions of the intake form."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from flask import Flask

from library.answer import Candidate, Component, Decision
from library.families import family_label
from library.substances import Substances, load_substances
from web.locale import language
from web.locale import say as _
from xbt.domain.witnesses import Witness
from xbt.risk.amounts import amount_text
from xbt.risk.readings import colour_name, reading_sentences, reagent_name, share_text, strip_name
from xbt.risk.sentences import finding_name, group_names


@lru_cache(maxsize=1)
def known() -> Substances:
    """The shipped substances, read once per process."""
    return load_substances()


def install(app: Flask) -> None:
    """Give the templates of ``app`` names to show."""
    app.jinja_env.filters.update(
        substance=lambda key: name_of(key, key),
        amount_text=lambda quantity: amount_text(quantity, language()),
        finding_name=lambda finding: finding_name(finding, language()),
        group_names=lambda group: joined(map(name_of, group.keys, group.names)),
        line_name=lambda line: joined(group_names(line.substances, line.names, language())),
        named_list=lambda named: ", ".join(
            name_of(key, name) for one in named for key, name in zip(one.substances, one.names, strict=True)
        ),
        colour_word=lambda code: colour_name(code, language()),
        reagent_word=lambda code: reagent_name(code, language()),
        strip_word=lambda code: strip_name(code, language()),
        share_text=lambda share: share_text(share, language()),
        reading_words=lambda readings: list(reading_sentences(readings, language())),
        witness_detail=witness_detail,
        component_name=component_name,
        candidate_name=lambda candidate: name_of(candidate.inchikey, candidate.name),
        isomer_names=isomer_names,
        family_name=lambda code: family_label(code, language()),
        mass_change=mass_change,
    )


def name_of(key: str, fallback: str) -> str:
    """How people call a substance in the language of the page; ``fallback`` where we have no name for it."""
    if known().by_key(key) is None and known().by_inchikey(key) is None:
        return fallback or key
    return known().display_name(key, language())


def component_name(component: Component) -> str:
    """What a component seems to be, in a few words."""
    if component.decision is Decision.ARTEFACT:
        return component.artefact or _("artefact")
    if component.decision in (Decision.UNKNOWN, Decision.FAMILY) or not component.candidates:
        return _("not recognised")
    best = component.candidates[0]
    alone = component.decision is Decision.GROUP and len(best.isomer_group) == 1
    return _("%(name)s or an isomer of it", name=isomer_names(best)) if alone else isomer_names(best)


def isomer_names(candidate: Candidate) -> str:
    """A candidate with everything the technique cannot tell from it."""
    keys = candidate.isomer_group_inchikeys or [candidate.inchikey]
    names = candidate.isomer_group or [candidate.name]
    return joined(dict.fromkeys(map(name_of, keys, names)))


def witness_detail(witness: Witness) -> str:
    """Which reagents, strip or eluent the readings are of."""
    say = {"strip": strip_name, "colour": reagent_name}.get(witness.technique)
    return ", ".join(say(one, language()) if say else one for one in witness.what)


def mass_change(meaning: str) -> str:
    """How a difference of mass reads, its formulas as they are."""
    return _("an isomer") if meaning == "an isomer" else joined(meaning.split(" or "))


def joined(names: Iterable[str]) -> str:
    """Names of which one is meant."""
    return _(" or ").join(names)


@lru_cache(maxsize=4)
def suggestions(language_: str) -> tuple[str, ...]:
    """Names and street names for the field "sold as", in the order of the alphabet."""
    words: set[str] = set()
    for one in known():
        words.add(one.name_fr if language_ == "fr" else one.name_en)
        words.update(one.street_names)
    return tuple(sorted(words, key=str.casefold))

"""Colour tests and strips in sentences: what was seen, what else may look so, what could not be seen.

Promises that a negative strip never stands without what it could miss, and a positive one never without what
else makes it positive. Refuses nothing: a reagent or strip without a written name keeps its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from xbt.domain.findings import ReadingTold
from xbt.risk.effects import known
from xbt.risk.texts import in_a_sentence, sentences, spoken


def reading_sentences(readings: Iterable[ReadingTold], language: str) -> Iterator[str]:
    """One sentence or more for each reading of a result."""
    for one in readings:
        yield " ".join(_strip(one, language) if one.technique == "strip" else _colours(one, language))


def strip_name(code: str, language: str) -> str:
    """What a strip is made for, such as "fentanyls"."""
    return _word("strip", code, language)


def reagent_name(code: str, language: str) -> str:
    """A reagent as people call it; its own name where it is not in the tables."""
    return _word("reagent", code, language)


def colour_name(code: str, language: str) -> str:
    """A colour in words."""
    return _word("colour", code, language)


def share_text(share: float, language: str) -> str:
    """A share of 0..1 in percent with two figures, such as "0.02"."""
    text = f"{float(f'{100 * share:.2g}'):f}".rstrip("0").rstrip(".")
    return text.replace(".", ",") if spoken(language) == "fr" else text


def _word(table: str, code: str, language: str) -> str:
    words: dict[str, str] = sentences(language)[table]
    return words.get(code, code)


def _strip(one: ReadingTold, language: str) -> Iterator[str]:
    words = sentences(language)["reading"]
    target = ", ".join(strip_name(code, language) for code in one.what)
    if one.positive:
        yield words["strip_positive"].format(target=target)
        if one.also:
            yield words["strip_also"].format(also=_names(one.also, language))
    else:
        yield words["strip_negative"].format(target=target)
        if one.near_limit:
            yield words["strip_near"]
        if one.limit is not None:
            yield words["strip_limit"].format(limit=share_text(one.limit, language))
        yield words["strip_unlimited"]
    if one.missed:
        yield words["strip_missed"].format(missed=_names(one.missed, language))


def _colours(one: ReadingTold, language: str) -> Iterator[str]:
    words: dict[str, Any] = sentences(language)["reading"]
    reagents = ", ".join(_seen(*pair, language) for pair in zip(one.what, one.colours, strict=True))
    fits = (*one.substances, *one.also)
    sentence: str = words["colours_fit" if fits else "colours"]
    yield sentence.format(reagents=reagents, fits=_names(fits, language))


def _seen(reagent: str, colours: Sequence[str], language: str) -> str:
    seen = "/".join(colour_name(one, language) for one in colours)
    return f"{reagent_name(reagent, language)} ({seen})"


def _names(keys: Sequence[str], language: str) -> str:
    found = (known(key) for key in keys)
    return ", ".join(in_a_sentence(one.name(spoken(language))) for one in found if one is not None)

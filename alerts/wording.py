"""First words for an alert, and the lint that every alert passes.

Promises: the sentences say what was found, how sure that is, what to watch for and what helps; a region,
never a site; a group of isomers as "one of"; nothing promised about risk. Proposed words pass the lint.
What must not be edited away (simulated, ended, withdrawn) is said where an alert is shown, not here.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from babel.dates import format_date

from alerts.rules import Rule
from alerts.values import PublicState, PublishedAlert, SignalView, Substances, Wording
from library.substances import load_substances
from library.vocabulary import NOTHING_SAID, label

LANGUAGES = ("fr", "en")


@cache
def _sentences() -> Mapping[str, Any]:
    text = files("alerts.tables").joinpath("wording.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def shown_name(key: str, name: str, language: str) -> str:
    """A substance in the reader's language; the name as recorded where the list does not know it."""
    substances = load_substances()
    known = substances.by_key(key)
    return substances.display_name(known.name_en, language) if known is not None else name


def propose(
    signal: SignalView, language: str, name_of: Callable[[str, str, str], str] = shown_name
) -> Wording:
    """A first wording for an alert on this signal, in French or English.

    ``name_of(key, name, language)`` gives the name to show.

    Raises
    ------
    KeyError : a language there are no sentences for.
    """
    say = _sentences()[language]
    fields = {
        "substances": _substances(signal.substances, language, say, name_of),
        "sold_as": in_sentence(label(signal.sold_as, language)),
        "region": signal.region,
        "date": format_date(signal.released_at, "long", locale=language),
    }
    advice = say["advice"][signal.because.get("advice", "general")]
    return Wording(
        title=_first_upper(say[_title(signal)].format(**fields)),
        body="\n\n".join(" ".join(say[code].format(**fields) for code in part) for part in _parts(signal)),
        advice="\n\n".join(
            [say["watch"].format(signs=advice["signs"]), advice["do"], say["emergency"], say["help"]]
        ),
    )


def shown_words(language: str) -> Mapping[str, str]:
    """Labels and lines that stand beside an alert wherever it is shown, by code.

    Raises
    ------
    KeyError : a language there are no sentences for.
    """
    words: Mapping[str, str] = _sentences()[language]["shown"]
    return words


def status_lines(alert: PublishedAlert, language: str) -> tuple[str, ...]:
    """What stands beside an alert and cannot be edited away: simulated, region, its end, its withdrawal."""
    fields = {
        "region": alert.region,
        "expires": format_date(last_day(alert.expires_at), "long", locale=language),
        "updated": format_date(alert.updated_at, "long", locale=language),
        "reason": alert.withdraw_reason,
    }
    say = shown_words(language)
    return tuple(say[code].format(**fields) for code in _status(alert))


def in_sentence(name: str) -> str:
    """A name as it stands within a sentence: "Ketamine" in lower case, "MDMA" and "2-MMC" as they are."""
    return re.sub(r"(?<!\w)[A-ZÀ-Ý][a-zà-ÿ]{2,}", lambda word: word[0].lower(), name)


def last_day(expires_at: datetime) -> date:
    """The last day something that ends at this moment is shown; midnight belongs to the day before."""
    return (expires_at - timedelta(seconds=1)).date()


def name_groups(groups: Iterable[Substances], language: str) -> tuple[str, ...]:
    """One name per finding in the reader's language, isomers joined by "or"."""
    say = _sentences()[language]
    return tuple(_group(group, language, say, shown_name) for group in groups)


def forbidden_words(texts: Iterable[str], language: str) -> tuple[str, ...]:
    """Words that promise too much or judge, as they stand in the texts; empty if there are none."""
    words = _sentences()["forbidden"].get(language, ())
    joined = "\n".join(texts).casefold()
    return tuple(word for word in words if _holds(joined, word))


def names_held(texts: Iterable[str], names: Iterable[str]) -> tuple[str, ...]:
    """Those of ``names`` (sites, references) that the texts give away, whatever the case."""
    joined = "\n".join(texts).casefold()
    return tuple(name for name in names if name and _holds(joined, name.casefold()))


def _holds(text: str, word: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None


def _substances(
    groups: Sequence[Substances],
    language: str,
    say: Mapping[str, Any],
    name_of: Callable[[str, str, str], str],
) -> str:
    named = [in_sentence(_group(group, language, say, name_of)) for group in groups]
    if len(named) > 1:
        named = [
            f"({name})" if len(group.keys) > 1 else name for name, group in zip(named, groups, strict=True)
        ]
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} {say['and']} {named[-1]}"


def _group(
    group: Substances, language: str, say: Mapping[str, Any], name_of: Callable[[str, str, str], str]
) -> str:
    names = (name_of(key, name, language) for key, name in zip(group.keys, group.names, strict=True))
    return f" {say['or']} ".join(names)


def _status(alert: PublishedAlert) -> list[str]:
    codes = ["simulated_line"] * alert.simulated
    if alert.state is PublicState.WITHDRAWN:
        return [*codes, "withdrawn_line", *["reason_line"] * bool(alert.withdraw_reason)]
    if alert.state is PublicState.EXPIRED:
        return [*codes, "expired_line"]
    return [*codes, *["region_line"] * bool(alert.region), "valid_line"]


def _title(signal: SignalView) -> str:
    if _was_said(signal):
        return "title_sold_as"
    return "title" if signal.region else "title_no_region"


def _parts(signal: SignalView) -> list[list[str]]:
    """Codes of sentences, by paragraph."""
    absent = signal.rule is Rule.MISMATCH or "sold_as_absent" in signal.because
    one_of = any(len(group.keys) > 1 for group in signal.substances)
    what = ["found" if _was_said(signal) else "found_no_sale"]
    what += ["absent"] * (absent and _was_said(signal)) + ["one_of"] * one_of
    what += ["first"] * (Rule.FIRST_EVER in (signal.rule, *signal.also))
    what += ["adverse"] * ("adverse_event" in signal.because)
    where = ["analysed" if signal.region else "analysed_no_region"]
    return [where + what, [signal.certainty.value, "look_alike"]]


def _was_said(signal: SignalView) -> bool:
    return signal.sold_as not in {"", NOTHING_SAID}


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]

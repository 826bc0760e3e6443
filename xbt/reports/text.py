"""Text on its way into a PDF: words of the report, dates, and the one place where markup is taken away.

Promises that nothing written by anybody is read as markup: reportlab's paragraphs would open the file named
by an ``<img src>``. Characters that steer the direction of writing or the terminal are left out, so that a
name cannot pretend to be another.
"""

from __future__ import annotations

import tomllib
import unicodedata
from datetime import date
from functools import cache
from importlib.resources import files
from xml.sax.saxutils import escape

from babel.dates import format_date

from xbt.risk.texts import spoken

MAX_CELL = 400
_LOCALES = {"en": "en_GB", "fr": "fr_FR"}  # day before month in both


@cache
def labels(language: str) -> dict[str, str]:
    """The words of the report; English for a language that is not there."""
    data = tomllib.loads(files("xbt.reports").joinpath("labels.toml").read_text("utf-8"))
    found: dict[str, str] = data[spoken(language)]
    return found


def plain(text: str) -> str:
    """Text as it will be seen: no control or direction characters, white space as it is."""
    return "".join(" " if sign in "\t\n\r" else sign for sign in text if _shown(sign))


def markup(text: str, limit: int | None = None) -> str:
    """Text that a paragraph shows letter by letter; longer than ``limit``, it ends with an ellipsis."""
    seen = plain(text)
    if limit is not None and len(seen) > limit:
        seen = seen[: limit - 1] + "…"
    return escape(seen)


def day(value: date | None, language: str) -> str:
    """A date in words, "" for none."""
    return "" if value is None else format_date(value, format="long", locale=_LOCALES[spoken(language)])


def _shown(sign: str) -> bool:
    return sign in "\t\n\r" or unicodedata.category(sign) not in ("Cc", "Cf", "Cs", "Co", "Cn")

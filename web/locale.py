"""Which language a page speaks, and numbers and dates in it.

Public pages follow the path (``/fr/…``, ``/en/…``), else the browser, and set no cookie. Staff pages follow
what the person chose, else the browser.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date, datetime

from flask import Flask, g, has_request_context, request, session
from flask_babel import (
    Babel,
    format_date,
    format_datetime,
    format_decimal,
    format_percent,
    get_locale,
    gettext,
)

from web.record import record

LANGUAGES = {"fr": "Français", "en": "English"}
LOCALES = {"fr": "fr", "en": "en_GB"}  # how dates are written
SESSION_KEY = "language"


def install(app: Flask) -> None:
    """Give ``app`` its translations, and templates the formats and the direction of writing."""
    app.config.setdefault("BABEL_TRANSLATION_DIRECTORIES", "translations")
    Babel(app, locale_selector=select_language)
    app.jinja_env.filters.update(
        day=day, moment=moment, percent=percent, minutes=minutes, decimal=format_decimal, size=size
    )
    app.jinja_env.filters.update(signed=signed, rf_list=rf_list)
    app.context_processor(lambda: {"language": language(), "direction": direction(), "languages": LANGUAGES})


def select_language() -> str | None:
    """The language for this request; None outside of one."""
    if not has_request_context():
        return None
    asked = g.get("language")
    if asked is None and request.blueprint == "staff":
        asked = session.get(SESSION_KEY)
    if asked not in LANGUAGES:
        default = record().settings.default_language
        asked = request.accept_languages.best_match(LANGUAGES, default=default)
    return LOCALES[str(asked)]


def language() -> str:
    """Two letters: the language the page is in."""
    locale = get_locale()
    return locale.language if locale else "en"


def direction() -> str:
    """``ltr`` or ``rtl``."""
    locale = get_locale()
    return str(locale.text_direction) if locale else "ltr"


def say(text: str, **values: object) -> str:
    """``text`` in the language of the page, with ``%(name)s`` filled in."""
    return str(gettext(text, **values))


def day(value: date | datetime | None) -> str:
    """A date as people write it; empty for None."""
    return "" if value is None else str(format_date(value, "long"))


def moment(value: datetime | None) -> str:
    """A date with the hour; empty for None."""
    return "" if value is None else str(format_datetime(value, "d MMM y, HH:mm"))


def percent(share: float) -> str:
    """A share of 0..1 as whole percent; small but present is "< 1 %", never "0 %"."""
    if 0 < share < 0.01:
        return "< " + str(format_percent(0.01))
    return str(format_percent(share, "#,##0 %" if language() == "fr" else "#,##0%"))


def size(count: int) -> str:
    """A number of bytes in the greatest unit that leaves at least one, as a person reads it."""
    letter = "o" if language() == "fr" else "B"
    step = min(int(math.log(max(count, 1), 1000)), 3)
    return f"{format_decimal(count / 1000**step, '0.#')} {('', 'k', 'M', 'G')[step]}{letter}"


def minutes(value: float | None) -> str:
    """A retention time with two decimals; a dash where the file has no time axis."""
    return "–" if value is None else str(format_decimal(value, "0.00"))


def signed(value: float) -> str:
    """A difference with its sign and one decimal."""
    return str(format_decimal(value, "+0.0;−0.0"))


def rf_list(places: Iterable[float]) -> str:
    """Retardation factors with two decimals."""
    return "; ".join(str(format_decimal(place, "0.00")) for place in places)

"""What no alert may say or be, whoever writes it.

Promises that a text that passes holds no word that promises or judges, no name of a site, no number of a
sample, and that the alert has words and an end within 180 days.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.lifecycle import LONGEST
from alerts.values import Wording
from alerts.wording import LANGUAGES, forbidden_words, names_held
from xbt.db.models import Sample, Site
from xbt.domain.errors import Refused

TITLE_LIMIT = 160
TEXT_LIMIT = 5000
_REFERENCE = re.compile(r"(?<!\d)\d{2}-\d{5,}(?!\d)")


class InvalidAlert(Refused):
    """The words, the level or the dates of an alert break a rule; fields say which and where."""


def check(session: Session, texts: Mapping[str, Wording], expires_at: datetime, now: datetime) -> None:
    """Return if an alert with these words and this end may be made public.

    Raises
    ------
    InvalidAlert : ``already_over`` · ``too_long_valid`` (180 days) · ``text_needed`` · ``language_unknown``
        · ``title_long`` (160) · ``text_long`` (5000) · ``forbidden_word`` · ``names_site`` ·
        ``names_sample``; fields ``language``, ``word``, ``name``, ``maximum`` where they apply.
    """
    if expires_at <= now:
        raise InvalidAlert("already_over")
    if expires_at - now > LONGEST:
        raise InvalidAlert("too_long_valid", maximum=str(LONGEST.days))
    if not texts:
        raise InvalidAlert("text_needed", language="")
    for language, words in texts.items():
        _check_words(language, words)
        check_discreet(session, [words.title, words.body, words.advice])


def _check_words(language: str, words: Wording) -> None:
    if language not in LANGUAGES:
        raise InvalidAlert("language_unknown", language=language)
    if not words.title.strip() or not words.body.strip():
        raise InvalidAlert("text_needed", language=language)
    if len(words.title) > TITLE_LIMIT:
        raise InvalidAlert("title_long", language=language, maximum=str(TITLE_LIMIT))
    if max(len(words.body), len(words.advice)) > TEXT_LIMIT:
        raise InvalidAlert("text_long", language=language, maximum=str(TEXT_LIMIT))
    found = forbidden_words([words.title, words.body, words.advice], language)
    if found:
        raise InvalidAlert("forbidden_word", language=language, word=found[0])


def check_discreet(session: Session, texts: Sequence[str]) -> None:
    """Return if the texts name no site of the network and no sample.

    Raises
    ------
    InvalidAlert : ``names_site`` or ``names_sample``, field ``name``.
    """
    sites = session.execute(select(Site.name, Site.region)).all()
    named = names_held(texts, [name for name, region in sites if name.casefold() != region.casefold()])
    if named:
        raise InvalidAlert("names_site", name=named[0])
    references = {match for text in texts for match in _REFERENCE.findall(text)}
    known = session.scalar(select(Sample.reference).where(Sample.reference.in_(references)))
    if known is not None:
        raise InvalidAlert("names_sample", name=known)

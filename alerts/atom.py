"""The alerts as an Atom feed (RFC 4287), one per language.

Promises: an entry keeps its id through every revision; what is withdrawn or has ended says so in place of
its words and leaves the feed after thirty days; level, region and substances only: no site, no sample,
nobody's name. Text is carried as plain text, so nothing in it can act as markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5
from xml.etree import ElementTree as ET

from alerts.values import PublicState, PublishedAlert, Wording
from alerts.wording import name_groups, shown_words, status_lines

ATOM = "http://www.w3.org/2005/Atom"
KEPT_AFTER_END = timedelta(days=30)
# Control characters cannot be written in XML at all, not even escaped.
_XML_FORBIDS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def feed(alerts: Iterable[PublishedAlert], base_url: str, language: str, updated: datetime) -> bytes:
    """The feed as UTF-8 XML.

    Parameters
    ----------
    alerts : as `alerts.services.published` gives them with ``include_ended=True``.
    base_url : absolute address of the public pages, e.g. ``https://example.org``; ids derive from it.
    language : "fr" or "en"; an alert without words in it is shown in the words there are, marked as such.
    updated : now, aware; entries that ended more than 30 days before are left out.

    Raises
    ------
    ValueError : ``base_url`` is not an absolute http(s) address.
    KeyError : a language there are no sentences for.
    """
    base = _absolute(base_url)
    shown = sorted((alert for alert in alerts if _is_shown(alert, updated)), key=_changed, reverse=True)
    say = shown_words(language)
    address = f"{base}/{language}/alerts.atom"
    root = ET.Element("feed", {"xmlns": ATOM, "xml:lang": language})
    _add(root, "id", _urn(address))
    _add(root, "title", say["feed_title"])
    _add(root, "subtitle", say["feed_subtitle"])
    _add(root, "updated", _time(_changed(shown[0]) if shown else updated))
    _add(root, "link", rel="self", type="application/atom+xml", href=address)
    _add(root, "link", rel="alternate", type="text/html", href=f"{base}/{language}/alerts")
    _add(_add(root, "author"), "name", say["author"])
    root.extend(_entry(alert, base, language) for alert in shown)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _entry(alert: PublishedAlert, base: str, language: str) -> ET.Element:
    shown_language, words = alert.text(language)
    say = shown_words(shown_language)
    entry = ET.Element("entry", {"xml:lang": shown_language})
    _add(entry, "id", _urn(f"{base}/alerts/{alert.number}"))
    _add(entry, "title", _title(alert, words, say))
    _add(entry, "published", _time(alert.published_at))
    _add(entry, "updated", _time(_changed(alert)))
    _add(entry, "link", rel="alternate", type="text/html", href=f"{base}/{language}/alerts/{alert.number}")
    _add(
        entry, "category", term=alert.level.value, scheme=f"{base}/alerts#level", label=say[alert.level.value]
    )
    for names in name_groups(alert.substances, shown_language):
        _add(entry, "category", term=names, scheme=f"{base}/alerts#substance")
    _add(entry, "content", "\n\n".join(_content(alert, words, shown_language)), type="text")
    return entry


def _title(alert: PublishedAlert, words: Wording, say: Mapping[str, str]) -> str:
    marks = [say["simulated"]] * alert.simulated
    if alert.state is not PublicState.CURRENT:
        marks.append(say[alert.state.value])
    elif alert.revision > 1:
        marks.append(say["updated"])
    return "".join(f"[{mark}] " for mark in marks) + words.title


def _content(alert: PublishedAlert, words: Wording, language: str) -> list[str]:
    status = list(status_lines(alert, language))
    if alert.state is not PublicState.CURRENT:
        return status
    return [text for text in (words.body, words.advice) if text] + status


def _is_shown(alert: PublishedAlert, now: datetime) -> bool:
    return alert.state is PublicState.CURRENT or now - _changed(alert) <= KEPT_AFTER_END


def _changed(alert: PublishedAlert) -> datetime:
    return alert.expires_at if alert.state is PublicState.EXPIRED else alert.updated_at


def _absolute(base_url: str) -> str:
    parts = urlsplit(base_url)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ValueError(f"not an absolute address: {base_url!r}")
    return base_url.rstrip("/")


def _urn(address: str) -> str:
    return f"urn:uuid:{uuid5(NAMESPACE_URL, address)}"


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")


def _add(parent: ET.Element, name: str, text: str | None = None, **attributes: str) -> ET.Element:
    child = ET.SubElement(parent, name, attributes)
    child.text = None if text is None else _XML_FORBIDS.sub("", text)
    return child

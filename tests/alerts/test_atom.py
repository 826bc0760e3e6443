from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.atom import ATOM, feed
from alerts.services import PublicState, PublishedAlert, Severity, Substances, Wording

NOW = datetime(2026, 11, 22, 9, 30, 15, 4567, tzinfo=UTC)
BASE = "https://example.org"
NS = {"a": ATOM}
LANG = "{http://www.w3.org/XML/1998/namespace}lang"
ALERT = PublishedAlert(
    number=7,
    revision=1,
    state=PublicState.CURRENT,
    level=Severity.WARNING,
    region="Occitanie",
    substances=(Substances(("2-mmc", "3-mmc"), ("2-MMC", "3-MMC")),),
    texts={
        "fr": Wording("Titre <b>gras</b> & autres", "Corps.\n\nSuite ]]> <script>", "Conseil."),
        "en": Wording("A title", "Body.", "Advice."),
    },
    simulated=False,
    published_at=NOW - timedelta(days=2),
    updated_at=NOW - timedelta(days=2),
    expires_at=NOW + timedelta(days=26),
)


def read(*alerts: PublishedAlert, language: str = "fr", now: datetime = NOW) -> ET.Element:
    return ET.fromstring(feed(alerts, BASE, language, now))  # noqa: S314  (our own bytes)


def entries(*alerts: PublishedAlert, language: str = "fr", now: datetime = NOW) -> list[ET.Element]:
    return read(*alerts, language=language, now=now).findall("a:entry", NS)


def text(element: ET.Element, name: str) -> str:
    (child,) = element.findall(f"a:{name}", NS)
    return child.text or ""


def test_a_feed_has_what_the_standard_asks_for() -> None:
    root = read(ALERT)
    assert root.tag == f"{{{ATOM}}}feed"
    assert root.get(LANG) == "fr"
    for element in (root, *root.findall("a:entry", NS)):
        assert text(element, "id").startswith("urn:uuid:")
        assert text(element, "title")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text(element, "updated"))
    assert text(root, "updated") == "2026-11-20T09:30:15Z"
    assert root.findtext("a:author/a:name", namespaces=NS)
    links = {link.get("rel"): link.get("href", "") for link in root.findall("a:link", NS)}
    assert links == {"self": f"{BASE}/fr/alerts.atom", "alternate": f"{BASE}/fr/alerts"}
    (entry,) = root.findall("a:entry", NS)
    link = entry.find("a:link[@rel='alternate']", NS)
    assert link is not None
    assert link.get("href") == f"{BASE}/fr/alerts/7"
    assert entry.find("a:content", NS) is not None


def test_an_empty_feed_is_a_feed() -> None:
    root = read()
    assert root.findall("a:entry", NS) == []
    assert text(root, "updated") == "2026-11-22T09:30:15Z"


def test_markup_in_words_stays_words() -> None:
    (entry,) = entries(ALERT)
    assert text(entry, "title") == "Titre <b>gras</b> & autres"
    content = entry.find("a:content", NS)
    assert content is not None
    assert content.get("type") == "text"
    assert (content.text or "").startswith("Corps.\n\nSuite ]]> <script>\n\nConseil.")
    assert len(content) == 0
    assert "18 décembre 2026" in (content.text or "")


def test_categories_are_level_and_substances_in_the_language() -> None:
    (entry,) = entries(ALERT)
    terms = {(c.get("scheme"), c.get("term"), c.get("label")) for c in entry.findall("a:category", NS)}
    assert terms == {
        (f"{BASE}/alerts#level", "warning", "Alerte"),
        (f"{BASE}/alerts#substance", "2-MMC ou 3-MMC", None),
    }


def test_a_revision_keeps_the_id_and_moves_the_date() -> None:
    (first,) = entries(ALERT)
    revised = replace(ALERT, revision=2, updated_at=NOW)
    (second,) = entries(revised)
    assert text(first, "id") == text(second, "id")
    assert text(first, "published") == text(second, "published")
    assert text(second, "updated") == "2026-11-22T09:30:15Z"
    assert text(second, "title").startswith("[Mis à jour] ")
    assert text(entries(replace(ALERT, number=8))[0], "id") != text(first, "id")


@pytest.mark.parametrize(
    ("ended", "says"),
    [
        (replace(ALERT, state=PublicState.WITHDRAWN, updated_at=NOW, withdraw_reason="Erreur."), "Retirée"),
        (replace(ALERT, state=PublicState.EXPIRED, expires_at=NOW), "Terminée"),
    ],
)
def test_what_is_over_says_so_for_thirty_days_and_no_more(ended: PublishedAlert, says: str) -> None:
    (entry,) = entries(ended)
    assert text(entry, "title").startswith(f"[{says}] ")
    assert "Corps." not in text(entry, "content")
    assert "Conseil." not in text(entry, "content")
    assert text(entry, "updated") == "2026-11-22T09:30:15Z"
    assert len(entries(ended, now=NOW + timedelta(days=30))) == 1
    assert entries(ended, now=NOW + timedelta(days=30, seconds=1)) == []


def test_a_withdrawal_tells_its_reason() -> None:
    withdrawn = replace(ALERT, state=PublicState.WITHDRAWN, updated_at=NOW, withdraw_reason="Lab error.")
    (entry,) = entries(withdrawn, language="en")
    assert "withdrawn on November 22, 2026" in text(entry, "content")
    assert "Reason: Lab error." in text(entry, "content")


def test_the_other_language_is_shown_as_such() -> None:
    english = replace(ALERT, texts={"en": ALERT.texts["en"]})
    (entry,) = entries(english, language="fr")
    assert entry.get(LANG) == "en"
    assert "This alert ends on" in text(entry, "content")


def test_what_is_simulated_says_so_twice() -> None:
    (entry,) = entries(replace(ALERT, simulated=True))
    assert text(entry, "title").startswith("[Simulé] ")
    assert "exemple simulé" in text(entry, "content")


def test_an_end_at_midnight_is_the_day_before() -> None:
    midnight = datetime(2026, 12, 21, tzinfo=UTC)
    (entry,) = entries(replace(ALERT, expires_at=midnight), language="en")
    assert "ends on December 20, 2026" in text(entry, "content")


def test_the_latest_change_comes_first() -> None:
    older = replace(ALERT, number=1, updated_at=NOW - timedelta(days=5))
    numbers = [text(entry, "id") for entry in entries(older, ALERT)]
    assert numbers == [text(entry, "id") for entry in entries(ALERT, older)]
    assert numbers[0] == text(entries(ALERT)[0], "id")


@pytest.mark.parametrize("base", ["/alerts", "example.org", "javascript:alert(1)", ""])
def test_a_relative_address_is_refused(base: str) -> None:
    with pytest.raises(ValueError, match="absolute"):
        feed((), base, "fr", NOW)


@given(st.text(max_size=60), st.text(max_size=200))
def test_any_words_make_readable_xml(title: str, body: str) -> None:
    (entry,) = entries(replace(ALERT, texts={"fr": Wording("t" + title, body)}))
    assert text(entry, "title").startswith("t")
    if all(character.isprintable() for character in body):
        assert text(entry, "content").startswith(body)

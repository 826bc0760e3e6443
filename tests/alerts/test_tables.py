from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any

import pytest

from alerts.signals import _tables as tables  # the tables as detection uses them
from alerts.wording import shown_words
from library.substances import load_substances
from library.vocabulary import groups


def read(name: str) -> dict[str, Any]:
    return tomllib.loads(files("alerts.tables").joinpath(name).read_text(encoding="utf-8"))


def names() -> list[str]:
    watch = [name for row in read("watch_list.toml")["entry"] for name in row.get("substances", ())]
    rows = read("products.toml")["product"]
    products = [
        name for row in rows for name in (row["product"], *row.get("seen_as", ()), *row.get("companions", ()))
    ]
    return [*watch, *products, *read("established.toml")["established"], *read("actives.toml")["inactive"]]


@pytest.mark.parametrize("name", sorted(set(names())))
def test_every_name_is_in_the_substance_list(name: str) -> None:
    assert load_substances().resolve(name) is not None


def test_what_the_substance_list_wants_watched_is_on_the_watch_list() -> None:
    loaded = tables()
    assert [
        one.name_en
        for one in load_substances()
        if one.watch != (loaded.watched(one.key, one.family, one.name_en) is not None)
    ] == []


def test_codes_of_classes_families_and_groups_exist() -> None:
    known = {one.cls for one in load_substances()} | {one.family for one in load_substances()}
    loaded = tables()
    used = {code for kind in loaded.kinds.values() for code in kind.kinds}
    used |= {code for entry in loaded.watch_list for code in entry.families}
    assert used | loaded.inactive_classes | loaded.warning_classes <= known
    assert set(loaded.kinds) <= set(groups())


def test_every_line_says_why_and_what_to_advise() -> None:
    advice = read("wording.toml")
    for row in read("watch_list.toml")["entry"]:
        assert len(row["why"]) > 40
        assert row["advice"] in advice["fr"]["advice"]
        assert row["advice"] in advice["en"]["advice"]
    assert all(len(row["why"]) > 10 for row in read("products.toml")["product"])


def test_the_languages_have_the_same_sentences() -> None:
    sentences = read("wording.toml")

    def keys(value: object, path: str = "") -> set[str]:
        if not isinstance(value, dict):
            return {path}
        return {inner for key, part in value.items() for inner in keys(part, f"{path}.{key}")}

    assert keys(sentences["fr"]) == keys(sentences["en"])
    assert shown_words("fr")["warning"] == "Alerte"


def test_nothing_is_both_watched_and_ordinary() -> None:
    loaded = tables()
    substances = load_substances()
    ordinary = loaded.established | loaded.inactive
    watched = {
        name
        for name in names()
        if (known := substances.resolve(name)) and known.key in ordinary
        if (entry := loaded.watched(known.key, known.family, known.name_en))
        and entry.code != "fentanyl_precursor"
    }
    assert watched == set()

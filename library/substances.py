"""The substances a drug-checking service must know: identity, names, class.

Promises: a name found is the name of that substance, in any case, accent, spacing or language; two substances
that share a skeleton are never taken for each other because a key lacks its stereochemistry.
Refuses to guess: a name with an extra word that may be another molecule, or with two substances, gives None.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from library import wording
from library.forms import Form, form_of
from library.tables import rows


@dataclass(frozen=True, slots=True)
class Substance:
    """One substance.

    Parameters
    ----------
    key : stable slug, the name the project uses in its own tables.
    inchikey : standard InChIKey of the base, "" where not known.
    synonyms : other chemical and international names. street_names : what people and packages say.
    formula, exact_mass : of the base; mass in u, most abundant isotopes.
    cas : "" where not known.
    cls : class code such as "opioid"; family : narrower, such as "fentanyl".
    watch : a finding that coordinators want to hear of at once.
    source : where the identity comes from.
    """

    key: str
    inchikey: str
    name_en: str
    name_fr: str
    synonyms: tuple[str, ...]
    street_names: tuple[str, ...]
    formula: str
    exact_mass: float
    cas: str
    cls: str
    family: str
    watch: bool
    source: str

    def name(self, language: str) -> str:
        """The name in French for "fr", else in English."""
        return self.name_fr if language == "fr" else self.name_en


@dataclass(frozen=True, slots=True)
class Substances:
    """All substances, to be looked up by key, InChIKey or name. Iterates in key order."""

    all: tuple[Substance, ...]
    _keys: dict[str, Substance] = field(repr=False)
    _inchikeys: dict[str, Substance] = field(repr=False)
    _skeletons: dict[str, tuple[Substance, ...]] = field(repr=False)
    _names: dict[str, Substance] = field(repr=False)

    def __iter__(self) -> Iterator[Substance]:
        return iter(self.all)

    def __len__(self) -> int:
        return len(self.all)

    @property
    def classes(self) -> tuple[str, ...]:
        """Class codes in use, sorted."""
        return tuple(sorted({substance.cls for substance in self.all}))

    def by_key(self, key: str) -> Substance | None:
        """The substance with this slug."""
        return self._keys.get(key)

    def by_inchikey(self, inchikey: str) -> Substance | None:
        """By the whole key, else by its first block if only one substance has it."""
        if inchikey in self._inchikeys:
            return self._inchikeys[inchikey]
        same = self._skeletons.get(inchikey.partition("-")[0], ())
        return same[0] if len(same) == 1 else None

    def resolve(self, text: str) -> Substance | None:
        """The substance that ``text`` names: name, synonym or street name, doses and forms ignored."""
        whole = self._names.get(wording.squash(text))
        return whole or self._covered(wording.tokens(wording.without_doses(text)))

    def display_name(self, inchikey_or_name: str, language: str) -> str:
        """The name in ``language``; what was asked for itself where it is not in the table."""
        found = self.by_key(inchikey_or_name) or self.by_inchikey(inchikey_or_name)
        found = found or self.resolve(inchikey_or_name)
        return inchikey_or_name if found is None else found.name(language)

    def _covered(self, words: tuple[str, ...]) -> Substance | None:
        """The one substance whose names, with fillers, make up all the words."""
        found: set[str] = set()
        start = 0
        while start < len(words):
            hit = next((s for s in self._longest(words, start)), None)
            if hit is not None:
                found.add(hit[0].key)
                start += hit[1]
            elif words[start] in wording.FILLERS:
                start += 1
            else:
                return None
        return self._keys[found.pop()] if len(found) == 1 else None

    def _longest(self, words: tuple[str, ...], start: int) -> Iterator[tuple[Substance, int]]:
        for length in range(min(8, len(words) - start), 0, -1):
            name = self._names.get("".join(words[start : start + length]))
            if name is not None:
                yield name, length


@lru_cache(maxsize=1)
def load_substances() -> Substances:
    """The shipped table, read once per process.

    Raises
    ------
    ValueError : two substances share a key, an InChIKey or a name.
    """
    said: dict[str, list[str]] = {}
    for row in rows("street_names.tsv"):
        said.setdefault(row["code"], []).append(row["alias"])
    every = tuple(_substance(row, said.get(row["key"], [])) for row in rows("substances.tsv"))
    skeletons: dict[str, tuple[Substance, ...]] = {}
    for one in every:
        if one.inchikey:
            block = one.inchikey[:14]
            skeletons[block] = (*skeletons.get(block, ()), one)
    return Substances(
        all=every,
        _keys=_index((one.key, one) for one in every),
        _inchikeys=_index((one.inchikey, one) for one in every if one.inchikey),
        _skeletons=skeletons,
        _names=_index((name, one) for one in every for name in names_of(one)),
    )


def names_of(substance: Substance) -> set[str]:
    """Every spelling that names the substance, as ``wording.squash`` makes it."""
    own = (substance.key, substance.name_en, substance.name_fr)
    return {wording.squash(name) for name in (*own, *substance.synonyms, *substance.street_names)}


def classify_form(name: str, formula: str = "", inchikey: str = "") -> Form:
    """In which form a library record holds a substance, and of which one of the shipped table.

    Parameters
    ----------
    name, formula, inchikey : of the record; "" where it does not tell.
    """
    return form_of(name, formula, inchikey, _find)


def _find(name: str, inchikey: str) -> str:
    known = load_substances()
    found = known.by_inchikey(inchikey) if inchikey else None
    if found is None and (named := known.resolve(name)) and _same_skeleton(named.inchikey, inchikey):
        found = named
    return found.key if found else ""


def _same_skeleton(one: str, other: str) -> bool:
    return not other or one.partition("-")[0] == other.partition("-")[0]


def _substance(row: dict[str, str], street_names: list[str]) -> Substance:
    return Substance(
        key=row["key"],
        inchikey=row["inchikey"],
        name_en=row["name_en"],
        name_fr=row["name_fr"],
        synonyms=tuple(filter(None, row["synonyms"].split("|"))),
        street_names=tuple(dict.fromkeys(street_names)),
        formula=row["formula"],
        exact_mass=float(row["exact_mass"]),
        cas=row["cas"],
        cls=row["class"],
        family=row["family"],
        watch=row["watch"] == "yes",
        source=row["identity_source"],
    )


def _index(pairs: Iterable[tuple[str, Substance]]) -> dict[str, Substance]:
    made: dict[str, Substance] = {}
    for name, substance in pairs:
        other = made.setdefault(name, substance)
        if other is not substance:
            msg = f"{name!r} names both {other.key} and {substance.key}"
            raise ValueError(msg)
    return made

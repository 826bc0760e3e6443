"""From the words on an intake form to a code: which substance or group it was sold as.

Promises: one code or none; a group ("benzo_unspecified") gives way to a substance of it named beside it.
Refuses to guess: two different substances, or a word beside a name that makes it another molecule, give "".
A slip of one letter is forgiven in long medicine names only, never where one letter is another drug.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from library import wording
from library.substances import Substance, load_substances, names_of
from library.tables import rows

NOTHING_SAID = "unknown"
LONGEST_NAME = 8  # tokens, "delta 9 tetrahydrocannabinol" has 3
SHORTEST_FORGIVEN = 6  # letters

# Where a letter more or less is another drug: no slip is forgiven.
_STRICT_CLASSES = frozenset({"cathinone", "nitazene", "psychedelic", "dissociative"})
_STRICT_FAMILIES = frozenset({"fentanyl", "nps_benzodiazepine", "synthetic_cannabinoid", "steroid"})


@dataclass(frozen=True, slots=True)
class Group:
    """What people say who do not name one substance; the code is stable.

    ``gives_way_to`` holds the classes and families of the substances it is a vaguer word for, or "*".
    """

    code: str
    label_en: str
    label_fr: str
    gives_way_to: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Words:
    """Spellings with their codes: all, those that count beside others, those in which a slip is forgiven."""

    whole: dict[str, str]
    beside: dict[str, str]
    forgiving: tuple[str, ...]


@lru_cache(maxsize=1)
def groups() -> dict[str, Group]:
    """The groups by code, in code order."""
    return {row["code"]: _group(row) for row in rows("vocabulary.tsv")}


def label(code: str, language: str) -> str:
    """What to call a sold-as code in ``language`` ("fr" or "en"); the code itself where it is not known."""
    group = groups().get(code)
    if group is not None:
        return group.label_fr if language == "fr" else group.label_en
    substance = load_substances().by_key(code)
    return substance.name(language) if substance else code


def codes() -> tuple[str, ...]:
    """Every code ``sold_as`` may give: substance keys, then group codes."""
    return (*(one.key for one in load_substances()), *groups())


def sold_as(text: str) -> str:
    """Code of what ``text`` says the sample was sold as; "" where not recognised or where it names two."""
    if not text.strip():
        return ""
    known = _words()
    whole = known.whole.get(wording.squash(text))
    if whole is not None:
        return whole
    words = wording.tokens(wording.without_doses(text))
    spans = tuple(_spans(words, known.beside))
    rest = _rest(words, spans)
    if _another_molecule(words, spans, rest):
        return ""
    named = {known.beside["".join(words[first:last])] for first, last in spans}
    named |= {code for i in rest for code in _slips(words[i])}
    exact = _exact(named)
    return exact.pop() if len(exact) == 1 else ""


def _spans(words: tuple[str, ...], known: dict[str, str]) -> Iterator[tuple[int, int]]:
    """First and last token of each name, longest first, never overlapping."""
    start = 0
    while start < len(words):
        longest = min(LONGEST_NAME, len(words) - start)
        ends = (start + n for n in range(longest, 0, -1) if "".join(words[start : start + n]) in known)
        end = next(ends, None)
        if end is not None:
            yield start, end
        start = end or start + 1


def _rest(words: tuple[str, ...], spans: tuple[tuple[int, int], ...]) -> tuple[int, ...]:
    """Positions of the words that belong to no name and mean something."""
    named = {i for first, last in spans for i in range(first, last)}
    return tuple(i for i, word in enumerate(words) if i not in named and word not in wording.FILLERS)


def _another_molecule(
    words: tuple[str, ...], spans: tuple[tuple[int, int], ...], rest: tuple[int, ...]
) -> bool:
    """Whether what stands beside a name, or a longer word that ends in one, may name something else."""
    beside = {i for first, last in spans for i in (first - 1, last)}
    if any(wording.may_be_another_molecule(words[i]) for i in rest if i in beside):
        return True
    names = [name for first, last in spans if len(name := "".join(words[first:last])) > SHORTEST_FORGIVEN]
    return any(words[i].endswith(name) for i in rest for name in names)


def _exact(named: set[str]) -> set[str]:
    """Codes without the vaguer words for what another one says."""
    return {code for code in named if not any(_vaguer(code, other) for other in named - {code})}


def _vaguer(code: str, other: str) -> bool:
    group = groups().get(code)
    if group is None:
        return False
    if "*" in group.gives_way_to:
        return code == NOTHING_SAID or other != NOTHING_SAID
    substance = load_substances().by_key(other)
    return substance is not None and not group.gives_way_to.isdisjoint((substance.cls, substance.family))


def _slips(word: str) -> set[str]:
    """The code that a misspelt word stands for, if only one is a slip away."""
    if len(word) < SHORTEST_FORGIVEN or not word.isalpha():
        return set()
    known = _words()
    found = {known.whole[name] for name in known.forgiving if wording.one_slip_apart(word, name)}
    return found if len(found) == 1 else set()


@lru_cache(maxsize=1)
def _words() -> _Words:
    said = tuple(rows("street_names.tsv"))
    own = {name: one.key for one in load_substances() for name in names_of(one)}
    labels = {wording.squash(text): group.code for group in groups().values() for text in _labels(group)}
    whole = labels | own | {wording.squash(row["alias"]): row["code"] for row in said}
    alone = {wording.squash(row["alias"]) for row in said if row["alone"]}
    lenient = {name for one in load_substances() if _forgives(one) for name in names_of(one)}
    return _Words(
        whole=whole,
        beside={name: code for name, code in whole.items() if name not in alone and not name.isdigit()},
        forgiving=tuple(sorted(n for n in lenient if n.isalpha() and len(n) >= SHORTEST_FORGIVEN)),
    )


def _labels(group: Group) -> tuple[str, str, str]:
    return group.code, group.label_en, group.label_fr


def _group(row: dict[str, str]) -> Group:
    broader = frozenset(filter(None, row["gives_way_to"].split("|")))
    return Group(row["code"], row["label_en"], row["label_fr"], broader)


def _forgives(substance: Substance) -> bool:
    return substance.cls not in _STRICT_CLASSES and substance.family not in _STRICT_FAMILIES

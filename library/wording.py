"""What people and libraries call a substance, brought to one spelling.

Promises: the same key for any case, accent, Greek letter, spacing and punctuation; doses are not names.
Refuses to guess: words that may be another molecule ("methyl", "d3", a locant) are never dropped.
"""

from __future__ import annotations

import html
import re
import unicodedata

_GREEK = str.maketrans({"α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "Δ": "delta", "ω": "omega"})
_DOSE = re.compile(r"(?<![\w])(?:x\s?\d{1,3}|\d+(?:[.,]\d+)?\s?(?:mg|g|kg|µg|μg|ug|mcg|ml|cc|%|x))(?![\w])")
_TOKEN = re.compile(r"[a-z]+|\d+")
_PRIME = re.compile(r"(\d)['′’](?!\w)")  # 4'-fluoro and 4-fluoro are different molecules
_SPECIAL = re.compile("[&.']")
_SEPARATOR = re.compile(r"[^a-z0-9]+")
_MODIFIER = re.compile(
    r".*(?:yl|oxy|oxo|fluoro|chloro|bromo|iodo|hydro|desmethyl)|nor|des|bis|iso|cis|trans|ortho|meta|para"
    r"|[bhjopv]|free|low|no|not|without|sans|analog(?:ue)?|metabolite|derivative|oxide|glucuronide|sulfoxide|precursor"
)

# Words that stand beside a name without changing what it names: forms, packaging, salts.
_BESIDE = """
a an and the of in with or some bit de du des la le les un une et en avec ou mix tablet tablets tabelts
tab tabs pill pills capsule capsules caps bar bars powder crystal crystals rock shard liquid oil gel
syrup solution sample pure street base paste blotter blotters paper possible prescribed generic infused
gummy gummies sweet sweets chocolate edible edibles vape cart cartridge disposable pen juice distillate
comprime comprimes cachet cachets gelule gelules poudre cristal cristaux goutte gouttes sirop buvard
buvards hcl hbr hydrochloride hydrobromide sulphate sulfate phosphate tartrate citrate maleate fumarate
mesylate succinate chlorhydrate bromhydrate salt sel freebase dl rac racemic
"""
FILLERS = frozenset(_BESIDE.split())


def squash(text: str) -> str:
    """Letters and digits only, without case, accents or Greek: ``"α-PVP"`` and ``"alpha pvp"`` are one."""
    return _SEPARATOR.sub("", _plain(text))


def tokens(text: str) -> tuple[str, ...]:
    """Runs of letters and runs of digits, in order, lower case, accents removed."""
    return tuple(_TOKEN.findall(_plain(text)))


def without_doses(text: str) -> str:
    """``text`` in plain letters, amounts such as "10mg" or "x2" taken out."""
    return _DOSE.sub(" ", _plain(text))


def may_be_another_molecule(token: str) -> bool:
    """Whether the word beside a name can turn it into the name of another substance."""
    return _MODIFIER.fullmatch(token) is not None


def one_slip_apart(one: str, other: str) -> bool:
    """One letter missing, added, wrong, or two neighbours swapped (Damerau 1964)."""
    if abs(len(one) - len(other)) > 1 or one == other:
        return one == other
    start = next(
        (i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    a, b = one[start:], other[start:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[1::-1] == b[:2] and a[2:] == b[2:])


def _plain(text: str) -> str:
    if text.isascii() and not _SPECIAL.search(text):
        return text.lower()
    text = _PRIME.sub(r"\1prime", text)
    text = html.unescape(text).translate(_GREEK).casefold().replace("ß", "ss").replace("œ", "oe")
    bare = unicodedata.normalize("NFKD", text)
    kept = "".join(letter for letter in bare if not unicodedata.combining(letter))
    return re.sub(r"\.(alpha|beta|gamma|delta|omega)\.", r"\1", kept)

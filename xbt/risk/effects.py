"""Which finding has which effect.

A finding is known by its substance key (or, for a group of isomers, by each of them); a finding that may be
one of several has an effect as soon as one of them has it.
"""

from __future__ import annotations

from functools import cache

from library.substances import Substance, load_substances
from xbt.domain.findings import Finding
from xbt.risk.texts import catalogue


def known(key: str, name: str = "") -> Substance | None:
    """The substance behind a key of a finding: its own key, an InChIKey, or a name."""
    substances = load_substances()
    return substances.by_key(key) or substances.by_inchikey(key) or substances.resolve(name or key)


def members(finding: Finding) -> tuple[Substance, ...]:
    """The listed substances a finding may be."""
    pairs = zip(finding.substances, finding.names, strict=True)
    found = (known(key, name) for key, name in pairs)
    return tuple(substance for substance in found if substance is not None)


def having(effect: str, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The findings that may have an effect."""
    return tuple(finding for finding in findings if any(has(effect, one) for one in members(finding)))


def has(effect: str, substance: Substance) -> bool:
    """Whether a substance has an effect."""
    named, excepted = _keys(effect)
    listed = catalogue().effects[effect]
    of_a_kind = substance.cls in listed.classes or substance.family in listed.families
    return substance.key in named or (of_a_kind and substance.key not in excepted)


def has_any(finding: Finding) -> bool:
    """Whether any effect is written down for a finding."""
    return any(has(effect, one) for effect in catalogue().effects for one in members(finding))


@cache
def _keys(effect: str) -> tuple[frozenset[str], frozenset[str]]:
    listed = catalogue().effects[effect]
    return _resolved(listed.substances), _resolved(listed.exceptions)


def _resolved(names: tuple[str, ...]) -> frozenset[str]:
    substances = load_substances()
    found = (substances.resolve(name) for name in names)
    return frozenset(substance.key for substance in found if substance is not None)

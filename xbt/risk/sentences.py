"""What was found, in sentences, with what the method could not see.

Promises whole sentences: what was described, what was found, how much where that is known, what nobody could
see, and why. Refuses to state an amount without its uncertainty and its form: see `xbt.risk.amounts`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from library.families import family_label
from xbt.domain.findings import Amount, Certainty, Finding, MethodStatement, looked_for_all
from xbt.domain.lookup import PublicResult, PublicState
from xbt.risk.amounts import amount_sentence
from xbt.risk.effects import known, members
from xbt.risk.readings import reading_sentences, reagent_name, strip_name
from xbt.risk.texts import in_a_sentence, sentences, spoken

MANY = 6  # members of one family from which on the family is named in their place


def statements(result: PublicResult, language: str) -> tuple[str, ...]:
    """The sentences of a result, in reading order; one sentence for a result that is not there (any more)."""
    words = sentences(language)
    if result.state is PublicState.NOT_READY:
        return (words["not_ready"],)
    if result.state is PublicState.WITHDRAWN:
        return (words["withdrawn"],)
    return tuple(_released(result, language))


def substance_name(key: str, name: str, language: str) -> str:
    """What to call a substance of a finding: its listed name in the language, else the reference's name."""
    substance = known(key, name)
    return name if substance is None else substance.name(spoken(language))


def found_names(findings: Sequence[Finding], language: str) -> str:
    """Names of findings as one phrase: "cocaine, caffeine and (3-MMC or 4-MMC)"."""
    words = sentences(language)
    groups = [[in_a_sentence(name) for name in _names(finding, language)] for finding in findings]
    names = [listed(group, words["or"]) for group in groups]
    if len(findings) > 1:
        names = [f"({name})" if len(group) > 1 else name for name, group in zip(names, groups, strict=True)]
    return listed(names, words["and"])


def finding_name(finding: Finding, language: str) -> str:
    """A finding's name; for a group of isomers "A, B or C"."""
    return listed(_names(finding, language), sentences(language)["or"])


def sold_as_name(result: PublicResult, language: str) -> str:
    """What it was described as: the substance's name where it was understood, else the words as told."""
    told = known(result.sold_as) if result.sold_as else None
    if told is None:
        return result.sold_as_text
    return in_a_sentence(told.name(spoken(language)))


def group_names(keys: Sequence[str], names: Sequence[str], language: str) -> list[str]:
    """The names of a finding; of many members of one family, that family alone."""
    pairs = list(zip(keys, names, strict=True))
    families = {one.family if one else "" for one in (known(key, name) for key, name in pairs)}
    if len(pairs) >= MANY and len(families) == 1 and "" not in families:
        told: str = sentences(language)["reading"]["one_of_family"]
        return [told.format(family=family_label(families.pop(), spoken(language)))]
    return list(dict.fromkeys(substance_name(key, name, language) for key, name in pairs))


def _names(finding: Finding, language: str) -> list[str]:
    return group_names(finding.substances, finding.names, language)


def listed(names: Sequence[str], last: str) -> str:
    """Names joined as one says them."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {last} {names[-1]}"


def method_limit(method: MethodStatement, language: str) -> str:
    """What a method cannot see."""
    limits: dict[str, str] = sentences(language)["limit"]
    return limits.get(method.limit, limits["any_limit"])


def method_name(method: MethodStatement, language: str) -> str:
    """A method in words."""
    techniques: dict[str, str] = sentences(language)["technique"]
    return techniques.get(method.technique, method.name)


def method_detail(method: MethodStatement, language: str) -> str:
    """What the laboratory calls it; for strips and colour tests what they are for, in words."""
    say = {"strip": strip_name, "colour": reagent_name}.get(method.technique)
    if say is None:
        return method.name
    return ", ".join(say(one, language) for one in method.name.split(", "))


def _released(result: PublicResult, language: str) -> Iterator[str]:
    words = sentences(language)
    if result.simulated:
        yield words["simulated"]
    if result.being_corrected:
        yield words["being_corrected"]
    if result.amends:
        yield words["corrected"].format(reason=result.amends)
    yield _found(result, language)
    yield from _amounts(result, language)
    if any(finding.certainty is Certainty.PRESUMPTIVE for finding in result.findings):
        yield words["presumptive"]
    if result.unexplained_share >= 0.005:
        yield words["unexplained"].format(share=f"{100 * result.unexplained_share:.0f}")
    yield from reading_sentences(result.readings, language)
    yield from dict.fromkeys(method_limit(method, language) for method in result.methods)
    if any(one.quantity is None and one.amount is not Amount.NOT_TOLD for one in result.findings):
        yield words["amounts"]
    yield words["every_product"]


def _amounts(result: PublicResult, language: str) -> Iterator[str]:
    """One sentence for each amount, and what amounts cannot tell."""
    told = [(finding, finding.quantity) for finding in result.findings if finding.quantity is not None]
    for finding, quantity in told:
        name = finding_name(finding, language)
        yield amount_sentence(quantity, name, _formula(finding), language)
    if told:
        yield sentences(language)["amount_of_this_piece"]


def _formula(finding: Finding) -> str:
    """Of the substance without its salt, "" where it is not in the table."""
    substance = known(finding.substances[0], finding.names[0])
    return "" if substance is None else substance.formula


def _found(result: PublicResult, language: str) -> str:
    words = sentences(language)
    fields = {
        "sold_as": sold_as_name(result, language),
        "found": found_names(result.findings, language),
        "methods": _methods(result, language),
    }
    if not result.findings:
        sentence = words["nothing_described" if fields["sold_as"] else "nothing"]
    elif not result.sold_as or known(result.sold_as) is None or _not_looked_for(result):
        sentence = words["found"]
    else:
        return _compared(result, language, fields)
    return str(sentence.format(**fields))


def _not_looked_for(result: PublicResult) -> bool:
    """Whether what it was sold as was not found, and no method looked for it."""
    expected = any(_is_sold_as(finding, result) for finding in result.findings)
    return not expected and not looked_for_all(result.methods)


def _compared(result: PublicResult, language: str, fields: dict[str, str]) -> str:
    """The sentence where what was told is understood: found alone, found with others, or not found."""
    expected = [finding for finding in result.findings if _is_sold_as(finding, result)]
    others = [finding for finding in result.findings if finding not in expected]
    code = "found_different" if not expected else "found_expected_and" if others else "found_expected"
    if code == "found_expected_and":
        fields |= {"expected": found_names(expected, language), "found": found_names(others, language)}
    return str(sentences(language)[code].format(**fields))


def _is_sold_as(finding: Finding, result: PublicResult) -> bool:
    told = known(result.sold_as)
    return told is not None and any(told.key == one.key for one in members(finding))


def _methods(result: PublicResult, language: str) -> str:
    words = sentences(language)
    names = [method_name(method, language) for method in result.methods]
    return listed(list(dict.fromkeys(names)), words["and"]) or str(words["no_method"])

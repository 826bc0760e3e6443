"""The risk notes of a result, most urgent first.

Promises at least the note on emergencies for every released result, in the order of urgency and, within it,
of the file. Only released results have notes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from xbt.domain.lookup import PublicResult, PublicState
from xbt.risk.effects import has_any, having, known, members
from xbt.risk.sentences import found_names, sold_as_name
from xbt.risk.texts import NoteText, Severity, catalogue, spoken

UNEXPLAINED_SHARE = 0.10  # above it, the result says that a part has no name

__all__ = ["UNEXPLAINED_SHARE", "RiskNote", "Severity", "notes"]


@dataclass(frozen=True, slots=True)
class RiskNote:
    """What to tell; ``code`` is stable, ``title`` and ``text`` are plain text."""

    code: str
    severity: Severity
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class _Said:
    """A note that applies, and the words to fill in."""

    note: NoteText
    fields: dict[str, str]


def notes(result: PublicResult, language: str) -> tuple[RiskNote, ...]:
    """The notes of a released result, the most urgent first; none for another state.

    Parameters
    ----------
    language : "en", "fr", or a variant; another language gives English.
    """
    if result.state is not PublicState.RELEASED:
        return ()
    said = [*_by_effect(result, language), *_by_rule(result, language)]
    superfluous = frozenset[str]().union(*(one.note.instead_of for one in said))
    said = [one for one in said if one.note.code not in superfluous]
    said.sort(key=lambda one: (one.note.severity.rank, one.note.place))
    return tuple(_written(one, spoken(language)) for one in said)


def _by_effect(result: PublicResult, language: str) -> Iterator[_Said]:
    """Every note whose effects are there; two effects must come from two findings."""
    for note in catalogue().notes.values():
        found = [having(effect, result.findings) for effect in note.when]
        if len(found) == 2 and note.when[0] != note.when[1]:
            found[1] = tuple(finding for finding in found[1] if finding not in found[0])
        elif len(found) == 2 and len(found[0]) < 2:
            continue
        if found and all(found):
            yield _Said(
                note, {"names": found_names(found[0], language), "others": found_names(found[-1], language)}
            )


def _by_rule(result: PublicResult, language: str) -> Iterator[_Said]:
    rules = catalogue().notes
    if result.simulated:
        yield _Said(rules["simulated"], {})
    yield from _about_what_was_told(result, language)
    if not result.findings:
        yield _Said(rules["nothing_identified"], {})
    if result.unexplained_share > UNEXPLAINED_SHARE:
        yield _Said(rules["unexplained"], {"share": f"{100 * result.unexplained_share:.0f}"})
    for finding in result.findings:
        if len(finding.substances) > 1:
            yield _Said(rules["isomers"], {"names": found_names((finding,), language)})
    unknown = tuple(finding for finding in result.findings if not has_any(finding))
    if unknown:
        yield _Said(rules["no_note"], {"names": found_names(unknown, language)})
    yield _Said(rules["emergency"], {})


def _about_what_was_told(result: PublicResult, language: str) -> Iterator[_Said]:
    told = known(result.sold_as) if result.sold_as else None
    if told is None or not result.findings:
        return
    words = {"sold_as": sold_as_name(result, language)}
    opioids = having("opioid", result.findings)
    expected = any(told.key == one.key for finding in result.findings for one in members(finding))
    if opioids and not _sold_as_opioid(told.cls):
        names = found_names(opioids, language)
        yield _Said(catalogue().notes["unexpected_opioid"], {**words, "names": names})
    if not expected:
        names = found_names(result.findings, language)
        yield _Said(catalogue().notes["not_as_sold"], {**words, "names": names})


def _sold_as_opioid(cls: str) -> bool:
    return cls in catalogue().effects["opioid"].classes


def _written(said: _Said, language: str) -> RiskNote:
    note = said.note
    title = note.title[language].format(**said.fields)
    text = note.text[language].format(**said.fields)
    return RiskNote(note.code, note.severity, title[:1].upper() + title[1:], text)

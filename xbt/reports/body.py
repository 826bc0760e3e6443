"""The parts of a report, from what matters most to what proves it."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.platypus import Image, KeepTogether, Paragraph, Spacer, Table, TableStyle

from xbt.domain.findings import Finding, MethodStatement
from xbt.domain.lookup import PublicResult
from xbt.reports import style
from xbt.reports.text import MAX_CELL, day, labels, markup
from xbt.risk import RiskNote, notes, sold_as_name, statements
from xbt.risk.amounts import amount_text
from xbt.risk.sentences import finding_name, method_detail, method_name

WIDTH = A4[0] - 2 * style.MARGIN
MAX_PICTURE_HEIGHT = 90 * mm
_FLUSH = [("LEFTPADDING", (0, 0), (-1, -1), 0), ("RIGHTPADDING", (0, 0), (-1, -1), 0)]


def head(result: PublicResult, language: str) -> Iterator[Any]:
    """Title, what it is about, who reports."""
    words = labels(language)
    told = sold_as_name(result, language)
    left = [Paragraph(words["title"], style.TITLE)]
    if told:
        described = words["described_as"].format(sold_as=told)
        left.append(Paragraph(markup(described, MAX_CELL), style.SUBTITLE))
    right = [
        Paragraph(f"{words['reference']} {markup(result.reference, 80)}", style.RIGHT),
        Paragraph(markup(result.site_name, 120), style.RIGHT),
        Paragraph(day(result.released_on, language), style.RIGHT),
    ]
    yield _table(
        [[left, right]], [WIDTH * 0.6, WIDTH * 0.4], [("VALIGN", (0, 0), (-1, -1), "BOTTOM"), *_FLUSH]
    )
    yield Spacer(0, 3 * mm)


def findings(result: PublicResult, language: str) -> Iterator[Any]:
    """What was found, how much where that is known, how sure; the strongest in the signal first."""
    words = labels(language)
    yield Paragraph(words["found"], style.HEADING)
    if not result.findings:
        yield _box([Paragraph(words["nothing"], style.FOUND)], "information")
        return
    top = [Paragraph(words[name], style.COLUMN) for name in ("substance", "amount", "certainty")]
    ordered = sorted(result.findings, key=lambda finding: -finding.area_share)
    rows = [top, *(_finding(finding, language) for finding in ordered)]
    commands = [
        ("LINEBELOW", (0, 0), (-1, 0), 0.8, style.ACCENT),
        ("LINEBELOW", (0, 1), (-1, -1), 0.4, style.LINE),
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ("TOPPADDING", (0, 1), (-1, -1), 5),
        ("BOTTOMPADDING", (0, 1), (-1, -1), 6),
    ]
    yield _table(rows, [WIDTH * 0.46, WIDTH * 0.28, WIDTH * 0.26], [*_FLUSH, *commands], repeat=1)


def words(result: PublicResult, language: str) -> Iterator[Any]:
    """The result in sentences, and the laboratory's own comment."""
    yield Paragraph(labels(language)["in_words"], style.HEADING)
    for sentence in statements(result, language):
        yield Paragraph(markup(sentence), style.BODY)
    if result.comment:
        yield Paragraph(labels(language)["from_laboratory"], style.HEADING)
        yield Paragraph(markup(result.comment), style.BODY)


def advice(result: PublicResult, language: str) -> Iterator[Any]:
    """The risk notes, the most urgent first."""
    said = notes(result, language)
    if said:
        yield Paragraph(labels(language)["what_to_know"], style.HEADING)
    for note in said:
        yield KeepTogether([_note(note, language)])
        yield Spacer(0, 2 * mm)


def method(result: PublicResult, language: str) -> Iterator[Any]:
    """How it was looked for and with which references; the sentences say what that cannot see."""
    named = labels(language)
    yield Paragraph(named["how"], style.HEADING)
    rows = []
    for one in result.methods:
        rows.append(_fact(named["method"], _method(one, language)))
        rows.append(_fact(named["library"], ", ".join(one.libraries)))
    if any(one.analysis_id for one in result.findings) or result.unexplained_share:
        rows.append(_fact(named["unexplained"], f"{100 * result.unexplained_share:.0f} %"))
    yield _facts(rows)


def measurement(picture: bytes, language: str) -> Iterator[Any]:
    """The measurement as a picture, as wide as the page allows."""
    wide, high = ImageReader(io.BytesIO(picture)).getSize()
    scale = min(WIDTH / wide, MAX_PICTURE_HEIGHT / high)
    yield Paragraph(labels(language)["picture"], style.HEADING)
    yield Image(io.BytesIO(picture), wide * scale, high * scale)


def foot(result: PublicResult, language: str, issued_on: date) -> Iterator[Any]:
    """Who, when, which version, what it is valid for, and the end."""
    named = labels(language)
    rows = [
        _fact(named["laboratory"], result.site_name),
        _fact(named["contact"], result.site_contact),
        _fact(named["released"], day(result.released_on, language)),
        _fact(named["issued"], day(issued_on, language)),
        _fact(named["version"], str(result.version) if result.version else ""),
        _fact(named["amends"], result.amends),
    ]
    yield Spacer(0, 4 * mm)
    yield _facts([row for row in rows if row is not None])
    yield Spacer(0, 2 * mm)
    yield Paragraph(f"{named['item']} {named['full']}", style.SMALL_GREY)
    yield Paragraph(f"— {named['end']} —", style.END)


def _finding(finding: Finding, language: str) -> list[Any]:
    named = labels(language)
    name = [Paragraph(markup(finding_name(finding, language), MAX_CELL), style.FOUND)]
    if len(finding.substances) > 1:
        name.append(Paragraph(named["one_of_these"], style.SMALL_GREY))
    amount = [Paragraph(named[finding.amount.value], style.CELL)]
    if finding.quantity is not None:
        amount.append(Paragraph(markup(amount_text(finding.quantity, language), MAX_CELL), style.SMALL))
    return [
        name,
        amount,
        Paragraph(named[finding.certainty.value], style.CELL),
    ]


def _method(method: MethodStatement, language: str) -> str:
    """The technique in words, and what the laboratory calls it unless that says nothing more."""
    technique, detail = method_name(method, language), method_detail(method, language)
    return technique if detail.lower() in technique.lower() else f"{technique} ({detail})"


def _note(note: RiskNote, language: str) -> Any:
    severity = note.severity.value
    return _box(
        [
            Paragraph(labels(language)[severity].upper(), style.tag(severity)),
            Paragraph(markup(note.title, MAX_CELL), style.NOTE_TITLE),
            Paragraph(markup(note.text), style.NOTE_TEXT),
        ],
        severity,
    )


def _box(content: Sequence[Any], severity: str) -> Any:
    """Paragraphs on a tinted ground behind a coloured bar."""
    ink, ground = style.SEVERITY[severity]
    commands = [
        ("BACKGROUND", (0, 0), (-1, -1), ground),
        ("LINEBEFORE", (0, 0), (0, -1), 3, ink),
        ("LEFTPADDING", (0, 0), (-1, -1), 10),
        ("RIGHTPADDING", (0, 0), (-1, -1), 10),
        ("TOPPADDING", (0, 0), (-1, 0), 6),
        ("TOPPADDING", (0, 1), (-1, -1), 1),
        ("BOTTOMPADDING", (0, 0), (-1, -2), 0),
        ("BOTTOMPADDING", (0, -1), (-1, -1), 8),
    ]
    return _table([[part] for part in content], [WIDTH], commands)


def _fact(name: str, value: str) -> list[Any] | None:
    if not value:
        return None
    return [Paragraph(name, style.SMALL_GREY), Paragraph(markup(value), style.SMALL)]


def _facts(rows: Sequence[list[Any] | None]) -> Any:
    given = [row for row in rows if row is not None]
    commands = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
        ("LINEBELOW", (0, 0), (-1, -1), 0.3, style.LINE),
    ]
    return _table(given, [WIDTH * 0.26, WIDTH * 0.74], [*_FLUSH, *commands])


def _table(rows: list[list[Any]], widths: list[float], commands: list[Any], repeat: int = 0) -> Any:
    """A table whose rows may be split between pages, whatever their length."""
    table = Table(rows, colWidths=widths, repeatRows=repeat, splitInRow=1)
    table.setStyle(TableStyle(commands))
    return table

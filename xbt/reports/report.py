"""The report of a result: one PDF with those fields of ISO/IEC 17025:2017, 7.8.2.1 that a network has.

Promises the same bytes for the same result, language and day; every text shown letter by letter; the pages
numbered "x of y" and the end marked, so that a missing page is noticed; what is simulated or withdrawn says
so on each page.
Refuses a result that has not been released.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate

from xbt.domain.lookup import PublicResult, PublicState
from xbt.reports import body, style
from xbt.reports.text import labels, plain


class NothingToReport(Exception):
    """The result was not released: there is nothing that may be printed."""


@dataclass(frozen=True, slots=True)
class _Furniture:
    """What every page carries."""

    left: str
    banner: str
    watermark: str
    page: str


def render(result: PublicResult, language: str, *, issued_on: date, picture: bytes | None = None) -> bytes:
    """The report as a PDF on A4.

    Parameters
    ----------
    language : "en" or "fr"; another one gives English.
    issued_on : the day this copy is made, printed on it.
    picture : PNG or JPEG of the measurement, made by this software.

    Raises
    ------
    NothingToReport : the result is not ready.
    """
    if result.state is PublicState.NOT_READY:
        raise NothingToReport(result.reference)
    style.register_fonts()
    _, pages = _build(result, language, issued_on, picture, total=0)
    return _build(result, language, issued_on, picture, total=pages)[0]


def _build(
    result: PublicResult, language: str, issued_on: date, picture: bytes | None, *, total: int
) -> tuple[bytes, int]:
    """One pass; the first only counts the pages."""
    stream = io.BytesIO()
    document = _document(stream, result, language, _furniture(result, language), total)
    document.build(list(_story(result, language, issued_on, picture)))
    return stream.getvalue(), document.page


def _document(
    stream: io.BytesIO, result: PublicResult, language: str, furniture: _Furniture, total: int
) -> Any:
    words = labels(language)
    document = BaseDocTemplate(
        stream,
        pagesize=A4,
        title=f"{words['title']} {plain(result.reference)}",
        author=plain(result.site_name),
        lang=language,
        invariant=1,
    )
    frame = Frame(style.MARGIN, 20 * mm, A4[0] - 2 * style.MARGIN, A4[1] - 40 * mm, 0, 0, 0, 0)
    draw = partial(_draw, furniture=furniture, total=total)
    document.addPageTemplates(PageTemplate(frames=[frame], onPage=draw))
    return document


def _story(result: PublicResult, language: str, issued_on: date, picture: bytes | None) -> Iterator[Any]:
    yield from body.head(result, language)
    if result.state is PublicState.RELEASED:
        yield from body.findings(result, language)
    yield from body.words(result, language)
    if result.state is PublicState.RELEASED:
        yield from body.advice(result, language)
        yield from body.method(result, language)
        if picture is not None:
            yield from body.measurement(picture, language)
    yield from body.foot(result, language, issued_on)


def _furniture(result: PublicResult, language: str) -> _Furniture:
    words = labels(language)
    withdrawn = result.state is PublicState.WITHDRAWN
    banner = words["withdrawn"] if withdrawn else words["simulated"] if result.simulated else ""
    version = f", {words['version'].lower()} {result.version}" if result.version else ""
    return _Furniture(
        left=f"{words['reference']} {plain(result.reference)}{version}",
        banner=banner,
        watermark=words["simulated_mark"] if result.simulated else "",
        page=words["page"],
    )


def _draw(canvas: Canvas, document: Any, *, furniture: _Furniture, total: int) -> None:
    width, height = A4
    canvas.saveState()
    if furniture.watermark:
        _watermark(canvas, furniture.watermark)
    if furniture.banner:
        canvas.setFillColor(style.SEVERITY["danger"][0])
        canvas.rect(0, height - 11 * mm, width, 11 * mm, stroke=0, fill=1)
        canvas.setFillColorRGB(1, 1, 1)
        canvas.setFont(style.BOLD, 10.5)
        canvas.drawCentredString(width / 2, height - 7.2 * mm, furniture.banner)
    canvas.setStrokeColor(style.LINE)
    canvas.line(style.MARGIN, 15 * mm, width - style.MARGIN, 15 * mm)
    canvas.setFillColor(style.GREY)
    canvas.setFont(style.REGULAR, 8)
    canvas.drawString(style.MARGIN, 10.5 * mm, furniture.left[:80])
    page = furniture.page.format(page=document.page, total=total)
    canvas.drawRightString(width - style.MARGIN, 10.5 * mm, page)
    canvas.restoreState()


def _watermark(canvas: Canvas, text: str) -> None:
    canvas.saveState()
    canvas.setFillColor(style.WATERMARK)
    canvas.setFont(style.BOLD, 78)
    canvas.translate(A4[0] / 2, A4[1] / 2)
    canvas.rotate(52)
    canvas.drawCentredString(0, -26, text)
    canvas.restoreState()

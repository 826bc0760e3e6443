"""How a report looks: fonts (embedded, so that it looks the same everywhere), sizes, colours."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import matplotlib
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

REGULAR, BOLD = "XBTSans", "XBTSans-Bold"
MARGIN = 18 * mm
INK, GREY, LINE, PALE = HexColor("#16242c"), HexColor("#5a6a73"), HexColor("#d5dde1"), HexColor("#f4f7f8")
ACCENT = HexColor("#0b5d66")
WATERMARK = Color(0.55, 0.55, 0.55, alpha=0.13)
# Ink and ground per severity; the word is always there too, colours alone carry nothing.
SEVERITY = {
    "danger": (HexColor("#a3161f"), HexColor("#fdf1f1")),
    "warning": (HexColor("#8a5200"), HexColor("#fdf6ea")),
    "advice": (HexColor("#0b5d66"), HexColor("#eef6f7")),
    "information": (HexColor("#5a6a73"), HexColor("#f4f7f8")),
}


@cache
def register_fonts() -> None:
    """Make DejaVu Sans known to reportlab; matplotlib ships it, and it covers Latin, Greek and Cyrillic."""
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    pdfmetrics.registerFont(TTFont(REGULAR, folder / "DejaVuSans.ttf"))
    pdfmetrics.registerFont(TTFont(BOLD, folder / "DejaVuSans-Bold.ttf"))


def _style(size: float, leading: float, **more: object) -> ParagraphStyle:
    given = {"fontName": REGULAR, "textColor": INK, **more}
    return ParagraphStyle("", fontSize=size, leading=leading, **given)


TITLE = _style(22, 27, fontName=BOLD, textColor=ACCENT)
SUBTITLE = _style(9.5, 14, textColor=GREY)
HEADING = _style(12.5, 16, fontName=BOLD, textColor=ACCENT, spaceBefore=11, spaceAfter=4, keepWithNext=1)
BODY = _style(9.5, 14, spaceAfter=3)
FOUND = _style(12.5, 16, fontName=BOLD)
CELL = _style(9.5, 14)
SMALL = _style(8, 11.5)
SMALL_GREY = _style(8, 11.5, textColor=GREY)
COLUMN = _style(8, 11, textColor=GREY)
RIGHT = _style(9, 13, alignment=TA_RIGHT, textColor=GREY)
END = _style(8, 12, alignment=1, textColor=GREY, spaceBefore=10)


def tag(severity: str) -> ParagraphStyle:
    """The word above a note."""
    return _style(7.5, 10, fontName=BOLD, textColor=SEVERITY[severity][0])


NOTE_TITLE = _style(10.5, 14, fontName=BOLD)
NOTE_TEXT = _style(9.2, 13.4)

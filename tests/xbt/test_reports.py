"""The report as its reader sees it: the text that a PDF reader extracts, never the drawing commands."""

from __future__ import annotations

import io
import re
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest
from pypdf import PdfReader

from library.substances import load_substances
from xbt.domain.findings import Amount, Certainty, Finding, MethodStatement
from xbt.domain.lookup import PublicResult, PublicState
from xbt.reports import NothingToReport, render

DAY = date(2026, 11, 22)
COCAINE = Finding(("cocaine",), ("Cocaine",), Amount.MAIN, 0.7, Certainty.IDENTIFIED, ("gc_ms",), 1, 1, 930.0)
ISOMERS = Finding(
    ("3-mmc", "mephedrone"),
    ("3-MMC", "Mephedrone"),
    Amount.TRACE,
    0.02,
    Certainty.PRESUMPTIVE,
    ("gc_ms",),
    1,
    2,
    850.0,
)
RESULT = PublicResult(
    state=PublicState.RELEASED,
    reference="LYO-2026-0042",
    site_name="Maison des Lilas",
    site_contact="12 rue des Lilas, Lyon",
    sold_as_text="coke",
    sold_as="cocaine",
    version=2,
    released_on=date(2026, 11, 20),
    findings=(COCAINE, ISOMERS),
    methods=(MethodStatement("gc_ms", "General unknown", "gcms_limit", ("starter 1", "swgdrug 3.9")),),
    unexplained_share=0.12,
    comment="One peak was too small to name.",
    amends="a new library names the second substance",
)


def pages(data: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(data)).pages]


def squeezed(text: str) -> str:
    """Without white space: where a line breaks is the layout's business."""
    return re.sub(r"\s+", "", text)


def printed(result: PublicResult, language: str = "en", **more: Any) -> str:
    return squeezed("".join(pages(render(result, language, issued_on=DAY, **more))))


def test_everything_a_report_must_name_is_on_it() -> None:
    text = printed(RESULT)
    for part in (
        "Analysis result",
        "LYO-2026-0042",
        "Maison des Lilas",
        "12 rue des Lilas, Lyon",
        "Described as cocaine",
        "Cocaine",
        "3-MMC or Mephedrone",
        "one of these",
        "main",
        "trace",
        "identified",
        "first indication",
        "General unknown",
        "starter 1, swgdrug 3.9",
        "12 %",
        "One peak was too small to name.",
        "a new library names the second substance",
        "20 November 2026",
        "22 November 2026",
        "about the item handed in",
        "End of the report",
        "112 or 15",
    ):
        assert squeezed(part) in text, part


def test_the_same_report_in_french() -> None:
    text = printed(RESULT, "fr")
    for part in (
        "Résultat d’analyse",
        "Cocaïne",
        "20 novembre 2026",
        "3-MMC ou Méphédrone",
        "À savoir",
        "Fin du rapport",
    ):
        assert squeezed(part) in text, part


def test_each_page_tells_its_number_and_the_sample() -> None:
    texts = pages(render(RESULT, "en", issued_on=DAY))
    assert len(texts) > 1
    for number, text in enumerate(texts, 1):
        assert f"Page {number} of {len(texts)}" in text
        assert "LYO-2026-0042, version 2" in text
    assert "End of the report" in texts[-1]


def test_the_same_result_gives_the_same_bytes() -> None:
    assert render(RESULT, "fr", issued_on=DAY) == render(RESULT, "fr", issued_on=DAY)
    assert render(RESULT, "fr", issued_on=DAY) != render(RESULT, "fr", issued_on=date(2026, 11, 23))


def test_the_fonts_travel_with_the_report() -> None:
    fonts = PdfReader(io.BytesIO(render(RESULT, "fr", issued_on=DAY))).pages[0]["/Resources"]["/Font"]
    used = [font.get_object() for font in fonts.values()]
    embedded = [font["/FontDescriptor"]["/FontFile2"] for font in used if "/FontDescriptor" in font]
    assert len(embedded) >= 2


@pytest.mark.parametrize(("language", "banner"), [("en", "SIMULATED"), ("fr", "SIMULATION")])
def test_simulated_data_say_so_on_every_page(language: str, banner: str) -> None:
    for text in pages(render(replace(RESULT, simulated=True), language, issued_on=DAY)):
        assert text.count(banner) >= 2  # band and watermark


def test_a_withdrawn_result_says_so_and_nothing_else() -> None:
    withdrawn = replace(RESULT, state=PublicState.WITHDRAWN, findings=(), methods=(), comment="")
    text = printed(withdrawn)
    assert "WITHDRAWN" in text
    assert "What to know" not in text
    assert "Cocaine" not in text


def test_what_is_not_released_is_not_printed() -> None:
    with pytest.raises(NothingToReport):
        render(replace(RESULT, state=PublicState.NOT_READY), "en", issued_on=DAY)


def test_nothing_found_is_never_printed_as_an_empty_table() -> None:
    assert squeezed("No substance identified") in printed(replace(RESULT, findings=()))


def test_the_measurement_is_shown() -> None:
    stream = io.BytesIO()
    figure, axes = plt.subplots(figsize=(6, 3))
    axes.plot([0, 1, 2], [0, 5, 1])
    figure.savefig(stream, format="png")
    plt.close(figure)
    data = render(RESULT, "en", issued_on=DAY, picture=stream.getvalue())
    assert sum(len(page.images) for page in PdfReader(io.BytesIO(data)).pages) == 1


MARKUP = (
    '<img src="/etc/hostname"/>',
    '<img src="http://127.0.0.1:9/x"/>',
    "<b>",
    "</b>",
    "</para>",
    "<para>",
    "<font color=red>x",
    '<a href="file:///etc/passwd">x</a>',
    "<br/>",
    "<!-- x",
    "<![CDATA[x]]>",
    "<?xml version='1.0'?>",
    "<onDraw name='x'/>",
    "<seq/>",
    "&",
    "&amp;",
    "&nbsp;",
    "&#0;",
    "&#x202e;",
    "&lt;b&gt;",
    "%s %d %(x)s",
    "{0}{sold_as}{0.__class__}",
    "\\x00\\n",
    "(\\)",
    "'; DROP TABLE sample; --",
    "=HYPERLINK(1)",
    "${x}",
    "{{7*7}}",
    "x" * 300,
    "W" * 200 + " " + "i" * 200,
    "0" * 100 + "<" + "1" * 100,
    "é à ü ß œ ŒÀ ñ ç",
    "Ω μ α β Δ",
    "Жизнь",
    "“quotes” ‘single’ «guillemets» – — …",
    "1 < 2 > 0 & 3",
    'a="b"',
    "a  b   c",
    "-" * 120,
    "/" * 120,
)
# What is taken away before it is printed: direction and control characters.
STEERING = (
    "a\u202eb",
    "\u2066x\u2069",
    "a\x00b",
    "\x1b[31mred",
    "a\u200bb",
    "\ufeffx",
    "a\tb\nc\rd",
    "\ud800x",
    "\u00adx",
)


def everywhere(hostile: str) -> tuple[PublicResult, list[str]]:
    """A result with the text in every field, each time behind its own mark, and what must show."""
    texts = [f"Q{place}Q{hostile}" for place in range(10)]
    result = replace(
        RESULT,
        sold_as="",
        sold_as_text=texts[0],
        site_name=texts[1],
        site_contact=texts[2],
        reference=texts[3],
        comment=texts[4],
        amends=texts[5],
        findings=(replace(COCAINE, substances=(texts[6],), names=(texts[6],)),),
        methods=(MethodStatement(texts[7], texts[8], texts[7], (texts[9],)),),
    )
    shown = [text for text in texts if text != texts[7]]  # a technique nobody knows is called by its name
    return result, [squeezed(text[:60]) for text in shown]


@pytest.mark.parametrize("hostile", MARKUP)
def test_hostile_text_is_shown_letter_by_letter(hostile: str) -> None:
    result, expected = everywhere(hostile)
    text = printed(result)
    assert [part for part in expected if part not in text] == []


@pytest.mark.parametrize("hostile", STEERING, ids=ascii)
def test_signs_that_steer_are_left_out(hostile: str) -> None:
    text = "".join(pages(render(everywhere(hostile)[0], "en", issued_on=DAY)))
    assert not set(hostile) & set("\u202e\u2066\u2069\x00\x1b\u200b\ufeff\ud800\u00ad") & set(text)


def test_no_file_but_those_of_the_program_is_opened() -> None:
    opened: list[str] = []
    watching = True

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if watching and event in ("open", "socket.connect"):
            opened.append(str(arguments[0]))

    sys.addaudithook(watch)
    try:
        for hostile in ('<img src="/etc/hostname"/>', '<img src="http://127.0.0.1:9/x"/>'):
            render(everywhere(hostile)[0], "en", issued_on=DAY)
    finally:
        watching = False
    assert [
        path for path in opened if not path.startswith((sys.prefix, str(Path(__file__).parents[2])))
    ] == []


@pytest.mark.parametrize("length", [5_000, 60_000])
def test_a_long_text_runs_over_pages(length: int) -> None:
    text = printed(
        replace(RESULT, comment="word " * (length // 5) + "last", site_contact="line " * 300 + "end")
    )
    assert "wordlast" in text
    assert "lineend" in text


def test_many_findings_run_over_pages() -> None:
    listed = [one for one in load_substances() if one.inchikey][:80]
    found = tuple(replace(COCAINE, substances=(one.inchikey,), names=(one.name_en,)) for one in listed)
    text = printed(replace(RESULT, findings=found))
    for one in listed:
        assert squeezed(one.name_en) in text

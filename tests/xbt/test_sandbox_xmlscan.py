"""The scan tells the same of a file whether long texts are shown to its parser or not."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from spectra.errors import Fault, UnreadableFile
from tests.hostile.documents import doubles, mzml_text
from xbt.sandbox import xmlscan


def verdict(path: Path) -> str:
    """Without the line: where a document ends too early, the parser has not counted it either way."""
    try:
        xmlscan.scan(path)
    except UnreadableFile as error:
        return f"{error.fault} {error.expected}"
    return ""


def both(path: Path, text: str | bytes, monkeypatch: pytest.MonkeyPatch) -> str:
    """The verdict, the same with nothing left out."""
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    told = verdict(path)
    with monkeypatch.context() as patch:
        patch.setattr(xmlscan, "_holds_no_mark", lambda text: False)
        assert verdict(path) == told
    return told


LONG = "A" * 5000
HIDDEN = '<spectrum defaultArrayLength="10000000000"></spectrum>'


@pytest.mark.parametrize(
    "text",
    [
        f"<mzML><!-- > {LONG} -->{HIDDEN}<!-- --></mzML>",
        f"<mzML><!-- >{LONG}<a -->{HIDDEN}<!-- --></mzML>",
        f"<mzML><![CDATA[ >{LONG}< ]]>{HIDDEN}<![CDATA[]]></mzML>",
        f"<mzML><?x >{LONG}<?>{HIDDEN}<?y?></mzML>",
        f"<mzML><spectrum id='>{LONG}' defaultArrayLength='10000000000'></spectrum></mzML>",
        f"<mzML><note>{LONG}</note>{HIDDEN}</mzML>",
        f"<mzML><note>{LONG}\n{LONG}</note>{HIDDEN}</mzML>",
    ],
)
def test_nothing_hides_behind_a_long_text(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "at most 2000000 points" in both(tmp_path / "x", text, monkeypatch)


@pytest.mark.parametrize("mark", ["<", ">", "&", '"', "'", "-->", "]]>", "\0", "é"])
@pytest.mark.parametrize("size", [100, 5000, 300_000])
def test_a_mark_in_a_long_text_is_seen(
    mark: str, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = "A" * size
    both(tmp_path / "x", f"<mzML>\n<a>{half}{mark}{half}\n</a>{HIDDEN}</mzML>", monkeypatch)


def test_a_document_type_behind_a_long_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_text(f"<!-- >{LONG}<--><!DOCTYPE mzML><mzML></mzML>".replace("<-->", "-->"))
    with pytest.raises(UnreadableFile) as caught:
        xmlscan.scan(tmp_path / "x")
    assert caught.value.fault is Fault.FORBIDDEN


@pytest.mark.parametrize("points", [3, 200, 30_000, 200_000])
def test_an_array_is_measured_where_it_lies(
    points: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = doubles(*range(points))
    honest = mzml_text(values, values, str(points))
    assert both(tmp_path / "x", honest, monkeypatch) == ""
    short = mzml_text(values, values, str(points // 1000))
    assert (both(tmp_path / "x", short, monkeypatch) == "") == (points < 500)


def test_changed_files_get_the_same_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xmlscan, "LONG_TEXT", 8)
    monkeypatch.setattr(xmlscan, "CHUNK", 64)
    rng = random.Random(1)
    plain = mzml_text(doubles(*range(20)), doubles(*range(20)), "20")
    signs = "<>&\"'-=/?! ]x\n"
    for _ in range(500):
        made = list(plain)
        for _ in range(rng.randrange(1, 6)):
            made[rng.randrange(len(made))] = rng.choice(signs)
        both(tmp_path / "x", "".join(made), monkeypatch)

"""Columns of figures in text: delimiters, decimal signs, empty cells, and what is not a table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra.errors import Fault, UnreadableFile
from spectra.readers.columns import decode, looks_like_columns, read_columns


@pytest.mark.parametrize(
    ("rows", "delimiter", "decimal"),
    [
        ("400.5\t0.25\n401.5\t0.5\n402.5\t1\n", "\t", "."),
        ("400,5\t0,25\n401,5\t0,5\n402,5\t1\n", "\t", ","),
        ("400.5;0.25\n401.5;0.5\n402.5;1\n", ";", "."),
        ("400,5;0,25\n401,5;0,5\n402,5;1\n", ";", ","),
        ("400.5,0.25\n401.5,0.5\n402.5,1\n", ",", "."),
        ("400.5, 0.25\n401.5, 0.5\n402.5, 1\n", ",", "."),
        ("  400.5   0.25\n  401.5   0.5\n  402.5   1\n", " ", "."),
        ("400,5 0,25\n401,5 0,5\n402,5 1\n", " ", ","),
        ('"400.5","0.25"\n"401.5","0.5"\n"402.5","1"\n', ",", "."),
        ("400.5;0.25;\n401.5;0.5;\n402.5;1;\n", ";", "."),
    ],
)
def test_the_ways_to_write_the_same_three_rows(rows: str, delimiter: str, decimal: str) -> None:
    table = read_columns(rows)
    assert table.values.tolist() == [[400.5, 0.25], [401.5, 0.5], [402.5, 1.0]]
    assert (table.delimiter, table.decimal, table.problems) == (delimiter, decimal, ())


def test_a_decimal_comma_may_come_late() -> None:
    assert read_columns("1\t1\n2\t2\n3\t3\n4\t3,5\n").values[-1].tolist() == [4.0, 3.5]


def test_names_stand_on_the_last_line_before_the_table() -> None:
    table = read_columns('Sample;x\n\n"Time; min";mV\n0;1\n1;2\n2;3\n')
    assert table.names == ("Time; min", "mV")
    assert table.header_lines == ("Sample;x", "", '"Time; min";mV')


def test_names_may_begin_with_a_figure() -> None:
    found = read_columns("1/cm,2nd scan\n400,1\n401,2\n402,3\n")
    assert (found.names, found.problems) == (("1/cm", "2nd scan"), ())
    cut = read_columns("1e3,x\n400,1\n401,2\n402,3\n")
    assert (cut.names, len(cut.problems)) == ((), 1)


def test_a_line_of_another_width_names_no_columns() -> None:
    assert read_columns('"a"\t"b"\t"c"\n0\t1\n1\t2\n2\t3\n').names == ()
    assert read_columns("a;b;remark\n0;1;\n1;2;\n2;3;\n").names == ("a", "b")


def test_an_empty_cell_is_nan_and_moves_nothing() -> None:
    table = read_columns("t\ts\tv\n0\tn.a.\t5\n1\t1\t6\n2\t\t7\n")
    np.testing.assert_array_equal(table.values, [[0, np.nan, 5], [1, 1, 6], [2, np.nan, 7]])


def test_what_was_not_read_is_told() -> None:
    table = read_columns("1.234,5;1\n1;1\n2;2\n3;3\n# end\n")
    assert len(table.values) == 3
    assert "Line 1 is no row" in table.problems[0]
    assert "1 lines after" in table.problems[1]


@pytest.mark.parametrize(
    "text",
    ["", "words only\n" * 9, "1\n2\n3\n", "1 2\n3 4\n", "1 2\nx\n3 4\nx\n5 6\n", "1 nan\n2 nan\n3 nan\n"],
)
def test_text_without_a_table_is_refused(text: str) -> None:
    with pytest.raises(UnreadableFile) as caught:
        read_columns(text)
    assert caught.value.fault is Fault.NO_SIGNAL
    assert not looks_like_columns(text.encode())


def test_too_many_columns_are_no_table() -> None:
    with pytest.raises(UnreadableFile):
        read_columns("\n".join(["1 " * 3000] * 4))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings(encoding: str) -> None:
    data = "Temps (s);Réponse\n0;1\n1;2\n2;3\n3;4\n".encode(encoding)
    assert looks_like_columns(data)
    assert read_columns(decode(data)).names == ("Temps (s)", "Réponse")


@given(st.text(max_size=300))
def test_any_text_gives_a_table_or_an_error_of_ours(text: str) -> None:
    looks_like_columns(text.encode("utf-8", "surrogatepass"))
    try:
        table = read_columns(text)
    except UnreadableFile:
        return
    assert table.values.shape[0] >= 3
    assert table.values.shape[1] >= 2


@given(
    st.lists(st.tuples(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9)), min_size=3, max_size=20),
    st.sampled_from([("\t", ","), (";", ","), (",", "."), (" ", "."), (";", ".")]),
)
def test_what_is_written_is_read(rows: list[tuple[float, float]], form: tuple[str, str]) -> None:
    delimiter, decimal = form
    lines = [delimiter.join(repr(value).replace(".", decimal) for value in row) for row in rows]
    assert read_columns("\n".join(lines)).values.tolist() == [list(row) for row in rows]


def test_real_exports(data_dir: Path) -> None:
    arw = read_columns(decode((data_dir / "raw/waters-arw/waters.arw").read_bytes()))
    assert (arw.values.shape, len(arw.header_lines), arw.problems) == ((6601, 2), 2, ())
    ftir = read_columns(decode((data_dir / "ftir/4-MEAP.txt").read_bytes()))
    assert ftir.values[0].tolist() == [3999.64014, 0.07286]

"""Reading the plain tab-separated tables that the project ships."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files


def rows(name: str) -> Iterator[dict[str, str]]:
    """Rows of ``library/data/<name>`` by column, in file order.

    Raises
    ------
    ValueError : a row has another number of cells than the header.
    """
    lines = files("library").joinpath("data", name).read_text(encoding="utf-8").splitlines()
    header = lines[0].split("\t")
    for line in lines[1:]:
        yield dict(zip(header, line.split("\t"), strict=True))

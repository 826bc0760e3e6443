"""What became of every record of an import, written down while it runs.

Promises: each record has one row in the report, in source order; memory holds counts and the first of each
code only.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType

import numpy as np

from library.columns import Array
from library.prepare import Batch, Entry, Notice
from library.record import Skipped

EXAMPLES = 1000  # kept in memory of each code
HEADER = ("file", "line", "name", "outcome", "code", "text")
_EXACT, _NEAR = "duplicate", "near_duplicate"


class Journal:
    """The rows of a report on disk, and what a summary needs."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stream = path.open("w", newline="", encoding="utf-8", errors="replace")
        self._writer = csv.writer(self._stream, lineterminator="\n")
        self.read = 0
        self.counts: Counter[str] = Counter()
        self.skipped_examples: list[Skipped] = []
        self.warnings: list[Notice] = []

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()

    def batch(self, batch: Batch) -> None:
        """Write down what some records became."""
        self.read += len(batch.told)
        for one in batch.told:
            if isinstance(one, Skipped):
                self._skip(one)
            else:
                self._keep(one)

    def merged(self, leader: Array, exact: Array, spool: Mapping[str, Array]) -> list[Notice]:
        """Count entries merged into others; the first of them as notices."""
        rows = np.flatnonzero(leader != np.arange(len(leader)))
        self.counts[_EXACT] += int(exact.sum())
        self.counts[_NEAR] += len(rows) - int(exact.sum())
        self.counts = +self.counts
        names = _Texts(spool, "name")
        return [
            Notice(int(spool["line"][row]), names[row], *_outcome(row, leader, exact, spool))
            for row in rows[:EXAMPLES].tolist()
        ]

    def write(self, path: Path, leader: Array, exact: Array, spool: Mapping[str, Array]) -> None:
        """The report as CSV: file, line, name, outcome, codes and words of each record."""
        row = -1
        with path.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(HEADER)
            for told in self._rows():
                if told[3] == "kept":
                    row += 1
                    if leader[row] != row:
                        told[3:] = ["merged", *_outcome(row, leader, exact, spool)]
                writer.writerow(told)

    def _rows(self) -> Iterator[list[str]]:
        with self._path.open(newline="", encoding="utf-8") as stream:
            yield from csv.reader(stream)

    def _skip(self, one: Skipped) -> None:
        self.counts[one.reason.value] += 1
        if self.counts[one.reason.value] <= EXAMPLES:
            self.skipped_examples.append(one)
        self._writer.writerow((one.file, one.line, one.name, "skipped", one.reason.value, one.text))

    def _keep(self, entry: Entry) -> None:
        record = entry.record
        for doubt, text in entry.doubts:
            self.counts[doubt.value] += 1
            if self.counts[doubt.value] <= EXAMPLES:
                self.warnings.append(Notice(record.line, record.name, doubt.value, text, record.file))
        codes = " ".join(dict.fromkeys(doubt.value for doubt, _ in entry.doubts))
        words = "; ".join(text for _, text in entry.doubts)
        self._writer.writerow((record.file, record.line, record.name, "kept", codes, words))


class _Texts:
    """Texts of a spooled column by row."""

    def __init__(self, spool: Mapping[str, Array], column: str) -> None:
        self._text = spool[f"{column}_text"]
        self._end = np.cumsum(spool[f"{column}_size"])

    def __getitem__(self, row: int) -> str:
        first = int(self._end[row - 1]) if row else 0
        return bytes(self._text[first : int(self._end[row])]).decode("utf-8")


def _outcome(row: int, leader: Array, exact: Array, spool: Mapping[str, Array]) -> tuple[str, str]:
    """Code and words for an entry merged into another."""
    line = int(spool["line"][leader[row]])
    if exact[row]:
        return _EXACT, f"same compound and same spectrum as line {line}"
    return _NEAR, f"same compound and conditions as line {line}, and nearly the same spectrum"

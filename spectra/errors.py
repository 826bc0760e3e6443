"""Errors of reading and handling measurements.

Every error carries a stable ``code`` and named ``fields``; the sentence a person reads is made from these,
never from ``str(exc)`` of a library. Errors cross a process boundary as ``to_dict``/``error_from_dict``.
"""

from __future__ import annotations

from enum import StrEnum


class Fault(StrEnum):
    """Why a file could not be read; the value is stable and may be stored."""

    EMPTY = "empty"  # the file has no bytes
    UNKNOWN_FORMAT = "unknown_format"  # no reader knows the content
    TRUNCATED = "truncated"  # ends before what its own header announces
    MALFORMED = "malformed"  # contradicts its own format
    NO_SIGNAL = "no_signal"  # read, but holds no scan or no ion
    UNSUPPORTED = "unsupported"  # a known variant that is not read
    TOO_LARGE = "too_large"  # beyond a stated limit
    FORBIDDEN = "forbidden"  # DTD, entity, link or another thing a measurement never needs
    TIMED_OUT = "timed_out"  # the reader did not end in the time allowed
    OUT_OF_MEMORY = "out_of_memory"  # the reader needed more than it was allowed
    CRASHED = "crashed"  # the reader died


class UnreadableFile(Exception):
    """A file cannot be read: which, where, what was expected, what to do.

    Parameters
    ----------
    fault : the stable reason.
    file : the name a person knows the file by; never a path of this machine.
    where : place inside the file ("byte 512", "scan 17", "line 3"), or "".
    expected : what a good file has there, in plain words, or "".
    remedy : what the person can do, in plain words, or "".
    """

    def __init__(
        self, fault: Fault, *, file: str = "", where: str = "", expected: str = "", remedy: str = ""
    ) -> None:
        super().__init__(fault, file, where, expected, remedy)
        self.fault = fault
        self.file = file
        self.where = where
        self.expected = expected
        self.remedy = remedy

    def __reduce__(self) -> tuple[object, ...]:
        return (error_from_dict, (self.to_dict(),))

    def __str__(self) -> str:
        place = f" at {self.where}" if self.where else ""
        parts = [f"{self.file or 'file'}: {self.fault.value.replace('_', ' ')}{place}"]
        parts += [f"expected {self.expected}"] if self.expected else []
        parts += [self.remedy] if self.remedy else []
        return "; ".join(parts)

    def to_dict(self) -> dict[str, str]:
        """The error as plain text fields, ready for JSON."""
        return {
            "fault": self.fault.value,
            "file": self.file,
            "where": self.where,
            "expected": self.expected,
            "remedy": self.remedy,
        }


def error_from_dict(fields: dict[str, str]) -> UnreadableFile:
    """Rebuild an error from `UnreadableFile.to_dict`.

    Raises
    ------
    KeyError, ValueError : a field is missing or the fault is not known.
    """
    return UnreadableFile(
        Fault(fields["fault"]),
        file=fields["file"],
        where=fields["where"],
        expected=fields["expected"],
        remedy=fields["remedy"],
    )


class InvalidMeasurement(ValueError):
    """Arrays that cannot be a measurement (unequal lengths, NaN, unsorted m/z, negative intensity)."""

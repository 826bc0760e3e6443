"""Readers of measurement files: one module a format, one registry, one way in.

`read` promises a checked `Run` or an `UnreadableFile` that says what is wrong, where, and what to do;
never another exception. The content decides which reader is asked, never the file's name. Libraries that
are heavy to import are imported by the reader that needs them, when it reads.

A file from outside belongs into the sandbox: nothing here limits memory or time.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from spectra.errors import Fault, UnreadableFile
from spectra.model import Run
from spectra.readers import (
    agilent_asp,
    agilent_detector,
    agilent_image,
    allotrope,
    andi,
    andi_chromatography,
    chemstation,
    chromatogram_text,
    foreign,
    gzipped,
    jcamp,
    library_json,
    masshunter,
    mgf,
    msp_run,
    mzdata,
    mzdb,
    mzml,
    mzmlb,
    mzspeclib,
    mzxml,
    omnic,
    openlab,
    optical_text,
    opus,
    perkinelmer,
    shimadzu,
    shimadzu_text,
    spc,
    thermo,
    varian,
    waters,
)
from spectra.readers.contract import Reader
from spectra.readers.optical import not_compared
from spectra.readers.scans import is_simulated

__all__ = ["HEAD_BYTES", "READERS", "Reader", "read"]

HEAD_BYTES = 4096
READERS: tuple[Reader, ...] = (
    mzml,
    mzxml,
    mzdata,
    mzmlb,
    mzdb,
    gzipped,
    andi_chromatography,
    andi,
    openlab,
    agilent_detector,
    masshunter,
    chemstation,
    thermo,
    waters,
    varian,
    shimadzu,
    jcamp,
    mgf,
    mzspeclib,
    library_json,
    msp_run,
    spc,
    opus,
    omnic,
    perkinelmer,
    agilent_asp,
    agilent_image,
    shimadzu_text,
    allotrope,
    chromatogram_text,
    foreign,
    optical_text,
)


def read(path: Path, *, name: str = "") -> Run:
    """The file, or folder, at ``path`` as a run with at least one ion, trace or optical spectrum.

    Parameters
    ----------
    path : where it lies. name : what a person calls it; stands in the error (default: the path's last part).

    Raises
    ------
    UnreadableFile : nothing else, whatever a library inside raises.
    """
    label = name or path.name
    try:
        return _read(path)
    except UnreadableFile as error:
        error.file = error.file or label
        raise
    except OSError as error:
        raise UnreadableFile(Fault.MALFORMED, file=label, expected="a file that can be opened") from error


def _read(path: Path) -> Run:
    head = _head(path)
    reader = next((reader for reader in READERS if reader.recognises(head, path)), None)
    if reader is None:
        raise UnreadableFile(
            Fault.UNKNOWN_FORMAT,
            remedy="Export the run as mzML or ANDI netCDF from the instrument's software.",
        )
    run = _guarded(reader, path)
    if not _has_signal(run):
        raise UnreadableFile(
            Fault.NO_SIGNAL, expected="at least one scan with one ion, one trace or one optical spectrum"
        )
    note = not_compared(run.metadata.technique, run.optical)
    return replace(
        run,
        metadata=replace(run.metadata, simulated=is_simulated(run.metadata)),
        warnings=(*run.warnings, note) if note else run.warnings,
    )


def _has_signal(run: Run) -> bool:
    others = (*(trace.value for trace in run.traces), *(one.y for one in run.optical))
    return bool(len(run.scans.mz)) or any(map(len, (*others, *(one.value for one in run.diode_arrays))))


def _head(path: Path) -> bytes:
    if path.is_dir():
        return b""
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    if not head:
        raise UnreadableFile(Fault.EMPTY, remedy="Copy the file again from the instrument.")
    return head


def _guarded(reader: Reader, path: Path) -> Run:
    try:
        with np.errstate(all="ignore"):  # broken numbers are left out with a warning of ours
            return reader.read(path)
    except (UnreadableFile, OSError):
        raise
    except MemoryError as error:
        raise UnreadableFile(Fault.OUT_OF_MEMORY, expected="a smaller file") from error
    except Exception as error:  # libraries raise a zoo; the promise above is kept here
        expected = f"a file that the {reader.name} reader understands ({type(error).__name__})"
        raise UnreadableFile(Fault.MALFORMED, expected=expected) from error

"""mzMLb: mzML whose arrays lie beside it in one HDF5 file, through h5py and pyopenms.

pyopenms reads the mzML text without the arrays; they are put in from HDF5, truncation with delta or linear
prediction undone. Refuses what `xml_text` refuses, links and datasets that lead out of the file, arrays
beyond their dataset, and codings that HDF5 or this module cannot undo (Blosc without its plugin, Numpress).
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from spectra.errors import Fault, UnreadableFile
from spectra.model import Floats, Run
from spectra.readers import openms
from spectra.readers.scans import check_limits
from spectra.readers.xml_text import refuse_declarations

name = "mzmlb"
formats = ("mzMLb",)

_MAGIC = b"\x89HDF\r\n\x1a\n"
_MAX_TEXT = 512 * 2**20
_MAX_RATIO, _FREE = 1000, 2**16  # deflate reaches 1032; bytes that are always believed
_LENGTH = re.compile(rb"""(<(?:spectrum|chromatogram)\s[^>]*?defaultArrayLength\s*=\s*["'])(\d{1,18})""")
_OWNER = re.compile(rb"<(spectrum|chromatogram)\s(.*?)</\1>", re.DOTALL)
_ARRAY = re.compile(rb"<binaryDataArray[\s>](.*?)</binaryDataArray>", re.DOTALL)
_PARAMETER = re.compile(rb"""<cvParam\s[^>]*?accession\s*=\s*["'](MS:\d{7})["'][^>]*?>""")
_VALUE = re.compile(rb"""\svalue\s*=\s*["']([^"']{0,300})["']""")
_AXES = ("MS:1000514", "MS:1000595")
_HEIGHTS = "MS:1000515"
_DATASET, _OFFSET, _COUNT = "MS:1002841", "MS:1002842", "MS:1002843"
_DELTA, _LINEAR = "MS:1003089", "MS:1003090"
_NUMPRESS = {f"MS:100{number}" for number in (2312, 2313, 2314, 2746, 2747, 2748)}
_MINUTES = re.compile(rb"""unitAccession\s*=\s*["']UO:0000031["']""")
_REMEDY = "Convert it to mzML with ProteoWizard's msconvert."


def recognises(head: bytes, path: Path) -> bool:  # noqa: ARG001
    """Any HDF5 file."""
    return head.startswith(_MAGIC)


def read(path: Path) -> Run:
    """The run; times in s. Raises `UnreadableFile`."""
    import h5py

    with suppress(ImportError):
        import hdf5plugin  # noqa: F401  registers Blosc where it is installed

    with _opened(h5py, path) as content:
        if "mzML" not in content:
            raise UnreadableFile(
                Fault.UNSUPPORTED,
                where="header",
                expected="a dataset of the name mzML; this is HDF5 of another kind (netCDF-4 …)",
                remedy="Export the run as ANDI/AIA mass spectrometry or as mzML.",
            )
        text = _text(content)
        check_limits([int(found[2]) for found in _LENGTH.finditer(text)])
        experiment = _skeleton(text)
        _fill(experiment, text, content)
    return openms.run_of(experiment, openms.metadata_of(experiment, format="mzMLb", reader=name), [])


def _opened(h5py: Any, path: Path) -> Any:
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise UnreadableFile(
            Fault.TRUNCATED if "truncated" in str(error) else Fault.MALFORMED,
            expected="a whole HDF5 file",
            remedy="Copy or export the file again.",
        ) from error


def _text(content: Any) -> bytes:
    dataset = _dataset(content, "mzML")
    if dataset.dtype.itemsize != 1 or dataset.size > _MAX_TEXT:
        raise UnreadableFile(Fault.TOO_LARGE, where="dataset mzML", expected="mzML of at most 512 MiB")
    if dataset.size > _MAX_RATIO * (dataset.id.get_storage_size() + _FREE):
        expected = f"a text of at most {_MAX_RATIO} times what is stored of it"
        raise UnreadableFile(Fault.FORBIDDEN, where="dataset mzML", expected=expected, remedy=_REMEDY)
    text: bytes = _slice(dataset, 0, dataset.size).tobytes().rstrip(b"\0")
    refuse_declarations(text, "mzML")
    if b"</mzML>" not in text:
        raise UnreadableFile(Fault.TRUNCATED, where="dataset mzML", expected="the closing tag </mzML>")
    return text


def _dataset(content: Any, title: str) -> Any:
    """A dataset whose values lie in this very file."""
    import h5py

    link = content.get(title, getlink=True)
    if not isinstance(link, h5py.HardLink):
        fault = Fault.MALFORMED if link is None else Fault.FORBIDDEN
        raise UnreadableFile(fault, where=f"dataset {title[:100]}", expected="a dataset of the file itself")
    dataset = content[title]
    if not isinstance(dataset, h5py.Dataset) or dataset.ndim != 1 or dataset.dtype.kind not in "iuf":
        raise UnreadableFile(Fault.MALFORMED, where=f"dataset {title[:100]}", expected="one row of numbers")
    if dataset.external or dataset.is_virtual:
        expected = "a dataset of the file itself"
        raise UnreadableFile(Fault.FORBIDDEN, where=f"dataset {title[:100]}", expected=expected)
    return dataset


def _slice(dataset: Any, start: int, count: int) -> Any:
    if start + count > dataset.size:
        where = f"dataset {dataset.name}"
        raise UnreadableFile(Fault.TRUNCATED, where=where, expected=f"{start + count} values")
    try:
        return dataset[start : start + count]
    except OSError as error:
        coded = "filter" in str(error)
        raise UnreadableFile(
            Fault.UNSUPPORTED if coded else Fault.TRUNCATED,
            where=f"dataset {dataset.name}",
            expected="a compression that is read (gzip)" if coded else "whole chunks",
            remedy=_REMEDY,
        ) from error


def _skeleton(text: bytes) -> Any:
    """What pyopenms makes of the mzML without arrays."""
    import pyopenms

    experiment = pyopenms.MSExperiment()
    plain = _LENGTH.sub(rb"\g<1>0", text)
    try:
        pyopenms.MzMLFile().loadBuffer(plain.decode("utf-8", "replace"), experiment)
    except RuntimeError as error:
        raise UnreadableFile(
            Fault.MALFORMED, where="dataset mzML", expected="well-formed mzML", remedy="Export it again."
        ) from error
    return experiment


def _fill(experiment: Any, text: bytes, content: Any) -> None:
    owners: dict[bytes, list[bytes]] = {b"spectrum": [], b"chromatogram": []}
    for found in _OWNER.finditer(text):
        owners[found[1]].append(found[2])
    chromatograms = experiment.getChromatograms()
    if len(owners[b"spectrum"]) != experiment.size() or len(owners[b"chromatogram"]) != len(chromatograms):
        raise UnreadableFile(Fault.MALFORMED, where="dataset mzML", expected="one element a spectrum")
    spectra = list(experiment)
    for one, element in zip(spectra, owners[b"spectrum"], strict=True):
        one.set_peaks(_arrays(element, content))
    for one, element in zip(chromatograms, owners[b"chromatogram"], strict=True):
        one.set_peaks(_arrays(element, content))
    experiment.setSpectra(spectra)
    experiment.setChromatograms(chromatograms)


def _arrays(element: bytes, content: Any) -> tuple[Floats, Floats]:
    """Places (m/z, or time in s) and heights of a spectrum or chromatogram."""
    places = heights = np.empty(0)
    for found in _ARRAY.finditer(element):
        parameters = {str(one[1], "ascii"): one[0] for one in _PARAMETER.finditer(found[1])}
        axis = next((one for one in _AXES if one in parameters), "")
        if axis:
            scale = 60.0 if _MINUTES.search(parameters[axis]) else 1.0
            places = _values(parameters, content) * scale
        elif _HEIGHTS in parameters:
            heights = _values(parameters, content)
    if len(places) != len(heights):
        raise UnreadableFile(Fault.MALFORMED, where="dataset mzML", expected="two arrays of one length")
    return places, heights.astype(np.float32)


def _values(parameters: dict[str, bytes], content: Any) -> Floats:
    if _DATASET not in parameters:
        return np.empty(0)
    if _NUMPRESS & parameters.keys():
        raise UnreadableFile(
            Fault.UNSUPPORTED, where="dataset mzML", expected="arrays without Numpress", remedy=_REMEDY
        )
    title, start, count = (_value(parameters.get(one, b"")) for one in (_DATASET, _OFFSET, _COUNT))
    if not (start.isdigit() and count.isdigit() and len(start + count) < 36):
        raise UnreadableFile(Fault.MALFORMED, where="dataset mzML", expected="an offset and a length")
    check_limits([int(count)])
    values: Floats = _slice(_dataset(content, title), int(start), int(count)).astype(np.float64)
    if _DELTA in parameters:
        return undo_delta(values)
    return undo_linear(values) if _LINEAR in parameters else values


def _value(parameter: bytes) -> str:
    found = _VALUE.search(parameter)
    return found[1].decode("utf-8", "replace") if found else ""


def undo_delta(values: Floats) -> Floats:
    """From the second on, each value was written as its step from the one before, plus the first."""
    out = values.copy()
    out[2:] = values[1] + np.cumsum(values[2:] - values[0]) if len(values) > 2 else out[2:]
    return out


def undo_linear(values: Floats) -> Floats:
    """From the third on, each was written as its distance from the line of two before, plus the second."""
    out = values.copy()
    if len(values) > 2:
        slopes = values[1] - values[0] + np.cumsum(values[2:] - values[1])
        out[2:] = values[1] + np.cumsum(slopes)
    return out

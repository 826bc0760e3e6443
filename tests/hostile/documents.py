"""Builders of small documents, honest but for what their arguments say."""

from __future__ import annotations

import base64
import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Mapping

_FLOAT64 = '<cvParam cvRef="MS" accession="MS:1000523" name="64-bit float"/>'
_ZLIB = '<cvParam cvRef="MS" accession="MS:1000574" name="zlib compression"/>'
_PLAIN = '<cvParam cvRef="MS" accession="MS:1000576" name="no compression"/>'
_MZ = '<cvParam cvRef="MS" accession="MS:1000514" name="m/z array"/>'
_INTENSITY = '<cvParam cvRef="MS" accession="MS:1000515" name="intensity array"/>'


def doubles(*values: float) -> bytes:
    """Little-endian doubles."""
    return struct.pack(f"<{len(values)}d", *values)


MZ, INTENSITY = doubles(50, 82, 303), doubles(5, 100, 20)


def bomb(megabytes: int) -> bytes:
    """So many zeros, packed by zlib without ever being in memory at once."""
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(megabytes)) + packer.flush()


def array_element(values: bytes, kind: str, *, packed: bool, extra: str = "") -> str:
    """One ``binaryDataArray`` around raw little-endian values, or values already packed by zlib."""
    data = base64.b64encode(values).decode()
    how = _ZLIB if packed else _PLAIN
    return (
        f'<binaryDataArray encodedLength="{len(data)}"{extra}>{_FLOAT64}{how}{kind}'
        f"<binary>{data}</binary></binaryDataArray>"
    )


def mzml_text(
    mz: bytes = MZ,
    intensity: bytes = INTENSITY,
    length: str = "3",
    *,
    packed: bool = False,
    prologue: str = "",
    extra: str = "",
    more: str = "",
) -> str:
    """A one-spectrum mzML document; ``length`` is what it claims, whatever the arrays hold."""
    arrays = array_element(mz, _MZ, packed=packed, extra=extra)
    arrays += array_element(intensity, _INTENSITY, packed=packed)
    return f"""<?xml version="1.0" encoding="utf-8"?>
{prologue}<mzML xmlns="http://psi.hupo.org/ms/mzml" version="1.1.0">
<cvList count="1"><cv id="MS" fullName="PSI-MS" URI="psi-ms.obo"/></cvList>
<fileDescription><fileContent/></fileDescription>
<softwareList count="1"><software id="s" version="1"/></softwareList>
<instrumentConfigurationList count="1"><instrumentConfiguration id="i"/></instrumentConfigurationList>
<dataProcessingList count="1"><dataProcessing id="d"><processingMethod order="0" softwareRef="s"/>
</dataProcessing></dataProcessingList>
<run id="r" defaultInstrumentConfigurationRef="i"><spectrumList count="1" defaultDataProcessingRef="d">
<spectrum index="0" id="scan=1" defaultArrayLength="{length}">
<cvParam cvRef="MS" accession="MS:1000511" name="ms level" value="1"/>
<cvParam cvRef="MS" accession="MS:1000127" name="centroid spectrum"/>
<scanList count="1"><scan><cvParam cvRef="MS" accession="MS:1000016" name="scan start time" value="1.0"
 unitCvRef="UO" unitAccession="UO:0000031" unitName="minute"/></scan></scanList>
<binaryDataArrayList count="2">{arrays}</binaryDataArrayList>
</spectrum>{more}</spectrumList></run></mzML>
"""


def mzxml_text(peaks: str = "", count: str = "1", *, packed: bool = False, prologue: str = "") -> str:
    """A one-scan mzXML document; ``count`` is what it claims."""
    how = 'compressionType="zlib" compressedLen="9"' if packed else 'compressionType="none" compressedLen="0"'
    return (
        f'<?xml version="1.0" encoding="ISO-8859-1"?>\n{prologue}'
        '<mzXML xmlns="http://sashimi.sourceforge.net/schema_revision/mzXML_3.2"><msRun scanCount="1">'
        f'<scan num="1" msLevel="1" peaksCount="{count}" retentionTime="PT1S">'
        f'<peaks precision="32" byteOrder="network" contentType="m/z-int" {how}>{peaks}</peaks>'
        "</scan></msRun></mzXML>"
    )


def mzdata_text(length: str = "1", *, prologue: str = "", data: str = "") -> str:
    """A one-spectrum mzData document; ``length`` is what it claims."""
    array = f'<data precision="64" endian="little" length="{length}">{data}</data>'
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n{prologue}<mzData version="1.05" accessionNumber="0">'
        '<spectrumList count="1"><spectrum id="1"><spectrumDesc><spectrumSettings>'
        '<spectrumInstrument msLevel="1"/></spectrumSettings></spectrumDesc>'
        f"<mzArrayBinary>{array}</mzArrayBinary><intenArrayBinary>{array}</intenArrayBinary>"
        "</spectrum></spectrumList></mzData>"
    )


def netcdf_header(dimension: int, *, version: int = 1) -> bytes:
    """A netCDF-3 header with one dimension of any size and one variable over it."""
    name, variable = b"point_number", b"mass_values\0"
    dims = struct.pack(">III", 0x0A, 1, len(name)) + name + struct.pack(">I", dimension)
    entry = struct.pack(">I", len(variable) - 1) + variable + struct.pack(">II", 1, 0)
    entry += struct.pack(">II", 0, 0) + struct.pack(">III", 5, 0xFFFFFFFC, 200)
    return (
        b"CDF"
        + bytes([version])
        + bytes(4)
        + dims
        + bytes(8)
        + struct.pack(">II", 0x0B, 1)
        + entry
        + bytes(64)
    )


def spc_header(points: int, subfiles: int, flags: int = 0x04) -> bytes:
    """The header of a GRAMS SPC file in the new format, with wavenumbers."""
    return struct.pack("<BBBBiddiB", flags, 0x4B, 0, 0x80, points, 1.0, 100.0, subfiles, 1).ljust(512, b"\0")


def hdf5(text: bytes, values: int = 3, text_size: int = 0) -> bytes:
    """An mzMLb file: a text and a dataset of doubles, of which nothing is stored but their sizes."""
    import h5py
    import numpy as np

    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        if text_size:
            file.create_dataset("mzML", (text_size,), "u1", chunks=(1 << 16,))
        else:
            file["mzML"] = np.frombuffer(text, np.uint8)
        file.create_dataset("values", (values,), "f8", chunks=(min(values, 1 << 16),))
    return stream.getvalue()


def mzmlb_text(count: str, offset: str = "0", prologue: str = "") -> str:
    """mzML whose arrays say where in the dataset ``values`` of an mzMLb file their numbers lie."""
    params = (("MS:1002841", "values"), ("MS:1002842", offset), ("MS:1002843", count))
    told = "".join(
        f'<cvParam cvRef="MS" accession="{code}" name="x" value="{value}"/>' for code, value in params
    )
    return mzml_text(b"", b"", prologue=prologue).replace("<binary>", f"{told}<binary>")


def sqlite(*statements: str) -> bytes:
    """An SQLite database."""
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(":memory:")) as base:
        for statement in statements:
            base.execute(statement)
        return bytes(base.serialize())


def jcamp(points: str, data: str = "50,1 60,2", kind: str = "(XY..XY)") -> str:
    """A JCAMP-DX mass spectrum that claims so many points."""
    return (
        "##TITLE=x\n##JCAMP-DX=4.24\n##DATA TYPE=MASS SPECTRUM\n##XUNITS=M/Z\n##YUNITS=RELATIVE ABUNDANCE\n"
        f"##NPOINTS={points}\n##PEAK TABLE={kind}\n{data}\n##END=\n"
    )


def zipped(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An honest zip archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def zipped_entry(name: str, mode: int, content: bytes = b"/etc/hostname") -> bytes:
    """A zip archive with one member of a Unix mode."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        entry = zipfile.ZipInfo(name)
        entry.create_system, entry.external_attr = 3, mode << 16
        archive.writestr(entry, content)
    return stream.getvalue()


def tarred(name: str, kind: bytes = tarfile.REGTYPE, content: bytes = b"x", how: str = "w:gz") -> bytes:
    """A tar archive with one member of a kind."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=how) as archive:
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = kind, "/etc/hostname"
        entry.size = len(content) if kind == tarfile.REGTYPE else 0
        archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()

"""The table of files that must be refused: how each is made, and the fault and the words that answer it.

Nothing dangerous lies in the repository: every file is made when a test asks for it.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import re
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from spectra.errors import Fault
from tests.hostile.documents import (
    INTENSITY,
    bomb,
    doubles,
    hdf5,
    jcamp,
    mzdata_text,
    mzml_text,
    mzmlb_text,
    mzxml_text,
    netcdf_header,
    spc_header,
    sqlite,
    tarred,
    zipped,
    zipped_entry,
)

Content = bytes | str
Make = Callable[[Path], object]


@dataclass(frozen=True, slots=True)
class Case:
    """A hostile file: ``make`` writes it to (or as) the given path."""

    name: str
    make: Make
    fault: Fault
    words: str  # stand in the message


CASES: list[Case] = []


def case(name: str, content: Content | Callable[[], Content], fault: Fault, words: str) -> None:
    """Add a file of fixed content; what is large is made when it is needed."""

    def make(path: Path) -> None:
        made = content() if callable(content) else content
        path.write_bytes(made.encode() if isinstance(made, str) else made)

    CASES.append(Case(name, make, fault, words))


def special(name: str, make: Make, fault: Fault, words: str) -> None:
    """Add a path that is no ordinary file."""
    CASES.append(Case(name, make, fault, words))


# --- document types and entities -------------------------------------------------------------------------
NO_TYPES = "a file without document type or entities"
LAUGHS = "".join(
    f'<!ENTITY l{n} "{"&l" + str(n - 1) + ";" if n else "ha"}{("&l" + str(n - 1) + ";") * 9 if n else ""}">'
    for n in range(12)
)
FIFO, PORT = "@FIFO@", "@PORT@"  # replaced by the test by what it watches
DOCUMENT_TYPES = {
    "billion laughs": f"<!DOCTYPE mzML [{LAUGHS}]>\n",
    "quadratic blow-up": f'<!DOCTYPE mzML [<!ENTITY a "{"a" * 50_000}">]>\n',
    "recursive entities": '<!DOCTYPE mzML [<!ENTITY a "&b;"><!ENTITY b "&a;">]>\n',
    "external entity": '<!DOCTYPE mzML [<!ENTITY x SYSTEM "file:///etc/hostname">]>\n',
    "external entity on a pipe": f'<!DOCTYPE mzML [<!ENTITY x SYSTEM "file://{FIFO}">]>\n',
    "external type on a pipe": f'<!DOCTYPE mzML SYSTEM "file://{FIFO}">\n',
    "external type on a server": f'<!DOCTYPE mzML SYSTEM "http://127.0.0.1:{PORT}/x">\n',
    "external entity on a server": f'<!DOCTYPE mzML [<!ENTITY x SYSTEM "http://127.0.0.1:{PORT}/x">]>\n',
    "parameter entity": f'<!DOCTYPE mzML [<!ENTITY % x SYSTEM "http://127.0.0.1:{PORT}/x"> %x;]>\n',
    "public identifier": f'<!DOCTYPE mzML PUBLIC "-//x//y" "http://127.0.0.1:{PORT}/x">\n',
    "empty subset": "<!DOCTYPE mzML []>\n",
    "bare document type": "<!DOCTYPE mzML>\n",
    "document type behind a comment": "<!-- -->\n<!DOCTYPE mzML>\n",
    "document type behind an instruction": "<?x y?>\n<!DOCTYPE mzML>\n",
    "attribute defaults": '<!DOCTYPE mzML [<!ATTLIST mzML version CDATA "1.1.0">]>\n',
    "notation": '<!DOCTYPE mzML [<!NOTATION n SYSTEM "x">]>\n',
}
for _name, _prologue in DOCUMENT_TYPES.items():
    case(f"mzML: {_name}", mzml_text(prologue=_prologue), Fault.FORBIDDEN, NO_TYPES)
for _name in ("billion laughs", "external type on a server", "external entity on a pipe"):
    _prologue = DOCUMENT_TYPES[_name].replace("mzML", "mzXML")
    case(f"mzXML: {_name}", mzxml_text(prologue=_prologue), Fault.FORBIDDEN, NO_TYPES)
    _prologue = DOCUMENT_TYPES[_name].replace("mzML", "mzData")
    case(f"mzData: {_name}", mzdata_text(prologue=_prologue), Fault.FORBIDDEN, NO_TYPES)
case("JCAMP label before a document type", "##TITLE=x\n" + mzml_text(prologue="<!DOCTYPE mzML>"),
     Fault.MALFORMED, "well-formed XML")  # fmt: skip
case("byte order mark before a document type",
     b"\xef\xbb\xbf" + mzml_text(prologue="<!DOCTYPE mzML>\n").split("\n", 1)[1].encode(),
     Fault.FORBIDDEN, NO_TYPES)  # fmt: skip

# --- encodings that hide the text ------------------------------------------------------------------------
PLAIN_TEXT = "XML in UTF-8, ASCII or Latin-1"
for _encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp037", "cp500"):
    _text = mzml_text(prologue="<!DOCTYPE mzML>\n").replace("utf-8", _encoding)
    case(f"document in {_encoding}", _text.encode(_encoding), Fault.UNSUPPORTED, PLAIN_TEXT)
for _encoding in ("utf-7", "windows-1252", "x-none"):
    case(f"declared as {_encoding}", mzml_text().replace("utf-8", _encoding),
         Fault.UNSUPPORTED, "UTF-8, ASCII or Latin-1")  # fmt: skip
case("declared as utf-16", mzml_text().replace("utf-8", "utf-16"), Fault.UNSUPPORTED, "UTF-8, ASCII")

# --- XML that is too much --------------------------------------------------------------------------------
case("65 levels", "<mzML>" * 65 + "</mzML>" * 65, Fault.FORBIDDEN, "at most 64 levels")
case("giant attribute", f'<mzML id="{"x" * 3_000_000}"/>', Fault.TOO_LARGE, "tags of less than 1 MiB")
case("cut document", mzml_text()[:-200], Fault.TRUNCATED, "the end of the document")
case("two roots", mzml_text() + "<mzML/>", Fault.MALFORMED, "well-formed XML")
for _length in ("-5", "1e9", "٣", "", "9" * 5000):
    case(f"array length {_length[:8]!r}", mzml_text(length=_length), Fault.MALFORMED, "a length of 0 or more")
for _length in ("10000000000", "2000001", "999999999999999999"):
    case(
        f"array length {_length}",
        mzml_text(length=_length),
        Fault.TOO_LARGE,
        "at most 2000000 points in a spectrum",
    )
case(
    "own array length",
    mzml_text(extra=' arrayLength="10000000000"'),
    Fault.TOO_LARGE,
    "at most 2000000 points",
)
case("lengths summed over the file",
     mzml_text(more='<spectrum defaultArrayLength="1999999"></spectrum>' * 11),
     Fault.TOO_LARGE, "at most 20000000 points in a file")  # fmt: skip
case("peaksCount of 10 to the 10", mzxml_text(count="10000000000"), Fault.TOO_LARGE, "at most 2000000 points")
case("peaksCount of -5", mzxml_text(count="-5"), Fault.MALFORMED, "a length of 0 or more")
case("mzData length of 10 to the 10", mzdata_text("10000000000"), Fault.TOO_LARGE, "at most 2000000 points")
case("mzData length of -5", mzdata_text("-5"), Fault.MALFORMED, "a length of 0 or more")

# --- packed arrays ---------------------------------------------------------------------------------------
case("text beyond its length", lambda: mzml_text(bomb(80), bomb(80), "5", packed=True),
     Fault.FORBIDDEN, "an array of 5 values")  # fmt: skip
case("zlib bomb", lambda: mzml_text(bomb(400), bomb(400), "1900000", packed=True),
     Fault.FORBIDDEN, "a packed array of no more than its 1900000 values")  # fmt: skip
case("zlib bomb in mzXML", lambda: mzxml_text(_base64(bomb(400)), "1900000", packed=True),
     Fault.FORBIDDEN, "a packed array of no more than its 3800000 values")  # fmt: skip
_GROUP = '<referenceableParamGroupRef ref="packed"/>'
case("zlib bomb that a group says is one",
     lambda: mzml_text(bomb(400), bomb(400), "1900000").replace("<binary>", f"{_GROUP}<binary>"),
     Fault.FORBIDDEN, "a packed array of no more than")  # fmt: skip
case("zlib bomb in a section", lambda: mzml_text(bomb(400), bomb(400), "1900000", packed=True)
     .replace("<binary>", "<binary><![CDATA[").replace("</binary>", "]]></binary>"),
     Fault.FORBIDDEN, "a packed array of nothing but base64")  # fmt: skip
case("zlib bomb in character references", lambda: mzml_text(bomb(400), bomb(400), "1900000", packed=True)
     .replace("<binary>e", "<binary>&#101;"),
     Fault.FORBIDDEN, "a packed array of nothing but base64")  # fmt: skip

# --- lists that announce what is not there, and elements outside of their place -----------------------------
ROOM = "what this file has room for"
for _count in ("2147483647", "10000000", "-1", "-5"):
    case(f"mzML of {_count} spectra", mzml_text().replace('mList count="1"', f'mList count="{_count}"'),
         Fault.MALFORMED, ROOM)  # fmt: skip
    case(f"mzXML of {_count} scans", mzxml_text().replace('scanCount="1"', f'scanCount="{_count}"'),
         Fault.MALFORMED, ROOM)  # fmt: skip
    case(f"mzData of {_count} spectra", mzdata_text().replace('List count="1"', f'List count="{_count}"'),
         Fault.MALFORMED, ROOM)  # fmt: skip
case("mzML of 2147483647 chromatograms",
     mzml_text().replace("</run>", '<chromatogramList count="2147483647"></chromatogramList></run>'),
     Fault.MALFORMED, ROOM)  # fmt: skip
for _element, _words in (
    ("<peaks>QsgAAELIAAA=</peaks>", "<peaks> inside a <scan>"),
    ('<precursorMz precursorIntensity="1">301.0</precursorMz>', "<precursorMz> inside a <scan>"),
    ('<processingOperation name="x"/>', "<processingOperation> behind a <dataProcessing>"),
    ('<msInstrument><msResolution value="1"/></msInstrument>', "<msResolution> behind a <msMassAnalyzer>"),
):
    case(f"mzXML with {_element[:20]}", mzxml_text().replace("<scan", f"{_element}<scan"),
         Fault.MALFORMED, _words)  # fmt: skip
case("mzXML with peaks behind all scans", mzxml_text().replace("</msRun>", "<peaks></peaks></msRun>"),
     Fault.MALFORMED, "<peaks> inside a <scan>")  # fmt: skip


def _base64(content: bytes) -> str:
    import base64

    return base64.b64encode(content).decode()


# --- numbers that are none -------------------------------------------------------------------------------
NAN = doubles(float("nan"), float("nan"), float("nan"))
case("nothing but NaN m/z", mzml_text(mz=NAN), Fault.NO_SIGNAL, "at least one scan")
case(
    "nothing but infinite m/z",
    mzml_text(mz=doubles(*[float("inf")] * 3)),
    Fault.NO_SIGNAL,
    "at least one scan",
)
case("nothing but NaN intensities", mzml_text(intensity=NAN), Fault.NO_SIGNAL, "at least one scan")
case("nothing but negative m/z", mzml_text(mz=doubles(-1, -2, -3)), Fault.NO_SIGNAL, "at least one scan")
case("arrays of unequal length", mzml_text(intensity=INTENSITY[:8]), Fault.MALFORMED, "")

# --- binary headers that lie -----------------------------------------------------------------------------
case("netCDF dimension of 2147483647", netcdf_header(2**31 - 1), Fault.TRUNCATED, "")
for _dimension in (2**31, 2**32 - 1):
    case(f"netCDF dimension of {_dimension}", netcdf_header(_dimension), Fault.UNSUPPORTED, "mass_values")
case("netCDF of version 9", netcdf_header(3, version=9), Fault.UNKNOWN_FORMAT, "")
case("netCDF cut in its header", netcdf_header(3)[:40], Fault.TRUNCATED, "")
for _points, _subfiles in ((2**31 - 1, 1), (-5, 1), (10, 2**31 - 1), (10, -1), (2**31 - 1, 2**31 - 1)):
    for _flags, _words in ((0x04, "as the header says"), (0xC4, "a directory of")):
        case(f"SPC of {_points} points in {_subfiles} parts, flags {_flags:#x}",
             spc_header(_points, _subfiles, _flags) + bytes(200), Fault.TRUNCATED, _words)  # fmt: skip
case("SPC of no points", spc_header(0, 0) + bytes(200), Fault.NO_SIGNAL, "at least one scan")
case("JCAMP of 4 thousand million points", jcamp("4000000000", "++(X++(Y..Y)"), Fault.MALFORMED, "")
case(
    "compound file without anything",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
    Fault.TRUNCATED,
    "a whole compound file",
)
case("OPUS without anything", b"\x0a\x0a\xfe\xfe" + bytes(600), Fault.MALFORMED, "")

# --- containers ------------------------------------------------------------------------------------------
HDF5, SQLITE = b"\x89HDF\r\n\x1a\n", b"SQLite format 3\0"


def _mzmlb(count: str, offset: str = "0", values: int = 3, prologue: str = "") -> bytes:
    return hdf5(mzmlb_text(count, offset, prologue).encode(), values)


case("HDF5 of zeros", HDF5 + bytes(2000), Fault.MALFORMED, "a whole HDF5 file")
case("HDF5 cut", lambda: hdf5(b"x" * 9000)[:5000], Fault.TRUNCATED, "a whole HDF5 file")
case("HDF5 of another kind", lambda: hdf5(b"").replace(b"mzML", b"xxxx"), Fault.UNSUPPORTED, "mzML")
case("mzMLb text of 8 TB", lambda: hdf5(b"", text_size=1 << 43), Fault.TOO_LARGE, "mzML of at most 512 MiB")
case(
    "mzMLb text of 500 MB that is not there",
    lambda: hdf5(b"", text_size=500 << 20),
    Fault.FORBIDDEN,
    "a text of at most 1000 times what is stored of it",
)
case("mzMLb array of 10 to the 10", lambda: _mzmlb("10000000000"), Fault.TOO_LARGE, "at most 2000000 points")
case(
    "mzMLb array of 10 to the 10 in a dataset of as many",
    lambda: _mzmlb("10000000000", values=10**10),
    Fault.TOO_LARGE,
    "at most 2000000 points",
)
case(
    "mzMLb array behind its dataset",
    lambda: _mzmlb("3", "10000000000"),
    Fault.TRUNCATED,
    "10000000003 values",
)
case(
    "mzMLb with a document type",
    lambda: _mzmlb("3", prologue="<!DOCTYPE mzML>\n"),
    Fault.FORBIDDEN,
    "without a DTD",
)
case("SQLite of zeros", SQLITE + bytes(5000), Fault.MALFORMED, "a whole mzDB database")
case(
    "SQLite cut",
    lambda: sqlite("CREATE TABLE spectrum (id)", "CREATE TABLE mzdb (a)")[:5000],
    Fault.MALFORMED,
    "",
)
case("SQLite with pages of 255", SQLITE + b"\xff" * 5000, Fault.MALFORMED, "a whole mzDB database")
case("SQLite of another kind", lambda: sqlite("CREATE TABLE GlobalMetadata (a)"), Fault.UNSUPPORTED, "")
case("SQLite whose table is an endless view", lambda: sqlite(
     "CREATE TABLE mzdb (a)", "CREATE TABLE bounding_box (a)", "CREATE TABLE data_encoding (a)",
     "CREATE VIEW spectrum AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x FROM n) "
     "SELECT x AS id FROM n"),
     Fault.UNSUPPORTED, "")  # fmt: skip
LINK = "##TITLE=x\n##JCAMP-DX=4.24\n##DATA TYPE=LINK\n##BLOCKS={count}\n{blocks}##END=\n"
NO_SPECTRUM = "a spectrum, or mass spectra as tables of peaks"
EMPTY_BLOCK = "##TITLE=y\n##DATA TYPE=INFRARED SPECTRUM\n##END=\n"
REPEATED = """##TITLE=x
##JCAMP-DX=4.24
##DATA TYPE=INFRARED SPECTRUM
##XUNITS=1/CM
##YUNITS=ABSORBANCE
##FIRSTX=1
##LASTX=2
##NPOINTS=10000000000
##XFACTOR=1
##YFACTOR=1
##XYDATA=(X++(Y..Y))
1A9999999999Z999999999
##END=
"""
case("JCAMP of 100,000 nested links", lambda: "##TITLE=x\n##DATA TYPE=LINK\n##BLOCKS=2\n" * 100_000,
     Fault.UNSUPPORTED, NO_SPECTRUM)  # fmt: skip
case("JCAMP of 4 thousand million empty blocks", LINK.format(count=4_000_000_000, blocks=""),
     Fault.UNSUPPORTED, NO_SPECTRUM)  # fmt: skip
case("JCAMP of 50,000 empty blocks", lambda: LINK.format(count=50_000, blocks=EMPTY_BLOCK * 50_000),
     Fault.UNSUPPORTED, NO_SPECTRUM)  # fmt: skip
case("JCAMP of a value repeated 10 to the 10 times", REPEATED,
     Fault.TOO_LARGE, "at most 2000000 points a spectrum")  # fmt: skip

# --- text of many levels ---------------------------------------------------------------------------------
case("JSON of 65 levels", "[" * 65 + "]" * 65, Fault.FORBIDDEN, "at most 64 levels")
case("JSON of a million levels", '{"a":' * 1_000_000, Fault.FORBIDDEN, "at most 64 levels")
case("JSON of quotes", "[" + '"\\' * 500_000, Fault.UNKNOWN_FORMAT, "")

# --- archives --------------------------------------------------------------------------------------------
INSIDE = "a name inside the archive"
REGULAR = "regular files only, no links or devices"
DIRECTORY = "a header that agrees with the directory"
RATIO = "at most 50 times the packed size"
ONCE = "no archive inside the archive"
for _pack, _kind in ((bz2.compress, "bzip2"), (lzma.compress, "xz")):
    case(
        f"{_kind} under an XML name", _pack(mzml_text().encode()), Fault.UNSUPPORTED, f"not a {_kind} archive"
    )
case("zstandard", b"\x28\xb5\x2f\xfd" + bytes(50), Fault.UNSUPPORTED, "not a zstandard archive")
case("7z", b"7z\xbc\xaf\x27\x1c" + bytes(50), Fault.UNSUPPORTED, "not a 7z archive")
case("rar", b"Rar!\x1a\x07\x01" + bytes(50), Fault.UNSUPPORTED, "not a rar archive")
case("gzip bomb", lambda: gzip.compress(bytes(80 << 20)), Fault.FORBIDDEN, RATIO)
case("gzip of a hidden document type", gzip.compress(mzml_text(prologue="<!DOCTYPE mzML>\n").encode()),
     Fault.FORBIDDEN, NO_TYPES)  # fmt: skip
case("gzip in gzip", gzip.compress(gzip.compress(b"x")), Fault.FORBIDDEN, ONCE)
case("cut gzip", gzip.compress(mzml_text().encode())[:-30], Fault.TRUNCATED, "a whole archive")
case(
    "gzip with a wrong checksum", gzip.compress(b"x" * 99)[:-8] + bytes(8), Fault.MALFORMED, "a whole archive"
)
case("zip bomb", lambda: zipped({"a": bytes(80 << 20)}), Fault.FORBIDDEN, RATIO)
case(
    "zip of many bombs",
    lambda: zipped({f"{n}.bin": bytes(8 << 20) for n in range(9)}),
    Fault.FORBIDDEN,
    RATIO,
)
case("zip of 600 MB", lambda: _announce(zipped({"a": b"x"}), 600 << 20), Fault.TOO_LARGE, "512 MB unpacked")
case(
    "zip of 5001 files",
    lambda: zipped({f"{n}": b"" for n in range(5001)}),
    Fault.TOO_LARGE,
    "at most 5000 files",
)
case("zip in zip", zipped({"a.zip": zipped({"a": b"x"})}), Fault.FORBIDDEN, ONCE)
case("zip of nine levels", zipped({"a/" * 8 + "b": b"x"}), Fault.FORBIDDEN, "at most 8 folders deep")
case("empty zip", zipped({}), Fault.EMPTY, "a file in the archive")
case("zip of empty folders", zipped({"a/": b"", "b/": b""}), Fault.EMPTY, "a file in the archive")
for _name in ("../evil", "a/../../evil", "/etc/evil", "..\\evil", "C:\\evil", "a/..", "\\\\server\\evil"):
    case(f"zip with the name {_name}", zipped({"ok": b"x"}).replace(b"ok", b"ok") if not _name else
         zipped({_name: b"x"}), Fault.FORBIDDEN, INSIDE)  # fmt: skip
for _name in ("CON", "nul.txt", "a/COM1", "LPT1.d/x"):
    case(f"zip with the device {_name}", zipped({_name: b"x"}), Fault.FORBIDDEN, INSIDE)
case("zip with a zero in a name", zipped({"a0b": b"x"}).replace(b"a0b", b"a\0b"), Fault.FORBIDDEN, INSIDE)
case("zip with a link", zipped_entry("DATA.MS", stat.S_IFLNK | 0o777), Fault.FORBIDDEN, REGULAR)
case("zip with a pipe", zipped_entry("DATA.MS", stat.S_IFIFO | 0o777), Fault.FORBIDDEN, REGULAR)
case("zip with a device", zipped_entry("DATA.MS", stat.S_IFCHR | 0o777), Fault.FORBIDDEN, REGULAR)
case(
    "zip with names that fall together",
    zipped({"DATA.MS": b"x", "data.ms": b"y"}),
    Fault.FORBIDDEN,
    "names that differ",
)
case("zip whose directory lies about a name", re.sub(b"aaaa", b"bbbb", zipped({"aaaa": b"x"}), count=1),
     Fault.FORBIDDEN, DIRECTORY)  # fmt: skip
case(
    "zip whose directory lies about a size",
    lambda: _announce(zipped({"a": b"x"}), 2),
    Fault.FORBIDDEN,
    DIRECTORY,
)
case(
    "zip whose members overlap",
    lambda: _overlapping(),  # noqa: PLW0108  defined below
    Fault.FORBIDDEN,
    "one member after the other",
)
case(
    "zip behind other bytes",
    b"PK\x03\x04" + bytes(40) + zipped({"a": b"x"}),
    Fault.FORBIDDEN,
    "one member after",
)
case("zip with a password", lambda: _encrypted(zipped({"a": b"x"})), Fault.UNSUPPORTED, "no password")
case("zip packed with bzip2", zipped({"a": b"x"}, zipfile.ZIP_BZIP2), Fault.UNSUPPORTED, "deflate or store")
case("zip without a directory", zipped({"a": b"x" * 99})[:60], Fault.MALFORMED, "a whole archive")
case("zip with broken content", zipped({"a": b"xyz"}, zipfile.ZIP_STORED).replace(b"xyz", b"abc"),
     Fault.MALFORMED, "a whole archive")  # fmt: skip
case("zip of a hidden document type", zipped({"run.mzML": mzml_text(prologue="<!DOCTYPE mzML>\n").encode()}),
     Fault.FORBIDDEN, NO_TYPES)  # fmt: skip
case("zip of a folder with entities", zipped({
    "RUN.D/DATA.MS": b"x", "RUN.D/AcqData/sample.xml": f"<!DOCTYPE a [{LAUGHS}]><a>&l9;</a>".encode()}),
     Fault.FORBIDDEN, "a file without entities")  # fmt: skip
case("tar with a link", tarred("DATA.MS", tarfile.SYMTYPE), Fault.FORBIDDEN, REGULAR)
case("tar with a hard link", tarred("DATA.MS", tarfile.LNKTYPE), Fault.FORBIDDEN, REGULAR)
case("tar with a pipe", tarred("DATA.MS", tarfile.FIFOTYPE), Fault.FORBIDDEN, REGULAR)
case("tar with a device", tarred("DATA.MS", tarfile.CHRTYPE), Fault.FORBIDDEN, REGULAR)
case("tar with steps upwards", tarred("../evil"), Fault.FORBIDDEN, INSIDE)
case("tar with an absolute name", tarred("/etc/evil"), Fault.FORBIDDEN, INSIDE)
case("plain tar with steps upwards", tarred("../evil", how="w"), Fault.FORBIDDEN, INSIDE)
case("cut tar.gz", tarred("DATA.MS", content=os.urandom(5000))[:-2000], Fault.TRUNCATED, "a whole archive")
case("tar.gz bomb", lambda: tarred("DATA.MS", content=bytes(80 << 20)), Fault.FORBIDDEN, RATIO)


def _announce(archive: bytes, size: int) -> bytes:
    """Let the directory of a zip announce another size than the member has."""
    place = archive.rindex(b"PK\x01\x02") + 24
    return archive[:place] + struct.pack("<I", size) + archive[place + 4 :]


def _overlapping() -> bytes:
    archive = zipped({"a": b"x", "b": b"y"})
    second = archive.rindex(b"PK\x01\x02") + 42
    return archive[:second] + struct.pack("<I", 0) + archive[second + 4 :]


def _encrypted(archive: bytes) -> bytes:
    place = archive.rindex(b"PK\x01\x02") + 8
    return archive[:place] + b"\x01" + archive[place + 1 :]


# --- something else, and two things at once --------------------------------------------------------------
case("empty file", b"", Fault.EMPTY, "export or copy the file again")
case("zeros", bytes(1000), Fault.UNKNOWN_FORMAT, "")
case("some words", "just some words\n", Fault.UNKNOWN_FORMAT, "")
case("picture", b"\x89PNG\r\n\x1a\n" + bytes(64), Fault.UNSUPPORTED, "a picture")
case("PDF", b"%PDF-1.7\n", Fault.UNSUPPORTED, "a PDF document")
case("program", b"\x7fELF" + bytes(200), Fault.UNSUPPORTED, "a program")
case("page with a script", "<html><script>alert(1)</script></html>", Fault.UNKNOWN_FORMAT, "")
case("drawing", '<svg xmlns="http://www.w3.org/2000/svg"/>', Fault.UNKNOWN_FORMAT, "")
case("picture that is also a document", b"GIF89a/*\n" + mzml_text(prologue="<!DOCTYPE mzML>\n").encode(),
     Fault.MALFORMED, "well-formed XML")  # fmt: skip
case("PDF that is also a zip", b"%PDF-1.7\n" + zipped({"a": b"x"}), Fault.UNSUPPORTED, "a PDF document")


def _folder_with_a_link(path: Path) -> None:
    path.mkdir()
    (path / "DATA.MS").symlink_to("/etc/hostname")


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(17 << 20)


special("larger than allowed", _sparse, Fault.TOO_LARGE, "at most 16 MB")
special("pipe", os.mkfifo, Fault.FORBIDDEN, "a regular file, not a pipe, link or device")
special("link to a device", lambda path: path.symlink_to("/dev/zero"), Fault.FORBIDDEN, "a regular file")
special(
    "folder with a link", _folder_with_a_link, Fault.FORBIDDEN, "a folder of regular files, without links"
)
special("empty folder", Path.mkdir, Fault.EMPTY, "copy the whole folder again")
special("nothing at all", lambda path: None, Fault.FORBIDDEN, "a file that exists")

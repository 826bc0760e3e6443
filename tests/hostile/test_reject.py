"""Files made to hurt their reader: each is refused with the right fault, soon, and touches nothing else."""

from __future__ import annotations

import bz2
import gzip
import io
import os
import socket
import struct
import tarfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from spectra.errors import Fault, UnreadableFile
from spectra.model import Run
from xbt.config import Settings
from xbt.sandbox import read_run

MzML = Callable[..., Path]
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


def refusal(path: Path, settings: Settings, *, within: float = 5.0) -> UnreadableFile:
    started = time.monotonic()
    with pytest.raises(UnreadableFile) as caught:
        read_run(path, name="handed in.mzML", settings=settings)
    assert time.monotonic() - started < within
    assert caught.value.file == "handed in.mzML"
    assert str(path.parent) not in str(caught.value)
    return caught.value


def read_or_refuse(path: Path, settings: Settings) -> Run | UnreadableFile:
    try:
        return read_run(path, name="handed in.mzML", settings=settings)
    except UnreadableFile as error:
        return error


def fault(path: Path, settings: Settings) -> Fault:
    return refusal(path, settings).fault


def zipped(content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("sample.mzML", content)
    return stream.getvalue()


LAUGHS = "".join(
    f'<!ENTITY l{n} "{"&l" + str(n - 1) + ";" if n else "ha"}{("&l" + str(n - 1) + ";") * 9 if n else ""}">'
    for n in range(12)
)
DOCUMENT_TYPES = {
    "billion laughs": f"<!DOCTYPE mzML [{LAUGHS}]>\n",
    "quadratic blow-up": f'<!DOCTYPE mzML [<!ENTITY a "{"a" * 50_000}">]>\n',
    "recursion": '<!DOCTYPE mzML [<!ENTITY a "&b;"><!ENTITY b "&a;">]>\n',
    "external entity": '<!DOCTYPE mzML [<!ENTITY x SYSTEM "file:///etc/hostname">]>\n',
    "parameter entity": '<!DOCTYPE mzML [<!ENTITY % x SYSTEM "file:///etc/hostname"> %x;]>\n',
    "public identifier": '<!DOCTYPE mzML PUBLIC "-//x//y" "file:///etc/hostname">\n',
    "empty subset": "<!DOCTYPE mzML []>\n",
    "bare": "<!DOCTYPE mzML>\n",
    "behind a comment": "<!-- -->\n<!DOCTYPE mzML>\n",
    "behind an instruction": "<?x y?>\n<!DOCTYPE mzML>\n",
    "attribute defaults": '<!DOCTYPE mzML [<!ATTLIST mzML version CDATA "1.1.0">]>\n',
    "notation": '<!DOCTYPE mzML [<!NOTATION n SYSTEM "x">]>\n',
}


@pytest.mark.parametrize("prologue", DOCUMENT_TYPES.values(), ids=DOCUMENT_TYPES)
def test_a_document_type_is_forbidden(prologue: str, mzml: MzML, settings: Settings) -> None:
    error = refusal(mzml(prologue=prologue), settings)
    assert error.fault is Fault.FORBIDDEN
    assert error.where.startswith("line ")


def test_an_external_document_type_never_opens_a_pipe(mzml: MzML, tmp_path: Path, settings: Settings) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert fault(mzml(prologue=f'<!DOCTYPE mzML SYSTEM "file://{pipe}">\n'), settings) is Fault.FORBIDDEN
    with pytest.raises(OSError, match="No such device"):  # nobody has it open for reading
        os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)


@pytest.fixture
def listener() -> Iterator[tuple[int, list[object]]]:
    """A server on the loopback interface and the list of who called."""
    calls: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        stop = threading.Event()

        def accept() -> None:
            while not stop.is_set():
                try:
                    connection, address = server.accept()
                except TimeoutError:
                    continue
                calls.append(address)
                connection.close()

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield server.getsockname()[1], calls
        finally:
            stop.set()
            thread.join()


def test_an_external_document_type_calls_nobody(
    mzml: MzML, listener: tuple[int, list[object]], settings: Settings
) -> None:
    port, calls = listener
    document = mzml(prologue=f'<!DOCTYPE mzML SYSTEM "http://127.0.0.1:{port}/x">\n')
    assert fault(document, settings) is Fault.FORBIDDEN
    assert calls == []


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp037", "cp500"])
def test_an_encoding_that_hides_the_text_is_refused(encoding: str, mzml: MzML, settings: Settings) -> None:
    path = mzml(prologue="<!DOCTYPE mzML>\n")
    path.write_bytes(path.read_text().replace("utf-8", encoding).encode(encoding))
    assert fault(path, settings) is Fault.UNSUPPORTED


@pytest.mark.parametrize("encoding", ["cp037", "utf-7", "utf-16", "windows-1252", "shift_jis", "x-none"])
def test_a_declared_encoding_beyond_latin_1_is_refused(encoding: str, mzml: MzML, settings: Settings) -> None:
    path = mzml()
    path.write_text(path.read_text().replace("utf-8", encoding))
    assert fault(path, settings) in {Fault.UNSUPPORTED, Fault.MALFORMED}


@pytest.mark.parametrize("start", [b"\xef\xbb\xbf", b"   \n", b"\x0c", b"##TITLE=x\n"])
def test_nothing_before_the_document_hides_its_type(start: bytes, mzml: MzML, settings: Settings) -> None:
    path = mzml(prologue="<!DOCTYPE mzML>\n")
    path.write_bytes(start + path.read_bytes())
    assert fault(path, settings) in {Fault.FORBIDDEN, Fault.MALFORMED}


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, zipped], ids=["gzip", "bzip2", "zip"])
def test_packed_content_is_refused_whatever_its_name(
    pack: Callable[[bytes], bytes], mzml: MzML, settings: Settings
) -> None:
    path = mzml()
    path.write_bytes(pack(path.read_bytes()))
    error = refusal(path, settings)
    assert error.fault is Fault.UNSUPPORTED
    assert "unpack" in error.remedy


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        ("-5", Fault.MALFORMED),
        ("1e9", Fault.MALFORMED),
        ("٣", Fault.MALFORMED),
        ("", Fault.MALFORMED),
        ("9" * 5000, Fault.MALFORMED),
        ("10000000000", Fault.TOO_LARGE),
        ("2000001", Fault.TOO_LARGE),
    ],
)
def test_a_mad_array_length_is_refused(length: str, expected: Fault, mzml: MzML, settings: Settings) -> None:
    assert fault(mzml(length=length), settings) is expected


def test_lengths_are_summed_over_the_file(mzml: MzML, settings: Settings) -> None:
    path = mzml()
    many = '<spectrum defaultArrayLength="1999999"></spectrum>' * 11
    path.write_text(path.read_text().replace("</spectrumList>", many + "</spectrumList>"))
    assert fault(path, settings) is Fault.TOO_LARGE


def test_a_packed_array_may_not_hold_more_than_it_declares(
    mzml: MzML, zeros: Callable[[int], bytes], settings: Settings
) -> None:
    assert fault(mzml(zeros(10_000_000), zeros(10_000_000), "5", packed=True), settings) is Fault.FORBIDDEN


def test_nesting_is_limited(tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "deep.mzML"
    path.write_text("<mzML>" * 65 + "</mzML>" * 65)
    assert fault(path, settings) is Fault.FORBIDDEN


def test_a_giant_tag_is_refused(tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "giant.mzML"
    path.write_text(f'<mzML id="{"x" * 3_000_000}"/>')
    assert fault(path, settings) is Fault.TOO_LARGE


def test_half_a_document_is_truncated(mzml: MzML, settings: Settings) -> None:
    path = mzml()
    path.write_bytes(path.read_bytes()[:-200])
    assert fault(path, settings) is Fault.TRUNCATED


def test_an_empty_file_is_empty(tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "a.mzML"
    path.touch()
    assert fault(path, settings) is Fault.EMPTY


def test_a_file_above_the_limit_is_too_large(tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "a.mzML"
    with path.open("wb") as file:
        file.truncate(17 * 1024 * 1024)
    assert fault(path, settings) is Fault.TOO_LARGE


def test_a_pipe_is_refused_without_being_opened(tmp_path: Path, settings: Settings) -> None:
    os.mkfifo(tmp_path / "a.mzML")
    assert fault(tmp_path / "a.mzML", settings) is Fault.FORBIDDEN


def test_a_folder_with_a_link_is_forbidden(tmp_path: Path, settings: Settings) -> None:
    folder = tmp_path / "RUN.D"
    folder.mkdir()
    (folder / "DATA.MS").symlink_to("/etc/hostname")
    assert fault(folder, settings) is Fault.FORBIDDEN


def test_an_empty_folder_is_empty(tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "RUN.D").mkdir()
    assert fault(tmp_path / "RUN.D", settings) is Fault.EMPTY


@pytest.mark.parametrize(
    "content",
    [PNG, b"%PDF-1.7\n", b"\x7fELF" + bytes(200), b"\0" * 1000, b"just some words\n", b"MZ" + bytes(500)],
    ids=["png", "pdf", "elf", "zeros", "words", "exe"],
)
def test_something_else_under_a_measurement_name_is_no_measurement(
    content: bytes, tmp_path: Path, settings: Settings
) -> None:
    path = tmp_path / "a.mzML"
    path.write_bytes(content)
    assert fault(path, settings) in {Fault.UNKNOWN_FORMAT, Fault.UNSUPPORTED}


def test_a_foreign_document_is_unknown(tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "a.mzML"
    path.write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    assert fault(path, settings) is Fault.UNKNOWN_FORMAT


def test_a_tar_with_a_measurement_inside_is_refused(mzml: MzML, tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        archive.add(mzml(), "sample.mzML")
    assert fault(path, settings) in {Fault.UNKNOWN_FORMAT, Fault.UNSUPPORTED}


NAN_MZ = struct.pack("<3d", 50.0, float("nan"), 303.0)
WRONG_ARRAYS = {
    "NaN m/z": (NAN_MZ, struct.pack("<3d", 1, 2, 3)),
    "infinite m/z": (struct.pack("<3d", 50, 60, float("inf")), struct.pack("<3d", 1, 2, 3)),
    "NaN intensity": (struct.pack("<3d", 50, 60, 70), NAN_MZ),
}


@pytest.mark.parametrize(("mz", "intensity"), WRONG_ARRAYS.values(), ids=WRONG_ARRAYS)
def test_numbers_that_are_none_are_refused_or_left_out(
    mz: bytes, intensity: bytes, mzml: MzML, settings: Settings
) -> None:
    outcome = read_or_refuse(mzml(mz, intensity), settings)
    if isinstance(outcome, Run):  # the reader left the point out, and must say so
        assert np.isfinite(outcome.scans.mz).all()
        assert outcome.warnings
    else:
        assert outcome.fault in {Fault.MALFORMED, Fault.NO_SIGNAL}


def test_a_bomb_that_its_declared_length_could_hide_is_refused(
    mzml: MzML, zeros: Callable[[int], bytes], settings: Settings
) -> None:
    path = mzml(zeros(50_000_000), zeros(50_000_000), "1900000", packed=True)
    assert refusal(path, settings, within=20).fault in {Fault.OUT_OF_MEMORY, Fault.TOO_LARGE, Fault.MALFORMED}


def netcdf_header(dimension: int) -> bytes:
    name = b"point_number"
    dims = struct.pack(">III", 0x0A, 1, len(name)) + name + struct.pack(">I", dimension)
    variable = b"mass_values\0"
    entry = struct.pack(">I", len(variable) - 1) + variable + struct.pack(">II", 1, 0)
    entry += struct.pack(">II", 0, 0) + struct.pack(">III", 5, 0xFFFFFFFC, 200)
    return b"CDF\x01" + bytes(4) + dims + bytes(8) + struct.pack(">II", 0x0B, 1) + entry + bytes(64)


@pytest.mark.parametrize("dimension", [2**31 - 1, 2**31, 2**32 - 1])
def test_a_netcdf_dimension_beyond_the_file_is_refused(
    dimension: int, tmp_path: Path, settings: Settings
) -> None:
    path = tmp_path / "a.cdf"
    path.write_bytes(netcdf_header(dimension))
    assert fault(path, settings) in {
        Fault.MALFORMED,
        Fault.TRUNCATED,
        Fault.UNSUPPORTED,
        Fault.UNKNOWN_FORMAT,
        Fault.TOO_LARGE,
        Fault.OUT_OF_MEMORY,
    }


def spc_header(points: int, subfiles: int, flags: int = 0x04) -> bytes:
    return struct.pack("<BBBBiddi", flags, 0x4B, 0, 0x80, points, 1.0, 100.0, subfiles).ljust(512, b"\0")


@pytest.mark.parametrize(
    ("points", "subfiles"),
    [(2**31 - 1, 1), (-5, 1), (10, 2**31 - 1), (10, -1), (2**31 - 1, 2**31 - 1), (0, 0)],
)
@pytest.mark.parametrize("flags", [0x00, 0x04, 0xC4])
def test_an_spc_file_with_lying_counts_is_refused(
    points: int, subfiles: int, flags: int, tmp_path: Path, settings: Settings
) -> None:
    path = tmp_path / "a.spc"
    path.write_bytes(spc_header(points, subfiles, flags) + bytes(200))
    assert fault(path, settings) not in {Fault.CRASHED, Fault.TIMED_OUT}

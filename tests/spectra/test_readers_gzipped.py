"""Packed measurements: members, padding, bombs, cuts and dolls."""

from __future__ import annotations

import gzip
import io
import os
from pathlib import Path

import pytest

from spectra.errors import Fault, UnreadableFile
from spectra.readers import read
from spectra.readers.gzipped import unpack


def unpacked(packed: bytes) -> bytes:
    plain = io.BytesIO()
    unpack(io.BytesIO(packed), plain)
    return plain.getvalue()


def test_members_and_padding() -> None:
    assert unpacked(gzip.compress(b"one ") + gzip.compress(b"two") + bytes(100)) == b"one two"


@pytest.mark.parametrize("content", [b"", os.urandom(3_000_000), bytes(3_000_000)])
def test_what_was_packed_comes_back(content: bytes) -> None:
    assert unpacked(gzip.compress(content)) == content


def test_a_bomb_is_refused_early() -> None:
    with pytest.raises(UnreadableFile) as caught:
        unpacked(gzip.compress(bytes(200 * 2**20)))
    assert caught.value.fault is Fault.FORBIDDEN


@pytest.mark.parametrize("kept", [3, 11, 30, -4])
def test_a_cut_stream_is_a_truncation(kept: int) -> None:
    with pytest.raises(UnreadableFile) as caught:
        unpacked(gzip.compress(os.urandom(100))[:kept])
    assert caught.value.fault is Fault.TRUNCATED


def test_a_damaged_stream_is_malformed() -> None:
    packed = bytearray(gzip.compress(b"abc" * 1000))
    packed[12] ^= 0xFF
    with pytest.raises(UnreadableFile) as caught:
        unpacked(bytes(packed))
    assert caught.value.fault in (Fault.MALFORMED, Fault.TRUNCATED)


def test_a_doll_in_a_doll_is_forbidden(tmp_path: Path) -> None:
    path = tmp_path / "run.mzML.gz"
    path.write_bytes(gzip.compress(gzip.compress(b"<mzML></mzML>")))
    with pytest.raises(UnreadableFile) as caught:
        read(path)
    assert caught.value.fault is Fault.FORBIDDEN
    assert caught.value.file == "run.mzML.gz"

"""Hostile files, made anew for every test; nothing dangerous lies in the repository."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from xbt.config import Settings

_FLOAT64 = '<cvParam cvRef="MS" accession="MS:1000523" name="64-bit float"/>'
_ZLIB = '<cvParam cvRef="MS" accession="MS:1000574" name="zlib compression"/>'
_PLAIN = '<cvParam cvRef="MS" accession="MS:1000576" name="no compression"/>'
_MZ = '<cvParam cvRef="MS" accession="MS:1000514" name="m/z array"/>'
_INTENSITY = '<cvParam cvRef="MS" accession="MS:1000515" name="intensity array"/>'

MzML = Callable[..., Path]
Bomb = Callable[[int], bytes]


def bomb(points: int) -> bytes:
    """So many zeros, packed without ever being in memory at once."""
    packer = zlib.compressobj(9)
    chunk = bytes(8_000_000)
    return b"".join(packer.compress(chunk) for _ in range(points // 1_000_000)) + packer.flush()


def array_element(values: bytes, kind: str, *, packed: bool) -> str:
    """One ``binaryDataArray`` around raw little-endian values, or values already packed by zlib."""
    data = base64.b64encode(values).decode()
    how = _ZLIB if packed else _PLAIN
    return (
        f'<binaryDataArray encodedLength="{len(data)}">{_FLOAT64}{how}{kind}'
        f"<binary>{data}</binary></binaryDataArray>"
    )


def mzml_text(mz: bytes, intensity: bytes, *, length: str, packed: bool = False, prologue: str = "") -> str:
    """A one-spectrum mzML document; ``length`` is what it claims, whatever the arrays hold."""
    arrays = array_element(mz, _MZ, packed=packed) + array_element(intensity, _INTENSITY, packed=packed)
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
</spectrum></spectrumList></run></mzML>
"""


def doubles(*values: float) -> bytes:
    return struct.pack(f"<{len(values)}d", *values)


@pytest.fixture
def mzml(tmp_path: Path) -> MzML:
    """Write a small mzML file; every argument of `mzml_text` may be changed."""

    def write(
        mz: bytes = doubles(50, 82, 303),
        intensity: bytes = doubles(5, 100, 20),
        length: str = "3",
        **more: object,
    ) -> Path:
        path = tmp_path / "sample.mzML"
        path.write_text(mzml_text(mz, intensity, length=length, **more))  # type: ignore[arg-type]
        return path

    return write


@pytest.fixture(scope="session")
def zeros() -> Bomb:
    """Packed zeros: a thousand times smaller than what they become."""
    return cache(bomb)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Small limits, so that a hostile file is a short test."""
    return Settings(data_dir=tmp_path / "var", max_upload_mb=16, child_memory_mb=1024, child_seconds=20)

"""Shimadzu compound files: a real one against the text that LabSolutions exported from it; broken ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spectra.errors import Fault, UnreadableFile
from spectra.model import Technique
from spectra.readers import read


@pytest.mark.data
def test_a_gas_chromatogram_is_what_the_software_exports(data_dir: Path) -> None:
    run = read(data_dir / "raw/shimadzu/FS19_214.gcd")
    exported = read(data_dir / "raw/shimadzu/ladder.txt").traces[0]
    (trace,) = run.traces
    assert len(trace.value) == 66_255
    np.testing.assert_allclose(trace.time_s, exported.time_s, atol=6e-4)  # exported to 0.00001 min
    np.testing.assert_allclose(trace.value, exported.value, atol=1)  # exported as whole numbers
    assert trace.unit == "uV"
    assert run.metadata.sample_name == "FS19_214"
    assert run.metadata.instrument == "GC-2014"
    assert run.metadata.acquired_at == "2019-07-18 23:45:56 UTC"
    assert run.metadata.technique is Technique.GC
    assert run.warnings == ()


@pytest.mark.data
@pytest.mark.parametrize("kept", [8, 600, 5000, 300_000, 1_400_000])
def test_a_cut_file_never_passes_silently(data_dir: Path, tmp_path: Path, kept: int) -> None:
    path = tmp_path / "run.gcd"
    path.write_bytes((data_dir / "raw/shimadzu/FS19_214.gcd").read_bytes()[:kept])
    with pytest.raises(UnreadableFile) as caught:
        read(path)
    assert caught.value.fault in (Fault.TRUNCATED, Fault.MALFORMED, Fault.UNSUPPORTED)


@pytest.mark.data
@pytest.mark.parametrize(
    ("storage", "words"),
    [("QTFL RawData", "LCMS-9030"), ("TTFL Raw Data", "IT-TOF"), ("TLM Raw Data", "triple-quadrupole")],
)
def test_spectra_that_no_library_decodes_rightly_are_refused(
    data_dir: Path, tmp_path: Path, storage: str, words: str
) -> None:
    """The storage of a real file renamed within its directory entry."""
    whole = (data_dir / "raw/shimadzu/FS19_214.gcd").read_bytes()
    old = "LSS BaselineCheck Parameters".encode("utf-16le")
    entry = whole.index(old)
    new = storage.encode("utf-16le")
    broken = bytearray(whole)
    broken[entry : entry + 64] = new.ljust(64, b"\0")
    broken[entry + 64 : entry + 66] = (len(new) + 2).to_bytes(2, "little")
    (tmp_path / "run.lcd").write_bytes(broken)
    with pytest.raises(UnreadableFile) as caught:
        read(tmp_path / "run.lcd")
    assert caught.value.fault is Fault.UNSUPPORTED
    assert words in caught.value.expected
    assert "LabSolutions" in caught.value.remedy

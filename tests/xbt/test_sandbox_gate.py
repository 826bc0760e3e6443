"""What the gate takes for XML: everything that could be, but not a library of lines under a tag."""

from __future__ import annotations

import pytest

from xbt.sandbox.gate import looks_like_xml

LIBRARY = b"<mzSpecLib>\nMS:1003186|library format version=1.0\n<Spectrum=1>\n"


@pytest.mark.parametrize("text", [LIBRARY, b"\xef\xbb\xbf" + LIBRARY])
def test_a_spectral_library_as_text_is_no_xml(text: bytes) -> None:
    assert not looks_like_xml(text)


@pytest.mark.parametrize(
    "text",
    [
        LIBRARY + b'<!DOCTYPE a [<!ENTITY x "y">]>',
        LIBRARY + b"<mzXML><msRun>",
        LIBRARY + b"<mzML >",
        LIBRARY + b"<mzData >",
        b"<?xml version='1.0'?>" + LIBRARY,
        b"<mzSpecLibs>",
        b"<anything/>",
    ],
)
def test_whatever_another_reader_could_parse_is_xml(text: bytes) -> None:
    assert looks_like_xml(text)

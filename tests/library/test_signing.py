"""Keys, signatures and whom they are trusted from."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from library.signing import (
    Signature,
    Trust,
    is_sound,
    make_key,
    pinned_keys,
    public_key,
    read_key,
    sign,
    trust,
)

# RFC 8032, section 7.1, test 2.
SEED = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
PUBLIC = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
VALUE = (
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)


def test_a_signature_is_that_of_the_standard() -> None:
    assert public_key(SEED) == PUBLIC
    assert sign(SEED, b"\x72") == Signature(PUBLIC, VALUE)
    assert is_sound(Signature(PUBLIC, VALUE), b"\x72")


@given(st.integers(0, 511))
def test_one_wrong_bit_is_noticed(bit: int) -> None:
    value = bytearray.fromhex(VALUE)
    value[bit // 8] ^= 1 << bit % 8
    assert not is_sound(Signature(PUBLIC, value.hex()), b"\x72")
    assert not is_sound(Signature(PUBLIC, VALUE), b"\x73")


@pytest.mark.parametrize("key", ["", "zz", "00", "g" * 64])
def test_a_signature_by_no_key_is_not_sound(key: str) -> None:
    assert not is_sound(Signature(key, VALUE), b"\x72")
    assert not is_sound(Signature(PUBLIC, key), b"\x72")


def test_a_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "key"
    assert read_key(path) is None
    assert make_key(path)
    first = read_key(path)
    assert not make_key(path)
    assert read_key(path) == first
    assert os.stat(path).st_mode & 0o777 == 0o400
    path.chmod(0o600)
    path.write_bytes(b"short")
    with pytest.raises(ValueError, match="5 bytes"):
        read_key(path)


def test_whom_a_signature_is_trusted_from() -> None:
    signed = sign(SEED, b"m")
    assert trust(Signature(), b"m", "", {}) is Trust.NONE
    assert trust(signed, b"m", PUBLIC, {}) is Trust.OWN
    assert trust(signed, b"m", "", {PUBLIC: "Lab"}) is Trust.PINNED
    assert trust(signed, b"m", "", {}) is Trust.UNKNOWN_KEY
    assert trust(signed, b"n", PUBLIC, {PUBLIC: "Lab"}) is Trust.WRONG


def test_the_list_of_trusted_keys(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    assert pinned_keys(path) == {}
    path.write_text(f"# of friends\n\n{PUBLIC.upper()}  Lab of Lyon\n")
    assert pinned_keys(path) == {PUBLIC: "Lab of Lyon"}
    path.write_text(f"{PUBLIC}\n")
    with pytest.raises(ValueError, match="line 1"):
        pinned_keys(path)

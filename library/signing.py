"""Ed25519 signatures of library releases (RFC 8032).

Promises: a key is 32 bytes that only their owner reads; a signature names the public key it was made with,
so that who trusts that key can check it. A list of trusted keys is text: one hexadecimal key and the name of
its owner a line. Refuses nothing: a release without a signature is a release that nobody vouches for.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

_OWNER_READS = 0o400
_SEED_BYTES = 32
_LINE = re.compile(r"([0-9a-fA-F]{64})\s+(\S.*)")


class Trust(StrEnum):
    """What a signature says; the value is stable."""

    OWN = "own"  # by the key of this installation
    PINNED = "pinned"  # by a key on the list
    UNKNOWN_KEY = "unknown_key"  # sound, by a key nobody vouches for
    WRONG = "wrong"  # the manifest was changed after it was signed
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Signature:
    """``key`` is the public key, ``value`` the signature; both hexadecimal, both "" where not signed."""

    key: str = ""
    value: str = ""


def make_key(path: Path) -> bool:
    """Write a new private key; False if there is a file already, which stays.

    Raises
    ------
    OSError : the folder is not there or cannot be written.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_READS)
    except FileExistsError:
        return False
    with os.fdopen(handle, "wb") as target:
        target.write(os.urandom(_SEED_BYTES))
        target.flush()
        os.fsync(target.fileno())
    return True


def read_key(path: Path) -> bytes | None:
    """The private key, None where there is none.

    Raises
    ------
    ValueError : the file holds something else.
    """
    try:
        seed = path.read_bytes()
    except FileNotFoundError:
        return None
    if len(seed) != _SEED_BYTES:
        msg = f"{path.name} is no key: it has {len(seed)} bytes, not {_SEED_BYTES}"
        raise ValueError(msg)
    return seed


def public_key(seed: bytes) -> str:
    """The public part of a private key, hexadecimal."""
    from nacl.signing import SigningKey

    return bytes(SigningKey(seed).verify_key).hex()


def sign(seed: bytes, message: bytes) -> Signature:
    """The signature of a message by a private key."""
    from nacl.signing import SigningKey

    return Signature(public_key(seed), SigningKey(seed).sign(message).signature.hex())


def is_sound(signature: Signature, message: bytes) -> bool:
    """Whether the named key made this signature of this message."""
    from nacl.exceptions import CryptoError
    from nacl.signing import VerifyKey

    try:
        VerifyKey(bytes.fromhex(signature.key)).verify(message, bytes.fromhex(signature.value))
    except (CryptoError, ValueError, TypeError):
        return False
    return True


def pinned_keys(path: Path) -> dict[str, str]:
    """Owner by public key; empty where there is no list. A line that begins with # is a remark.

    Raises
    ------
    ValueError : a line is no key with a name.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    told = [(number, line.strip()) for number, line in enumerate(lines, start=1)]
    return dict(_pin(path, number, line) for number, line in told if line and not line.startswith("#"))


def trust(signature: Signature, message: bytes, own: str, pinned: Mapping[str, str]) -> Trust:
    """What to make of a signature: ``own`` is the public key of this installation, "" where it has none."""
    if not signature.value:
        return Trust.NONE
    if not is_sound(signature, message):
        return Trust.WRONG
    if signature.key == own:
        return Trust.OWN
    return Trust.PINNED if signature.key in pinned else Trust.UNKNOWN_KEY


def _pin(path: Path, number: int, line: str) -> tuple[str, str]:
    found = _LINE.fullmatch(line)
    if not found:
        msg = f"{path.name}, line {number}: expected a public key of 64 hexadecimal digits and a name"
        raise ValueError(msg)
    return found[1].lower(), found[2].strip()

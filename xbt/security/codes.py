"""Ticket codes: made, forgiven, checked, hashed.

A code is 12 Crockford base-32 symbols and a check symbol, ``XXXX-XXXX-XXXX-C``. The first four are the
*locator*, which finds the row; the other eight are the *secret* (40 bits), of which only a slow salted hash
over a keyed hash is stored. Promises that a mistyped symbol or two swapped neighbours are told without
asking the database. Refuses to keep, print or log a code anywhere.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from argon2.low_level import Type

from xbt.domain.errors import BadCode, Busy

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
SYMBOLS: Final = 12
LOCATOR: Final = 4

_FORGIVEN = str.maketrans({"O": "0", "I": "1", "L": "1"})
_IGNORED = str.maketrans("", "", " -–—_.\t\r\n\u00a0\u2011\u202f")
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, salt_len=16, type=Type.ID)
_WAIT_SECONDS = 2.0
_AT_ONCE = threading.BoundedSemaphore(4)  # each verification takes 19 MiB


@dataclass(frozen=True, slots=True)
class Code:
    """A code whose check symbol fits. Neither ``repr`` nor a traceback shows the secret."""

    locator: str = field(repr=False)
    secret: str = field(repr=False)

    @property
    def printable(self) -> bool:
        """Whether the check is a letter or digit. Crockford's scheme also uses ``* ~ $ = U`` as checks;
        codes that would need one are not issued, because nobody can read them out on a telephone."""
        return check_number(self.locator + self.secret) < len(ALPHABET)

    def text(self) -> str:
        """``XXXX-XXXX-XXXX-C``, to be shown once and printed."""
        symbols = self.locator + self.secret
        groups = [symbols[start : start + 4] for start in range(0, SYMBOLS, 4)]
        return "-".join([*groups, ALPHABET[check_number(symbols)]])


def check_number(symbols: str) -> int:
    """Crockford's check: the number that the symbols spell, modulo 37. 37 is prime and greater than 32, so
    every single wrong symbol and every swap of neighbours changes it."""
    value = 0
    for symbol in symbols:
        value = value * 32 + ALPHABET.index(symbol)
    return value % 37


def new_code(choose: Callable[[str], str] = secrets.choice) -> Code:
    """A fresh printable code: 60 random bits from ``choose`` (one symbol of an alphabet at a time)."""
    while True:
        code = _split("".join(choose(ALPHABET) for _ in range(SYMBOLS)))
        if code.printable:
            return code


def derived_codes(key: bytes, message: str) -> Iterator[Code]:
    """The printable codes that belong to a request, endlessly: the same key and message, the same codes.

    Lets an intake that is sent twice (lost connection, double click) get the same ticket without the code
    being stored. ``key`` must be secret and ``message`` unguessable.
    """
    for attempt in count():
        digest = hmac.digest(key, f"ticket {attempt} {message}".encode(), "sha256")
        code = _split("".join(ALPHABET[byte % 32] for byte in digest[:SYMBOLS]))
        if code.printable:
            yield code


def normalise(text: str) -> Code:
    """Read what a person typed: any case, spaces and dashes; O for 0, I and L for 1.

    Raises
    ------
    BadCode : code ``code_length``, ``code_symbol`` or ``code_check``; the fields never repeat the input.
    """
    symbols = text.upper().translate(_IGNORED).translate(_FORGIVEN)
    if len(symbols) != SYMBOLS + 1:
        raise BadCode("code_length", expected=str(SYMBOLS + 1))
    body, check = symbols[:SYMBOLS], symbols[SYMBOLS]
    if not set(symbols) <= set(ALPHABET):
        raise BadCode("code_symbol")
    if check_number(body) != ALPHABET.index(check):
        raise BadCode("code_check")
    return _split(body)


def hash_secret(secret: str, pepper: bytes) -> str:
    """argon2id (19 MiB, 2 passes, 1 lane, 16-byte salt) over HMAC-SHA-256(pepper, secret), as PHC text.

    Raises
    ------
    Busy : code ``busy``; four hashes are being computed already and none ended within 2 s.
    """
    with _slot():
        return _HASHER.hash(_keyed(secret, pepper))


def verify(stored: str | None, secret: str, pepper: bytes) -> bool:
    """Whether ``secret`` belongs to ``stored``. None costs as much as a wrong secret and is never right.

    Raises
    ------
    Busy : as `hash_secret`.
    """
    with _slot():
        try:
            _HASHER.verify(stored or _DUMMY, _keyed(secret, pepper))
        except (VerifyMismatchError, InvalidHashError):
            return False
    return stored is not None


def _split(symbols: str) -> Code:
    return Code(symbols[:LOCATOR], symbols[LOCATOR:])


def _keyed(secret: str, pepper: bytes) -> bytes:
    return hmac.digest(pepper, secret.encode("ascii"), hashlib.sha256)


@contextmanager
def _slot() -> Iterator[None]:
    if not _AT_ONCE.acquire(timeout=_WAIT_SECONDS):
        raise Busy("busy")
    try:
        yield
    finally:
        _AT_ONCE.release()


# Compared with when a locator is unknown, so that it takes the same time as a known one.
_DUMMY = _HASHER.hash(secrets.token_bytes(32))

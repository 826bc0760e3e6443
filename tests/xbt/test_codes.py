"""Ticket codes: typos are told without the database, and only a slow hash is kept."""

from __future__ import annotations

import threading

import pytest
from argon2 import extract_parameters
from argon2.low_level import Type
from hypothesis import given
from hypothesis import strategies as st

from xbt.domain.errors import BadCode, Busy
from xbt.security import codes
from xbt.security.codes import ALPHABET, Code, derived_codes, hash_secret, new_code, normalise, verify

PEPPER = b"p" * 32
SYMBOLS = st.sampled_from(ALPHABET)
CODES = st.lists(SYMBOLS, min_size=12, max_size=12).map("".join).map(lambda s: Code(s[:4], s[4:]))
PRINTABLE = CODES.filter(lambda code: code.printable)


@given(PRINTABLE)
def test_a_code_is_read_back_as_it_was_printed(code: Code) -> None:
    assert normalise(code.text()) == code


@given(PRINTABLE, st.integers(0, 12), SYMBOLS)
def test_any_wrong_symbol_is_told(code: Code, place: int, wrong: str) -> None:
    symbols = code.text().replace("-", "")
    if symbols[place] == wrong:
        return
    with pytest.raises(BadCode) as told:
        normalise(symbols[:place] + wrong + symbols[place + 1 :])
    assert told.value.code == "code_check"


@given(PRINTABLE, st.integers(0, 11))
def test_any_swap_of_neighbours_is_told(code: Code, place: int) -> None:
    symbols = list(code.text().replace("-", ""))
    if symbols[place] == symbols[place + 1]:
        return
    symbols[place], symbols[place + 1] = symbols[place + 1], symbols[place]
    with pytest.raises(BadCode):
        normalise("".join(symbols))


@given(PRINTABLE)
def test_case_spaces_and_lookalikes_are_forgiven(code: Code) -> None:
    typed = code.text().lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert normalise(f"  {typed}\n") == code
    assert normalise(code.text().replace("1", "I").replace("0", "O")) == code


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("", "code_length"),
        ("ABCD", "code_length"),
        ("0" * 14, "code_length"),
        ("U" * 13, "code_symbol"),
        ("é" * 13, "code_symbol"),
        ("<script>12345", "code_symbol"),
    ],
)
def test_what_is_no_code_is_told_without_repeating_it(typed: str, why: str) -> None:
    with pytest.raises(BadCode) as told:
        normalise(typed)
    assert told.value.code == why
    assert not typed or typed not in str(told.value)


def test_codes_are_shaped_for_paper_and_all_different() -> None:
    texts = {new_code().text() for _ in range(2000)}
    assert len(texts) == 2000
    assert all(set(text) <= set(ALPHABET + "-") and len(text) == 16 for text in texts)


def test_a_repeated_request_gets_the_same_codes() -> None:
    first, second = derived_codes(PEPPER, "key of one intake"), derived_codes(PEPPER, "key of one intake")
    assert [next(first) for _ in range(3)] == [next(second) for _ in range(3)]
    assert next(derived_codes(PEPPER, "another key")) != next(derived_codes(b"q" * 32, "another key"))


def test_neither_repr_nor_ticket_shows_a_code() -> None:
    code = new_code()
    assert code.secret not in repr(code)
    assert code.locator not in repr(code)


def test_the_hash_is_argon2id_as_measured_and_needs_the_pepper() -> None:
    stored = hash_secret("ABCDEFGH", PEPPER)
    cost = extract_parameters(stored)
    assert (cost.type, cost.memory_cost, cost.time_cost, cost.parallelism, cost.salt_len) == (
        Type.ID,
        19 * 1024,
        2,
        1,
        16,
    )
    assert verify(stored, "ABCDEFGH", PEPPER)
    assert not verify(stored, "ABCDEFGJ", PEPPER)
    assert not verify(stored, "ABCDEFGH", b"q" * 32)
    assert not verify(None, "ABCDEFGH", PEPPER)
    assert hash_secret("ABCDEFGH", PEPPER) != stored


def test_too_many_verifications_at_once_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codes, "_AT_ONCE", threading.BoundedSemaphore(1))
    monkeypatch.setattr(codes, "_WAIT_SECONDS", 0.05)
    with codes._AT_ONCE, pytest.raises(Busy):
        verify(None, "ABCDEFGH", PEPPER)
    assert not verify(None, "ABCDEFGH", PEPPER)

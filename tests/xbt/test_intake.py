"""Taking in: a ticket once, nothing of its code anywhere, nothing twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from tests.xbt.laboratory import Laboratory
from xbt.db.models import Sample, TicketRow
from xbt.db.session import checkpoint
from xbt.domain.errors import InvalidIntake, NotAllowed, NotFound
from xbt.domain.samples import Form, Intake
from xbt.security.codes import normalise
from xbt.services import intake, lookup

KEY = "a-key-of-one-intake"


def test_a_ticket_opens_its_sample_and_names_nobody(laboratory: Laboratory) -> None:
    ticket = laboratory.take_in()
    assert ticket.reference == "26-00001"
    assert (ticket.expires_at - laboratory.now).days == laboratory.settings.ticket_days
    assert ticket.code not in repr(ticket)


def test_the_same_request_twice_is_one_sample_and_one_ticket(laboratory: Laboratory) -> None:
    first, second = laboratory.take_in(KEY), laboratory.take_in(KEY)
    assert first == second
    with laboratory.sessions() as session:
        assert session.scalar(select(func.count(Sample.id))) == 1


def test_another_key_is_another_sample(laboratory: Laboratory) -> None:
    assert laboratory.take_in(KEY).sample_id != laboratory.take_in(KEY + "2").sample_id


def test_a_key_that_could_be_guessed_is_refused(laboratory: Laboratory) -> None:
    with pytest.raises(ValueError, match="16 random characters"):
        laboratory.take_in("short")


def test_a_taken_locator_is_passed_over(laboratory: Laboratory) -> None:
    first = laboratory.take_in(KEY)
    with laboratory.sessions.begin() as session:  # another sample holds the locator that the key would give
        row = session.scalars(select(TicketRow)).one()
        session.get_one(Sample, first.sample_id).idempotency = None
        locator = row.locator
    second = laboratory.take_in(KEY)
    assert second.sample_id != first.sample_id
    assert normalise(second.code).locator != locator
    assert laboratory.take_in(KEY) == second


def test_no_code_stays_on_the_disk(laboratory: Laboratory, engine: Engine) -> None:
    codes = [normalise(laboratory.take_in(f"{KEY}-{number}").code) for number in range(20)]
    with laboratory.sessions() as session:
        for code in codes:
            assert lookup.look_up(
                session, code.text(), now=laboratory.now, pepper=laboratory.settings.pepper()
            )
    files = [path.read_bytes() for path in _files(laboratory.settings.data_dir)]
    checkpoint(engine)
    files += [path.read_bytes() for path in _files(laboratory.settings.data_dir)]
    assert any(b"26-00001" in content for content in files)  # the search looks where the record is
    for code in codes:
        for trace in (code.secret, code.text(), code.text().replace("-", ""), KEY):
            assert not any(trace.encode() in content for content in files)


def test_who_may_not_take_in_is_refused(laboratory: Laboratory) -> None:
    told = Intake("MDMA", "", Form.TABLET)
    for actor, refusal in ((laboratory.coordinator, NotAllowed), (laboratory.stranger, NotFound)):
        with laboratory.sessions.begin() as session, pytest.raises(refusal):
            intake.take_in(
                session,
                actor,
                site_id=laboratory.site.id,
                intake=told,
                now=laboratory.now,
                settings=laboratory.settings,
            )


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"sold_as_text": "  "}, "text_missing"),
        ({"sold_as_text": "x" * 121}, "text_long"),
        ({"note": "x" * 501}, "text_long"),
        ({"colour": "x" * 61}, "text_long"),
    ],
)
def test_what_is_told_has_limits(values: dict[str, str], code: str) -> None:
    told = {"sold_as_text": "MDMA", "sold_as": "", "form": Form.TABLET, **values}
    with pytest.raises(InvalidIntake) as refused:
        Intake(**told)  # type: ignore[arg-type]
    assert refused.value.code == code


def _files(folder: Path) -> list[Path]:
    secrets = folder / "secrets"
    return [path for path in folder.rglob("*") if path.is_file() and secrets not in path.parents]

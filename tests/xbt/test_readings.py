"""Readings on record: kept, corrected, taken back, and carried into the result."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from library.substances import load_substances
from tests.xbt.laboratory import Laboratory
from xbt.db.models import AuditRow
from xbt.domain.errors import InvalidReading, NotAllowed, NotFound, StepRefused
from xbt.domain.findings import Certainty, ResultVersion, looked_for_all
from xbt.domain.people import Actor
from xbt.domain.readings import ColourSeen, Lines, LiquidSeen, PlateSeen, Seen, SpotSeen, StripSeen
from xbt.domain.states import SampleState
from xbt.risk import statements
from xbt.security import audit
from xbt.services import lookup, meanings, readings, results, samples
from xbt.services.readings import ReadingView

NEGATIVE = StripSeen("fentanyl", Lines.BOTH, 10.0, 10.0)
POSITIVE = StripSeen("fentanyl", Lines.CONTROL, 10.0, 2.0, "BTNX, lot 12")
HEROIN = ColourSeen("marquis", ("purple",), 10.0)
PLATE = PlateSeen(
    "methanol, ammonia 100:1.5",
    80.0,
    (
        SpotSeen("", 40.0, {"uv254": "purple"}),
        SpotSeen("", 12.0),
        SpotSeen("heroin", 40.8, {"uv254": "purple"}),
        SpotSeen("caffeine", 44.0, {"uv254": "purple"}),
    ),
)
NAN = float("nan")


def key(slug: str) -> str:
    found = load_substances().by_key(slug)
    assert found is not None
    return found.inchikey


def keep(
    laboratory: Laboratory, sample_id: int, seen: Seen, actor: Actor | None = None, **more: object
) -> ReadingView:
    with laboratory.sessions.begin() as session:
        return readings.record(
            session,
            actor or laboratory.technician,
            sample_id=sample_id,
            seen=seen,
            now=laboratory.now,
            **more,  # type: ignore[arg-type]
        )


def submit(laboratory: Laboratory, sample_id: int) -> ResultVersion:
    with laboratory.sessions.begin() as session:
        return results.submit(
            session, laboratory.technician, sample_id=sample_id, comment="", now=laboratory.now
        )


def test_a_sample_with_readings_alone_gets_a_result_of_first_indications(laboratory: Laboratory) -> None:
    ticket = laboratory.take_in()
    for seen in (HEROIN, POSITIVE, PLATE):
        keep(laboratory, ticket.sample_id, seen)
    result = submit(laboratory, ticket.sample_id)
    strip, heroin = result.findings
    assert (heroin.substances, heroin.techniques) == ((key("heroin"),), ("colour", "tlc"))
    assert {one.certainty for one in result.findings} == {Certainty.PRESUMPTIVE}
    assert key("fentanyl") in strip.substances
    assert [one.technique for one in result.methods] == ["colour", "strip", "tlc"]
    assert [one.technique for one in result.readings] == ["colour", "strip"]


def test_the_reader_is_told_what_a_strip_could_not_see(laboratory: Laboratory, now: datetime) -> None:
    ticket = laboratory.decided()
    keep(laboratory, ticket.sample_id, NEGATIVE)
    submit(laboratory, ticket.sample_id)
    with laboratory.sessions.begin() as session:
        results.sign(session, laboratory.second, sample_id=ticket.sample_id, password_checked=True, now=now)
        results.release(session, laboratory.second, sample_id=ticket.sample_id, now=now)
        pepper = laboratory.settings.pepper_file.read_bytes()
        found = lookup.look_up(session, ticket.code, now=now, pepper=pepper)
    assert found is not None
    (strip,) = (one for one in statements(found, "en") if "A test strip for fentanyls" in one)
    assert "was negative" in strip
    assert "less than about 0.02 % by weight" in strip
    assert "carfentanil" in strip
    assert any("n’y a rien" in one for one in statements(found, "fr"))


def test_a_strip_does_not_say_that_what_it_was_sold_as_is_absent(
    laboratory: Laboratory, now: datetime
) -> None:
    ticket = laboratory.take_in()  # sold as cocaine
    keep(laboratory, ticket.sample_id, POSITIVE)
    submit(laboratory, ticket.sample_id)
    with laboratory.sessions.begin() as session:
        results.sign(session, laboratory.second, sample_id=ticket.sample_id, password_checked=True, now=now)
        results.release(session, laboratory.second, sample_id=ticket.sample_id, now=now)
        pepper = laboratory.settings.pepper_file.read_bytes()
        found = lookup.look_up(session, ticket.code, now=now, pepper=pepper)
    assert found is not None
    assert not any("did not find" in one for one in statements(found, "en"))
    assert "We found one of the fentanyls." in statements(found, "en")
    assert not looked_for_all(found.methods)


def test_a_correction_takes_the_place_of_the_first_and_keeps_it(laboratory: Laboratory) -> None:
    ticket = laboratory.take_in()
    first = keep(laboratory, ticket.sample_id, NEGATIVE)
    second = keep(laboratory, ticket.sample_id, POSITIVE, replaces=first.id, reason="read too early")
    with laboratory.sessions() as session:
        shown = readings.of_sample(session, laboratory.worker, ticket.sample_id)
        assert audit.broken_link(session) is None
        actions = list(session.scalars(select(AuditRow.action)))
    assert [(one.id, one.counts, one.seen) for one in shown] == [
        (first.id, False, NEGATIVE),
        (second.id, True, POSITIVE),
    ]
    assert (shown[1].replaces, shown[1].reason, shown[1].recorded_by) == (first.id, "read too early", "tara")
    assert actions.count("reading_recorded") == 2


def test_only_one_correction_of_a_reading_and_of_its_own_kind(laboratory: Laboratory) -> None:
    ticket = laboratory.take_in()
    first = keep(laboratory, ticket.sample_id, NEGATIVE)
    with pytest.raises(StepRefused, match="reason needed"):
        keep(laboratory, ticket.sample_id, POSITIVE, replaces=first.id)
    with pytest.raises(InvalidReading, match="other kind"):
        keep(laboratory, ticket.sample_id, HEROIN, replaces=first.id, reason="x")
    keep(laboratory, ticket.sample_id, POSITIVE, replaces=first.id, reason="x")
    with pytest.raises(StepRefused, match="reading replaced"):
        keep(laboratory, ticket.sample_id, POSITIVE, replaces=first.id, reason="x")


def test_what_was_taken_back_counts_no_more(laboratory: Laboratory) -> None:
    ticket = laboratory.take_in()
    first = keep(laboratory, ticket.sample_id, POSITIVE)
    with laboratory.sessions.begin() as session:
        readings.retract(
            session,
            laboratory.technician,
            sample_id=ticket.sample_id,
            reading_id=first.id,
            reason="other sample",
            now=laboratory.now,
        )
    with pytest.raises(StepRefused, match="no analysis"):
        submit(laboratory, ticket.sample_id)
    with pytest.raises(NotFound):
        keep(laboratory, ticket.sample_id, POSITIVE, replaces=first.id + 1, reason="x")


def test_a_released_result_keeps_its_readings_until_a_new_version(laboratory: Laboratory) -> None:
    ticket = laboratory.released()
    with pytest.raises(StepRefused, match="not now"):
        keep(laboratory, ticket.sample_id, NEGATIVE)
    with laboratory.sessions.begin() as session:
        results.amend(
            session, laboratory.technician, sample_id=ticket.sample_id, reason="strip", now=laboratory.now
        )
    keep(laboratory, ticket.sample_id, NEGATIVE)
    assert [len(one.readings) for one in (submit(laboratory, ticket.sample_id),)] == [1]
    with laboratory.sessions() as session:
        versions = samples.view(session, laboratory.worker, ticket.sample_id).results
    assert [len(one.readings) for one in versions] == [0, 1]


def test_the_first_reading_opens_the_analysis(laboratory: Laboratory) -> None:
    ticket = laboratory.take_in()
    keep(laboratory, ticket.sample_id, HEROIN)
    with laboratory.sessions() as session:
        assert samples.view(session, laboratory.worker, ticket.sample_id).state is SampleState.IN_ANALYSIS


@pytest.mark.parametrize(("who", "refusal"), [("worker", NotAllowed), ("stranger", NotFound)])
def test_only_technicians_of_the_site_keep_readings(
    laboratory: Laboratory, who: str, refusal: type[Exception]
) -> None:
    ticket = laboratory.take_in()
    with pytest.raises(refusal):
        keep(laboratory, ticket.sample_id, HEROIN, actor=getattr(laboratory, who))


@pytest.mark.parametrize(
    ("code", "make"),
    [
        ("beyond_the_front", lambda: PlateSeen("e", 80, (SpotSeen("", 81), SpotSeen("heroin", 3)))),
        ("beyond_the_front", lambda: PlateSeen("e", 80, (SpotSeen("", NAN), SpotSeen("heroin", 3)))),
        ("no_standard", lambda: PlateSeen("e", 80, (SpotSeen("", 40),))),
        ("standard_twice", lambda: PlateSeen("e", 80, (SpotSeen("heroin", 4), SpotSeen("heroin", 5)))),
        ("missing", lambda: PlateSeen(" ", 80, (SpotSeen("heroin", 4),))),
        ("not_above_zero", lambda: PlateSeen("e", 0, (SpotSeen("heroin", 0),))),
        ("not_above_zero", lambda: StripSeen("fentanyl", Lines.BOTH, 10, 0)),
        ("not_above_zero", lambda: StripSeen("fentanyl", Lines.BOTH, NAN, 1)),
        ("no_colour", lambda: ColourSeen("marquis", ())),
        ("no_time", lambda: ColourSeen("marquis", ("red",), -1)),
        ("unprintable", lambda: ColourSeen("marquis\u202e", ("red",))),
        ("unprintable", lambda: StripSeen("fentanyl", Lines.BOTH, 1, 1, "lot\x00")),
        ("too_long", lambda: ColourSeen("m" * 81, ("red",))),
        ("bad_spectrum", lambda: LiquidSeen("m", "heroin", 3, 3, ((220, 1, 1),))),
        ("bad_spectrum", lambda: LiquidSeen("m", "heroin", 3, 3, tuple((9 - n, 1, 1) for n in range(20)))),
    ],
)
def test_what_cannot_have_been_seen_is_refused(code: str, make: object) -> None:
    with pytest.raises(InvalidReading) as refused:
        make()  # type: ignore[operator]
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        ("no_strip", StripSeen("aspirin", Lines.BOTH, 1, 1)),
        ("no_colour", ColourSeen("marquis", ("mauve",))),
        ("no_substance", PlateSeen("e", 80, (SpotSeen("nothing known", 3),))),
        ("bad_spectrum", LiquidSeen("m", "heroin", 3, 3, tuple((220 + n, 1, 1) for n in range(20)))),
    ],
)
def test_what_no_table_knows_is_refused(laboratory: Laboratory, code: str, seen: Seen) -> None:
    ticket = laboratory.take_in()
    with pytest.raises(InvalidReading) as refused:
        keep(laboratory, ticket.sample_id, seen)
    assert refused.value.code == code


def test_a_plate_tells_rf_relative_rf_and_what_nothing_explains() -> None:
    plate = meanings.meaning_of(PLATE)
    assert isinstance(plate, meanings.PlateMeaning)
    heroin, caffeine = plate.rows
    assert heroin.agrees
    assert heroin.rf == pytest.approx(0.51)
    assert heroin.sample_rf == pytest.approx(0.5)
    assert heroin.relative == pytest.approx(0.5 / 0.51)
    assert not caffeine.agrees
    assert plate.unexplained == (0.15,)


def test_a_peak_beside_its_standard_speaks_by_time_and_spectrum() -> None:
    shape = tuple((220.0 + n, 1.0 - n / 200, 2.0 - n / 100) for n in range(120))
    same = LiquidSeen("C18", key("heroin"), 5.0, 5.05, shape)
    late = LiquidSeen("C18", key("caffeine"), 5.0, 6.0)
    (told,) = meanings.indications([(1, same), (2, late)])
    assert told.techniques == ("lc", "uv")
    assert told.fits([key("heroin")])
    assert told.elsewhere == {key("caffeine")}


def test_a_strip_that_did_not_work_says_nothing() -> None:
    broken = StripSeen("fentanyl", Lines.NO_CONTROL, 10, 10)
    (told,) = meanings.indications([(1, broken)])
    assert (told.sightings, told.elsewhere, told.why_not) == ((), frozenset(), "invalid")
    assert meanings.told([(1, broken)]) == ()


@given(st.floats(0.1, 1000), st.floats(0.1, 1000), st.sampled_from(Lines))
def test_more_sample_in_the_solution_never_hides_more(milligrams: float, more: float, lines: Lines) -> None:
    little, much = (
        meanings.meaning_of(StripSeen("fentanyl", lines, mass, 10.0))
        for mass in (milligrams, milligrams + more)
    )
    assert isinstance(little, meanings.StripMeaning)
    assert isinstance(much, meanings.StripMeaning)
    if little.limit is not None:
        assert much.limit is not None
        assert much.limit <= little.limit
    assert set(little.also) <= set(much.also)

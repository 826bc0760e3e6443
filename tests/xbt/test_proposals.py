"""What of an identification may be decided upon."""

from __future__ import annotations

from library.answer import SCHEMA, Candidate, Component, Curve, Decision, Identification, Peaks, Source
from xbt.services.proposals import proposal_of

COCAINE = "ZPUCINDJVBIVPJ-LJISPDSOSA-N"


def candidate(rank: int, *, mass_only: bool) -> Candidate:
    return Candidate(
        rank, "Cocaine", COCAINE, "C17H21NO4", 0.0, 0.0, 0, ["Cocaine"], [COCAINE], "starter", 1,
        Peaks([304.1543], [100.0]), mass_only=mass_only,
    )  # fmt: skip


def test_what_only_a_mass_suggests_cannot_be_accepted() -> None:
    candidates = [candidate(1, mass_only=True), candidate(2, mass_only=False)]
    component = Component(
        1, 1.0, 0.9, 1.1, 1.0, 0.5, 1.0, Peaks([304.1543], [100.0]), Decision.UNKNOWN, "", candidates
    )
    source = Source("run.mzML", "0" * 64, "mzML", "mzml", "lc_ms", "", "", "", simulated=True)
    answer = Identification(SCHEMA, "xbt", source, {}, [], [component], 0.0, 1.0, Curve([], []), [])
    (seen,) = proposal_of(answer).components
    assert [one.rank for one in seen.candidates] == [2]

"""The rules over a year of published samples: how much a coordinator would get to read.

No quantity and no technique are published: "major" is taken as main, "minor" as trace, all by a structural
technique. `pytest tests/alerts/test_wedinos.py -s` prints the table that docs/benchmarks.md quotes.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from alerts.released import expectation, key_of, member_of
from alerts.rules import Found, History, ReleasedSample, Rule, Sighting, Trigger, evaluate
from alerts.tables import Severity, load_tables
from library.substances import load_substances
from library.vocabulary import sold_as
from xbt.domain.findings import Amount, Certainty

NOTHING = {"", "no active component identified", "unable to identify", "array", "not stated"}
LEVELS = {"major": Amount.MAIN, "minor": Amount.TRACE}


def read(path: Path, year: str) -> list[ReleasedSample]:
    with path.open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["date"].startswith(year)]
    return [_sample(number, row) for number, row in enumerate(sorted(rows, key=lambda row: row["date"]))]


def _sample(number: int, row: dict[str, str]) -> ReleasedSample:
    code = sold_as(row["intent"])
    expected, kinds = expectation(code, load_substances(), TABLES)
    found = {
        Found((member_of(name, name, load_substances()),), amount, Certainty.IDENTIFIED)
        for column, amount in LEVELS.items()
        for name in (piece.strip() for piece in re.split(r",(?!\d)", row[column]))
        if name.casefold() not in NOTHING and not name.casefold().startswith("un")
    }
    return ReleasedSample(
        sample_id=number,
        result_id=number,
        version=1,
        released_at=datetime.fromisoformat(row["date"]).replace(tzinfo=UTC),
        region="Wales",
        sold_as=code,
        found=tuple(sorted(found)),
        expected=expected,
        expected_kinds=kinds,
    )


TABLES = load_tables(partial(key_of, load_substances()))


def triggers(samples: list[ReleasedSample]) -> list[tuple[ReleasedSample, Trigger]]:
    seen: dict[frozenset[str], Sighting] = {}
    raised = []
    for sample in samples:
        history = History(tuple(seen[one.keys] for one in sample.found if one.keys in seen))
        raised += [(sample, trigger) for trigger in evaluate(sample, history, TABLES)]
        for one in sample.found:
            seen.setdefault(one.keys, Sighting(one.keys, sample.region, sample.released_at, sample.sample_id))
    return raised


@pytest.fixture(scope="module")
def raised(data_dir: Path) -> tuple[list[ReleasedSample], list[tuple[ReleasedSample, Trigger]]]:
    samples = read(data_dir / "services" / "wedinos_samples.csv", "2024")
    return samples, triggers(samples)


Raised = tuple[list[ReleasedSample], list[tuple[ReleasedSample, Trigger]]]


@pytest.mark.data
def test_a_coordinator_can_read_what_is_raised(raised: Raised) -> None:
    samples, signals = raised
    months = sorted(month for month, n in Counter(map(_month, samples)).items() if n > 100)
    every = Counter((trigger.rule, _month(sample)) for sample, trigger in signals)
    kinds = {(_month(sample), t.rule, sample.sold_as, t.substances) for sample, t in signals}
    distinct = Counter((rule, month) for month, rule, _, _ in kinds)
    print(f"\n{len(samples)} samples, {len(signals)} signals; per month: signals/of which not alike")
    for rule in Rule:
        print(f"{rule.value:18}", *(f"{every[rule, m]:4}/{distinct[rule, m]:<3}" for m in months))
    print(Counter(trigger.severity.value for _, trigger in signals))
    settled = [every[Rule.FIRST_EVER, month] for month in months[2:]]
    assert sum(settled) / len(settled) < 4  # "not seen in 180 days" alone gives about 8
    warnings = {sample.sample_id for sample, trigger in signals if trigger.severity is Severity.WARNING}
    assert len(warnings) / len(samples) < 0.08  # "a high-risk class" alone gives 16 % of samples


@pytest.mark.data
def test_every_nitazene_and_every_hidden_cannabinoid_is_a_warning(raised: Raised) -> None:
    samples, signals = raised
    warned = {sample.sample_id for sample, trigger in signals if trigger.severity is Severity.WARNING}
    nitazenes = {
        s.sample_id for s in samples for f in s.found for m in f.members if "nitaze" in m.name.casefold()
    }
    assert len(nitazenes) > 100
    assert nitazenes <= warned


@pytest.mark.data
@pytest.mark.parametrize(("sold", "low", "high"), [("diazepam", 0.33, 0.41), ("cocaine", 0.01, 0.05)])
def test_the_share_that_is_something_else_is_the_published_one(
    raised: Raised, sold: str, low: float, high: float
) -> None:
    samples, signals = raised
    absent = {
        sample.sample_id
        for sample, trigger in signals
        if trigger.rule is Rule.MISMATCH or ("sold_as_absent", "yes") in trigger.because
    }
    told = [sample.sample_id in absent for sample in samples if sample.sold_as == sold]
    assert low < sum(told) / len(told) < high


def _month(sample: ReleasedSample) -> str:
    return f"{sample.released_at:%Y-%m}"

"""From the record to the values the rules read.

Findings carry InChIKeys, or a reference's name where no key is known; the rules want one key per
substance, so everything the substance list knows is turned into its key here (salts and stereoisomers of a
listed substance included).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from alerts.rules import Found, History, Member, ReleasedSample, Sighting
from alerts.tables import Kind, Tables
from library.substances import Substance, Substances
from xbt.db.models import ResultRow, Sample, Site
from xbt.domain.findings import Finding
from xbt.domain.samples import Reason
from xbt.services.guards import last_released
from xbt.services.snapshots import Content, content_of


def member_of(key: str, name: str, substances: Substances) -> Member:
    """The substance behind a finding's key (InChIKey or name) and English name."""
    known = substances.by_inchikey(key) or substances.resolve(key) or substances.resolve(name)
    return Member(key, name, "", "") if known is None else _member(known)


def newest_release(sample: Sample, substances: Substances, tables: Tables) -> ReleasedSample | None:
    """The newest released result of a sample as the rules see it; None if there is none, or it was withdrawn.

    ``released_at`` is the first release of the sample: a correction does not make an old finding new.
    """
    row = last_released(sample)
    if row is None or row.withdrawn_at is not None:
        return None
    expected, kinds = expectation(sample.sold_as, substances, tables)
    return ReleasedSample(
        sample_id=sample.id,
        result_id=row.id,
        version=row.version,
        released_at=min(one.released_at for one in sample.results if one.released_at is not None),
        region=sample.site.region,
        sold_as=sample.sold_as,
        found=tuple(_found(finding, substances) for finding in content_of(row).findings),
        expected=expected,
        expected_kinds=kinds,
        adverse_event=sample.reason is Reason.ADVERSE_EVENT,
        simulated=row.simulated,
    )


def expectation(
    code: str, substances: Substances, tables: Tables
) -> tuple[tuple[Member, ...], frozenset[str]]:
    """The substances, and the classes or families, that a sold-as code stands for; both empty if unknown."""
    kind = tables.kinds.get(code, Kind())
    known = (substances.by_key(key) for key in sorted({code} | kind.contains))
    return tuple(_member(one) for one in known if one is not None), kind.kinds


def history_of(session: Session, substances: Substances) -> History:
    """Everything the network has released and not withdrawn: the newest version of each sample."""
    return History(tuple(_sightings(session, substances)))


def key_of(substances: Substances, name: str) -> str | None:
    """The key of a substance by any of its names; None if the list does not know it."""
    known = substances.resolve(name)
    return None if known is None else known.key


def _member(substance: Substance) -> Member:
    return Member(substance.key, substance.name_en, substance.cls, substance.family)


def _found(finding: Finding, substances: Substances) -> Found:
    pairs = zip(finding.substances, finding.names, strict=True)
    members = {member_of(key, name, substances) for key, name in pairs}
    return Found(tuple(sorted(members)), finding.amount, finding.certainty)


def _sightings(session: Session, substances: Substances) -> Iterator[Sighting]:
    query = (
        select(
            ResultRow.sample_id, ResultRow.released_at, ResultRow.withdrawn_at, ResultRow.content, Site.region
        )
        .join(Sample, Sample.id == ResultRow.sample_id)
        .join(Site, Site.id == Sample.site_id)
        .where(ResultRow.released_at.is_not(None))
        .order_by(ResultRow.sample_id, ResultRow.version)
        .execution_options(yield_per=1000)
    )
    for sample_id, rows in groupby(session.execute(query), key=lambda row: row.sample_id):
        versions = list(rows)
        if versions[-1].withdrawn_at is None:
            first = min(row.released_at for row in versions)
            for finding in msgspec.convert(versions[-1].content, Content).findings:
                found = _found(finding, substances)
                yield Sighting(found.keys, versions[-1].region, first, sample_id)

"""From the record to the values the rules read.

Findings carry InChIKeys, or a reference's name where no key is known; the rules want one key per
substance, so everything the substance list knows is turned into its key here (salts and stereoisomers of a
listed substance included).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from itertools import groupby

import msgspec
from sqlalchemy import ColumnElement, Text, cast, false, or_, select, true
from sqlalchemy.orm import Session

from alerts.rules import Found, History, Member, ReleasedSample, Sighting
from alerts.tables import Kind, Tables
from library.substances import Substance, Substances
from xbt.db.models import ResultRow, Sample, Site
from xbt.domain.findings import Finding, looked_for_all
from xbt.domain.samples import Reason
from xbt.services.guards import last_released
from xbt.services.snapshots import Content, content_of

_INCHIKEY = re.compile(r"[A-Z]{14}-[A-Z]{10}-[A-Z]")


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
    content = content_of(row)
    expected, kinds = expectation(sample.sold_as, substances, tables)
    return ReleasedSample(
        sample_id=sample.id,
        result_id=row.id,
        version=row.version,
        released_at=min(one.released_at for one in sample.results if one.released_at is not None),
        region=sample.site.region,
        sold_as=sample.sold_as,
        found=tuple(_found(finding, substances) for finding in content.findings),
        expected=expected,
        expected_kinds=kinds,
        adverse_event=sample.reason is Reason.ADVERSE_EVENT,
        simulated=row.simulated,
        searched=looked_for_all(content.methods),
    )


def expectation(
    code: str, substances: Substances, tables: Tables
) -> tuple[tuple[Member, ...], frozenset[str]]:
    """The substances, and the classes or families, that a sold-as code stands for; both empty if unknown."""
    kind = tables.kinds.get(code, Kind())
    known = (substances.by_key(key) for key in sorted({code} | kind.contains))
    return tuple(_member(one) for one in known if one is not None), kind.kinds


def history_of(session: Session, substances: Substances, about: Iterable[Found] | None = None) -> History:
    """What the network has released and not withdrawn: the newest version of each sample.

    With ``about`` only samples that may hold one of these are read: a release need not wait for the whole
    record.
    """
    return History(tuple(_sightings(session, substances, _mentions(about, substances))))


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


def _mentions(about: Iterable[Found] | None, substances: Substances) -> ColumnElement[bool]:
    """Samples with a result whose stored text holds the skeleton or the name of a substance."""
    if about is None:
        return true()
    members = [member for found in about for member in found.members]
    words = {word for member in members for word in (_skeleton(member, substances), member.name)}
    stored = cast(ResultRow.content, Text)
    holds = (stored.icontains(json.dumps(word)[1:-1], autoescape=True) for word in sorted(words))
    return ResultRow.sample_id.in_(select(ResultRow.sample_id).where(or_(false(), *holds)))


def _skeleton(member: Member, substances: Substances) -> str:
    """The first block of the InChIKey, which salts and stereoisomers share; the name if there is no key."""
    known = substances.by_key(member.key)
    identity = (known.inchikey if known is not None else member.key) or member.name
    return identity[:14] if _INCHIKEY.fullmatch(identity) else identity


def _sightings(session: Session, substances: Substances, wanted: ColumnElement[bool]) -> Iterator[Sighting]:
    query = (
        select(
            ResultRow.sample_id, ResultRow.released_at, ResultRow.withdrawn_at, ResultRow.content, Site.region
        )
        .join(Sample, Sample.id == ResultRow.sample_id)
        .join(Site, Site.id == Sample.site_id)
        .where(ResultRow.released_at.is_not(None), wanted)
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

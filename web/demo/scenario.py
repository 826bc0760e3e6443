"""What the demonstration plays, read from scenario.toml and checked before anything is made."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from typing import Any

import msgspec

from xbt.domain.people import Role
from xbt.domain.samples import Form, Reason, Use


class FileKind(StrEnum):
    MZML = "mzml"
    ANDI = "andi"
    CUT = "cut"  # an mzML file whose transfer broke off
    NONE = "none"


class Until(StrEnum):
    """How far the story of a sample goes; each includes the ones before."""

    RECEIVED = "received"
    ANALYSED = "analysed"
    SUBMITTED = "submitted"
    RELEASED = "released"


@dataclass(frozen=True, slots=True)
class SitePlan:
    key: str
    name: str
    contact: str
    region: str


@dataclass(frozen=True, slots=True)
class AccountPlan:
    role: Role
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Ingredient:
    """A substance key, its share of the signal in percent, and when it elutes."""

    substance: str
    share: float
    rt_min: float


@dataclass(frozen=True, slots=True)
class Amendment:
    reason: str
    comment: str


@dataclass(frozen=True, slots=True)
class SamplePlan:
    key: str
    site: str
    days_ago: int
    sold_as: str
    form: Form
    colour: str
    use: Use
    reason: Reason
    note: str
    file: FileKind
    contains: tuple[Ingredient, ...]
    until: Until
    comment: str = ""
    amend: Amendment | None = None

    @property
    def file_name(self) -> str:
        """The name the simulated instrument file is uploaded under."""
        return f"{self.key}.{'cdf' if self.file is FileKind.ANDI else 'mzML'}"


@dataclass(frozen=True, slots=True)
class Scenario:
    site: tuple[SitePlan, ...]
    account: tuple[AccountPlan, ...]
    sample: tuple[SamplePlan, ...]


def load_scenario() -> Scenario:
    """The scenario that is shipped.

    Raises
    ------
    msgspec.ValidationError : a field is missing or of the wrong kind.
    ValueError : a sample names a site that is not there.
    """
    text = files("web.demo").joinpath("scenario.toml").read_text(encoding="utf-8")
    return parse_scenario(tomllib.loads(text))


def parse_scenario(told: dict[str, Any]) -> Scenario:
    """A scenario from its tables; errors as `load_scenario`."""
    scenario = msgspec.convert(told, Scenario)
    sites = {site.key for site in scenario.site}
    astray = [sample.key for sample in scenario.sample if sample.site not in sites]
    if astray:
        raise ValueError(f"no such site for {', '.join(astray)}")
    return scenario

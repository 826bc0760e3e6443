"""Who acts: the staff of the network. The person who hands in a sample is never represented."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a member of staff may do; the policy table is `xbt.security.policy`."""

    TECHNICIAN = "technician"  # uploads, decides, submits, signs the work of others
    WORKER = "worker"  # harm-reduction worker: takes samples in, looks results up
    COORDINATOR = "coordinator"  # signals and alerts
    MANAGER = "manager"  # laboratory manager: signs, approves, withdraws, sees every site


@dataclass(frozen=True, slots=True)
class Actor:
    """A signed-in member of staff, or the system itself (``id`` None)."""

    id: int | None
    name: str
    roles: frozenset[Role]
    site_id: int | None = None  # None: every site


SYSTEM = Actor(id=None, name="system", roles=frozenset())

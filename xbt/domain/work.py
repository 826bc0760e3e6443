"""Work that a machine does in the background, as far as a page shows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class JobView:
    """Where a job stands. ``error`` holds the fields of `spectra.errors.UnreadableFile.to_dict`, or
    ``{"fault": "unexpected", …}``; it is empty unless the job failed."""

    id: int
    kind: str
    state: JobState
    attempts: int
    progress: float  # 0..1
    text_code: str  # what it is doing, e.g. "reading"
    error: dict[str, str] = field(default_factory=dict)

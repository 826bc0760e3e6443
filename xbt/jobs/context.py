"""What a job handler is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session, sessionmaker

from xbt.config import Settings
from xbt.domain.errors import Refused
from xbt.storage import BlobStore


class GiveUp(Refused):
    """The job cannot succeed however often it is tried."""


@dataclass(frozen=True, slots=True)
class JobContext:
    """Everything a handler may use. ``progress(fraction, text_code)`` tells pages where the job stands
    (0..1 and a code such as "reading"); ``now`` is the clock."""

    job_id: int
    settings: Settings
    session_factory: sessionmaker[Session]
    store: BlobStore
    progress: Callable[[float, str], None]
    now: Callable[[], datetime]


Handler = Callable[[JobContext, dict[str, Any]], None]

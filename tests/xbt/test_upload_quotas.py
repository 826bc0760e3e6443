"""One person, or one site, cannot fill the store in a day."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.xbt.laboratory import Laboratory
from xbt.domain.errors import UploadRefused
from xbt.services import acquisitions


def send(laboratory: Laboratory, sample_id: int, content: bytes, **limits: float) -> None:
    with laboratory.sessions.begin() as session:
        acquisitions.receive(
            session,
            laboratory.technician,
            sample_id=sample_id,
            stream=io.BytesIO(content),
            file_name="run.mzML",
            store=laboratory.store,
            settings=laboratory.settings.model_copy(update=limits),
            now=laboratory.now,
        )


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"daily_files_user": 2}, "quota_user"),
        ({"daily_files_site": 2}, "quota_site"),
        ({"daily_gb_user": 250 / 2**30}, "quota_user"),
        ({"daily_gb_site": 250 / 2**30}, "quota_site"),
    ],
)
def test_the_third_file_of_a_day_is_refused(
    laboratory: Laboratory, limits: dict[str, float], code: str
) -> None:
    sample_id = laboratory.take_in().sample_id
    for number in range(2):
        send(laboratory, sample_id, bytes([number]) * 100, **limits)
    with pytest.raises(UploadRefused) as refused:
        send(laboratory, sample_id, b"x" * 100, **limits)
    assert refused.value.code == code
    later = replace(laboratory, now=laboratory.now + timedelta(days=1, seconds=1))
    send(later, sample_id, b"x" * 100, **limits)

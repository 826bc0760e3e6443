"""What every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is not a failure: slowness is for the benchmarks.
settings.register_profile("xbt", deadline=None)
settings.load_profile("xbt")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The evaluation data beside the checkout; the test is skipped where it is absent."""
    folder = Path(os.environ.get("XBT_EVALUATION_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("evaluation data not found; set XBT_EVALUATION_DATA to its folder")
    return folder

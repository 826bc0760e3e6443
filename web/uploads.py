"""Where the bytes of an upload wait while they arrive: in quarantine, nameless, gone when closed."""

from __future__ import annotations

import tempfile
from io import BytesIO
from typing import IO, ClassVar

from flask import Flask, Request

from xbt.config import Settings

IN_MEMORY = 64 * 1024


def install(app: Flask, settings: Settings) -> None:
    """Make every request to ``app`` keep its files under ``settings.quarantine_dir``."""
    folder = settings.quarantine_dir
    folder.mkdir(parents=True, exist_ok=True)
    app.request_class = type("LaboratoryRequest", (LaboratoryRequest,), {"folder": str(folder)})


class LaboratoryRequest(Request):
    """A request whose files do not fill the system's temporary folder."""

    folder: ClassVar[str]

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,  # noqa: ARG002
        filename: str | None = None,  # noqa: ARG002
        content_length: int | None = None,  # noqa: ARG002
    ) -> IO[bytes]:
        if total_content_length is not None and total_content_length <= IN_MEMORY:
            return BytesIO()
        return tempfile.TemporaryFile(dir=self.folder)

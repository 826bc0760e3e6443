"""Where the bytes of an upload wait while they arrive: in quarantine, nameless, gone with the request.

Promises that a request opens one file however many parts it has, and that only the page that takes files
may be sent much at once. Where the disk is nearly full the parts are read and dropped, so that the browser
still gets its answer: `refusal` says why.
"""

from __future__ import annotations

import io
import os
import tempfile
from io import BytesIO
from typing import IO, TYPE_CHECKING, ClassVar, cast

from flask import Flask, Request, request

from xbt.config import Settings
from xbt.domain.errors import UploadRefused
from xbt.services.acquisitions import is_full

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

IN_MEMORY = 64 * 1024
OTHER_FORMS = 1 << 20  # bytes
AT_ONCE = 4  # times the largest file, for the files of one form together
PARTS = 10_000
_TAKES_FILES = "staff.upload"


def install(app: Flask, settings: Settings) -> None:
    """Make every request to ``app`` keep its files under ``settings.quarantine_dir``."""
    settings.quarantine_dir.mkdir(parents=True, exist_ok=True)
    app.request_class = type("LaboratoryRequest", (LaboratoryRequest,), {"settings": settings})
    app.config["MAX_CONTENT_LENGTH"] = OTHER_FORMS
    app.before_request(_allow_files)


def refusal() -> UploadRefused | None:
    """Why the files of this request were dropped, if they were."""
    return cast(LaboratoryRequest, request).refused


def _allow_files() -> None:
    if request.endpoint == _TAKES_FILES:
        settings = cast(LaboratoryRequest, request).settings
        request.max_content_length = AT_ONCE * settings.max_upload_mb * 2**20 + OTHER_FORMS
        request.max_form_parts = PARTS


class LaboratoryRequest(Request):
    """A request whose files do not fill the system's temporary folder."""

    settings: ClassVar[Settings]
    refused: UploadRefused | None = None
    _quarantine: IO[bytes] | None = None

    def close(self) -> None:
        super().close()
        if self._quarantine is not None:
            self._quarantine.close()

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,  # noqa: ARG002
        filename: str | None = None,  # noqa: ARG002
        content_length: int | None = None,  # noqa: ARG002
    ) -> IO[bytes]:
        if total_content_length is not None and total_content_length <= IN_MEMORY:
            return BytesIO()
        if self._quarantine is None:
            self.refused = is_full(self.settings, total_content_length or 0)
            self._quarantine = tempfile.TemporaryFile(dir=self.settings.quarantine_dir)  # noqa: SIM115  (see close)
        return cast("IO[bytes]", Stretch(self._quarantine, keep=self.refused is None))


class Stretch(io.RawIOBase):
    """The end of a file that grows, as a file of its own. Only the newest stretch may be written."""

    def __init__(self, whole: IO[bytes], *, keep: bool) -> None:
        self._whole, self._keep = whole, keep
        self._start = whole.seek(0, os.SEEK_END)
        self._length = self._at = 0

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer, /) -> int:
        length = memoryview(data).nbytes
        if self._keep:
            self._whole.seek(self._start + self._length)
            self._whole.write(data)
            self._length += length
            self._at = self._length
        return length

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        target = memoryview(buffer).cast("B")[: max(self._length - self._at, 0)]
        self._whole.seek(self._start + self._at)
        length = self._whole.readinto(target)  # type: ignore[attr-defined]
        self._at += length
        return int(length)

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._length}[whence]
        self._at = max(origin + offset, 0)
        return self._at

    def tell(self) -> int:
        return self._at

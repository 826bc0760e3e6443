"""Classic netCDF as the ANDI readers need it: a lie in the header is a truncation, not an allocation."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np

from spectra.errors import Fault, UnreadableFile
from spectra.model import Floats

CLASSIC = (b"CDF\x01", b"CDF\x02")
FILL = 9.0e36  # netCDF writes 9.97e36 where there is no value


class _Whole(BytesIO):
    """Bytes that refuse to give less than was asked for, and never allocate for a lie."""

    def read(self, size: int | None = -1, /) -> bytes:
        got = super().read(size)
        if size is not None and len(got) < size:
            raise UnreadableFile(
                Fault.TRUNCATED,
                where=f"byte {self.tell()}",
                expected=f"{size - len(got)} bytes more, as the header says",
                remedy="Copy or export the file again.",
            )
        return got


def open_classic(data: bytes) -> Any:
    """The content of a classic netCDF file: ``variables`` and ``_attributes`` by name.

    Raises
    ------
    UnreadableFile : the file ends before what its header announces.
    """
    from scipy.io import netcdf_file

    return netcdf_file(_Whole(data), "r", mmap=False)


def scaled(variable: Any) -> Floats:
    """(n,) float64, with the variable's own factor and offset applied."""
    values = np.asarray(variable.data, np.float64).ravel()
    scale, offset = getattr(variable, "scale_factor", 1.0), getattr(variable, "add_offset", 0.0)
    return values * float(scale) + float(offset)


def texts(content: Any) -> dict[str, str]:
    """The attributes of the file that are text, blanks put together; figures as they are written."""
    found = {}
    for key, value in content._attributes.items():
        if isinstance(value, bytes):
            found[key] = text(value)
        elif np.ndim(value) == 0:
            found[key] = f"{value:g}"
    return found


def text(raw: bytes) -> str:
    """Windows Latin-1 up to the end, blanks and zeros put together."""
    return " ".join(raw.decode("cp1252", "replace").replace("\0", " ").split())

"""Pages of the laboratory: behind an account, each with its declared permission."""

from web.staff import analyses, files, intake, readings, samples, signals, steps
from web.staff.blueprint import blueprint

__all__ = ["analyses", "blueprint", "files", "intake", "readings", "samples", "signals", "steps"]

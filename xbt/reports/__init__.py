"""Reports on paper: a result as a PDF that stands by itself."""

from __future__ import annotations

from xbt.reports.report import NothingToReport, render

__all__ = ["NothingToReport", "render"]

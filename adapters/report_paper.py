"""The report as a PDF, laid out by Typst with the template beside this file; the same report gives the same bytes."""

import json
import os
import tempfile
from dataclasses import dataclass
from datetime import UTC
from functools import cache
from pathlib import Path

import pylopdf_fonts_zh_cn
import typst

from domain.report_filed import Report
from domain.report_sheet import sheet

_TEMPLATE = Path(__file__).with_suffix(".typ")


@dataclass(frozen=True)
class ReportPapers:
    """Reports as files of a folder: `government-report-2026-10-1.pdf`."""

    folder: Path

    def write(self, report: Report) -> Path:
        """The report's file: there whole or not at all, and one that is there stays as it was sent.

        OSError: the folder takes none.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{report.report_id.replace('/', '-')}.pdf"
        if path.exists():
            return path
        number, name = tempfile.mkstemp(dir=self.folder, prefix=f".{path.name}.")
        try:
            with os.fdopen(number, "wb") as file:
                file.write(render(report))
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return path


def render(report: Report) -> bytes:
    """The report's PDF; nothing in it depends on the machine or on when it is rendered."""
    laid_out = sheet(report.figures, report.number, report.reason)
    sections = [section._asdict() for section in laid_out.sections]
    said = {
        "report_id": report.report_id,
        "month": report.month,
        "sha256": report.sha256,
        "sheet": laid_out._asdict() | {"sections": sections},
    }
    return typst.compile(
        _TEMPLATE.read_bytes(),
        format="pdf",
        sys_inputs={"report": json.dumps(said, ensure_ascii=False)},
        font_paths=_fonts(),
        timestamp=report.made_at.astimezone(UTC).replace(microsecond=0),
    )


@cache
def _fonts() -> typst.Fonts:
    """Noto Sans and Serif SC, from their package and never from the machine."""
    folder = Path(pylopdf_fonts_zh_cn.__file__).parent
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[folder])

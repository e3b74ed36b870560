"""A worksheet and the same with one number altered, both audited."""

from __future__ import annotations

import handgrad as hg
from handgrad.auditing.report import Report

__all__ = ["right_and_wrong"]


def right_and_wrong(text: str, printed: str, altered: str) -> tuple[Report, Report]:
    """The audit of a right worksheet, which must be clean, and that of the altered one."""
    assert text.count(printed) == 1
    right = hg.audit(text)
    assert right.clean, [(f.line, f.printed) for f in right.findings if f.wrong]
    return right, hg.audit(text.replace(printed, altered))

"""Pictures, pages and timing files of runs.

The modules that draw (``maps``, ``series``, ``profiles``) load matplotlib; they are imported by name where a
picture is drawn, so that a run that only writes timing files starts without it.
"""

from kiloland.report.fields import CellField, Choice, read_field
from kiloland.report.page import Table, write_page
from kiloland.report.timers import TimerNode
from kiloland.report.timing import write_timing
from kiloland.report.timing_summary import RunSummary, write_summary

__all__ = [
    "CellField",
    "Choice",
    "RunSummary",
    "Table",
    "TimerNode",
    "read_field",
    "write_page",
    "write_summary",
    "write_timing",
]

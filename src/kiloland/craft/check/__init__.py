"""Check the inputs of a run: what ELM checks when it reads them, and what it does not."""

from kiloland.craft.check.findings import Finding, Place
from kiloland.craft.check.registry import CHECKS, Check, table_text
from kiloland.craft.check.run import CheckReport, CheckRequest, check_inputs
from kiloland.craft.check.text import report_json, report_lines

__all__ = [
    "CHECKS",
    "Check",
    "CheckReport",
    "CheckRequest",
    "Finding",
    "Place",
    "check_inputs",
    "report_json",
    "report_lines",
    "table_text",
]

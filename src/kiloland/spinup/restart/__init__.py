"""Writing a restart with other pools: keyed, consistent, checked, and whole or not at all."""

from kiloland.spinup.restart.plan import RestartRequest
from kiloland.spinup.restart.report import RestartReport, report_json, report_lines
from kiloland.spinup.restart.write import write_restart

__all__ = ["RestartReport", "RestartRequest", "report_json", "report_lines", "write_restart"]

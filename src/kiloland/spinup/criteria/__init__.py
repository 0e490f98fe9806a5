"""Is a run in equilibrium? Definitions, measures over whole forcing cycles, and the verdict."""

from kiloland.spinup.criteria.judge import SpinupCheck, check_spinup
from kiloland.spinup.criteria.report import check_json, check_lines

__all__ = ["SpinupCheck", "check_json", "check_lines", "check_spinup"]

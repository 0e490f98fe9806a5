"""Steady and finite-time states of the pools of soil columns."""

from kiloland.spinup.solve.steady import carbon_tendency, steady_carbon
from kiloland.spinup.solve.transient import finite_time

__all__ = ["carbon_tendency", "finite_time", "steady_carbon"]

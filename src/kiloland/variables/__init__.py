"""The variable registry: what every variable of the restart and history files is, once."""

from kiloland.variables.registry import (
    FILL_VALUE,
    INTEGER_FILL_VALUE,
    SUBGRID_DIMENSIONS,
    Averaging,
    HistoryVariable,
    Level,
    RestartVariable,
    error_scale,
    history_variable,
    history_variables,
    restart_variable,
    restart_variables,
    simulated_variables,
)

__all__ = [
    "FILL_VALUE",
    "INTEGER_FILL_VALUE",
    "SUBGRID_DIMENSIONS",
    "Averaging",
    "HistoryVariable",
    "Level",
    "RestartVariable",
    "error_scale",
    "history_variable",
    "history_variables",
    "restart_variable",
    "restart_variables",
    "simulated_variables",
]

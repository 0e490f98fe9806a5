"""The decomposition operator of every soil column, read from ELM's files."""

from kiloland.spinup.operator.tree import CascadeOperator, MineralPhosphorus

__all__ = ["CascadeOperator", "MineralPhosphorus"]

"""Evidence that files are the same: bit for bit, within a tolerance, or as exact copies."""

from kiloland.verify.compare import Options, compare_files
from kiloland.verify.copies import compare_copies
from kiloland.verify.elements import ElementDifferences, Extreme, Tolerance
from kiloland.verify.result import AttributeDifference, FileComparison, VariableComparison
from kiloland.verify.text import to_json, to_table

__all__ = [
    "AttributeDifference",
    "ElementDifferences",
    "Extreme",
    "FileComparison",
    "Options",
    "Tolerance",
    "VariableComparison",
    "compare_copies",
    "compare_files",
    "to_json",
    "to_table",
]

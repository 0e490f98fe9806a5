"""The training format of the spinup: cells of short runs with what they would become."""

from kiloland.spinup.dataset.table import CellTable, Column, DatasetFile, read_dataset, write_table

__all__ = ["CellTable", "Column", "DatasetFile", "read_dataset", "write_table"]

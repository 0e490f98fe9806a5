"""The rows of the table. Each sees the same cells, the same inputs and the same budget."""

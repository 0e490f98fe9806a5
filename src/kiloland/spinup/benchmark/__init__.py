"""Evidence of the spinup: rivals, splits, scores, drift after the restart, and the table of all of them.

``splits`` names the cells of training and test, ``world`` holds a data set in memory, ``scores`` compares
pools with the truth, ``rivals`` are the rows of the table, ``rows`` runs them and keeps what is finished,
``table`` writes the result with the bars beside the numbers.
"""

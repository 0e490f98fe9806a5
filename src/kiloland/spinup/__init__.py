"""Reaching equilibrium of the slow carbon, nitrogen and phosphorus pools, on ELM's own files.

A short run gives history and a restart; from them come the decomposition operator of every soil column
(``spinup.operator``), its steady state (``spinup.solve``), what a network has learned that the operator
cannot know (``spinup.learn``), and a new restart that ELM takes (``spinup.restart``). ``spinup.criteria``
says whether a run is in equilibrium; ``spinup.generator`` makes a model world in which the truth is known.
"""

"""What a network learns that the operator cannot know, and how its answers are used.

``features`` makes tokens of cells, ``network`` is the transformer, ``closures`` turns its outputs into pools
with the solver (``direct`` in one shot, for comparison), ``training`` fits it, ``judge`` says when not to
believe it, ``predict`` applies it to a run block by block.
"""

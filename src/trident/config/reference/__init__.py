"""The Host Configuration explained from its model and rules: schema, ``trident explain``, the pages in docs/.

``kinds`` says what may stand in a field, ``places`` where each field is, and everything else is written
from these two, so that no two of them can disagree.
"""

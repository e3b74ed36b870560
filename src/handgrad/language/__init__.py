"""The language in which equations are written and printed: ``reading`` and ``writing``."""

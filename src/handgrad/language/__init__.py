"""Equations as text: read with the place of every mistake, and written in any names."""

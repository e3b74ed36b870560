"""Equations and values: evaluation, and the worked steps that come of it."""

"""Worked examples with planted slips: what the audit says of them is compared with what was done.

    python -m tests.planted --count 500 --clean 2000       prints a table; exit status 1 if it misses

The networks, their solution, the slips and the three ways to write a page are made here without
handgrad, so that no mistake can be on both sides.
"""

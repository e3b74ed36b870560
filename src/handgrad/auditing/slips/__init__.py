"""The catalogue of slips: what people do wrong, each as a rewrite of a correct line."""

from handgrad.auditing.slips.catalogue import SLIPS, Slip, Variant
from handgrad.auditing.slips.changes import Change, changes
from handgrad.auditing.slips.misprints import Misprint, misprints
from handgrad.auditing.slips.planting import Hypothesis, Made, plant
from handgrad.auditing.slips.variants import variants

__all__ = [
    "SLIPS",
    "Change",
    "Hypothesis",
    "Made",
    "Misprint",
    "Slip",
    "Variant",
    "changes",
    "misprints",
    "plant",
    "variants",
]

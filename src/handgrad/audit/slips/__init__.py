"""The catalogue of slips: what people do wrong, each as a rewrite of a correct line."""

from handgrad.audit.slips.catalogue import SLIPS, Slip, Variant
from handgrad.audit.slips.changes import Change, changes
from handgrad.audit.slips.misprints import Misprint, misprints
from handgrad.audit.slips.planting import Hypothesis, Made, plant
from handgrad.audit.slips.variants import variants

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

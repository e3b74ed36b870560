"""Gradients against independent derivatives: the witnesses, what rounding may do, and the verdict."""

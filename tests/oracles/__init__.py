"""Witnesses that share no code with the chain rule: JAX, 50 digits by hand, and a complex step."""

"""A document in, the mathematics in it out: chains of equalities, each member with its place."""

"""A document in, the mathematics in it out: chains of equalities, tables and values, each with its place."""

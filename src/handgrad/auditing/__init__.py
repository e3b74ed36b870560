"""Which number of a worked example is wrong, and which slip made it."""

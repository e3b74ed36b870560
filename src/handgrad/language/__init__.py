"""The notations in which equations are read and written: text, and whole arrays."""

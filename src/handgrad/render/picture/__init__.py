"""What pictures are made of: labels, places, shapes, and SVG or PNG in the end."""

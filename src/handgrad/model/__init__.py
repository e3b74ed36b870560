"""What a user describes: networks, optimizers, problems and the file they are written in."""

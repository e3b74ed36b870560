"""The derived update as one fast program: engines, runs, checkpoints."""

"""One document model, and a writer for each format."""

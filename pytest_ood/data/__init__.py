"""Examples and their values: texts, labels, edits, and sequences that are read as needed."""

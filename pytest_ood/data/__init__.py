"""Examples and their values: texts, labels, answers in text, edits, and lazy sequences."""

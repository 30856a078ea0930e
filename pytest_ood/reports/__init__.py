"""Reports: what the results of a run look like, each form in a file of its own."""

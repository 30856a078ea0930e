"""Data sources: file formats, readers, packaged assets, prompt files, cases and CheckList files."""

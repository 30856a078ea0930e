"""Data sources: file formats, readers, packaged assets, cases and CheckList files."""

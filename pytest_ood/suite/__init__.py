"""What a suite declares, and frozen sets of its examples."""

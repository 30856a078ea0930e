"""Helpers that know nothing of models and data."""

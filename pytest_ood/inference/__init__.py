"""Querying models: the engine, the cache of answers, and Ray."""

"""Queries of an OpenAI-compatible server: limits, single calls, and many concurrent calls."""

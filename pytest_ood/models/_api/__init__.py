"""Asking an OpenAI-compatible server: limits, single calls, and many of them at once."""

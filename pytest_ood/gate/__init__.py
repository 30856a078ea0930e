"""One run of all suites: its configuration, its checks, and what they would cost."""

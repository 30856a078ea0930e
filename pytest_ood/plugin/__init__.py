"""The pytest plugin: each module has the hooks of its own subject.

Without --ood-suite it only skips robustness tests; the rest of the package is imported inside the
hooks that need it.
"""

pytest_plugins = [
    "pytest_ood.plugin.options",
    "pytest_ood.plugin.session",
    "pytest_ood.plugin.collection",
    "pytest_ood.plugin.fixtures",
    "pytest_ood.plugin.outcomes",
    "pytest_ood.plugin.xdist",
    "pytest_ood.plugin.output",
]
"""Modules with hooks, which pytest registers with this one."""

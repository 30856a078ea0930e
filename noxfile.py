"""Sessions of the project itself: `nox -s lint types tests`."""

from __future__ import annotations

import nox

PYTHONS = ("3.11", "3.12", "3.13", "3.14")

nox.options.sessions = ["lint", "types", "tests"]
nox.options.reuse_existing_virtualenvs = True


def install(session: nox.Session) -> None:
    """Install the package with everything that its tests use."""
    session.install("-e", ".[demo,dev]", "-c", "constraints.txt")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format."""
    session.install("ruff", "-c", "constraints.txt")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types."""
    install(session)
    session.run("mypy")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the default tier, or what stands behind `--`: `nox -s tests-3.12 -- -m slow`."""
    install(session)
    session.run("pytest", "-n", "auto", *session.posargs)

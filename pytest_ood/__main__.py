"""`python -m pytest_ood`: the companion commands."""

from __future__ import annotations

import sys

from pytest_ood.commands import main

if __name__ == "__main__":
    sys.exit(main())

"""`python -m pytest_ood`: the companion commands."""

from __future__ import annotations

import io
import sys

from pytest_ood.commands import main

if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        # Texts are written as they are read, whatever the terminal's encoding.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8")
    sys.exit(main())

"""Keeping secrets out of everything that pytest shows, writes and sends."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pytest_ood.plugin.stash import SECRETS

if TYPE_CHECKING:
    import pytest

STRUCTURE = frozenset(
    (
        "check", "type", "suite", "model", "name", "kind", "shift", "family", "metric",
        "score_name", "baseline", "surrogate", "verdict", "items", "fingerprint", "work",
    )
)  # fmt: skip
"""Keys of a record whose values are names and figures of the project, never redacted."""


def keep_secrets(config: pytest.Config) -> None:
    """Redact the secrets of the environment in every log record of the run.

    The secrets of models are added when these are built.
    """
    import logging

    from pytest_ood.utils.redaction import secrets_of_environment

    config.stash[SECRETS] = secrets_of_environment(os.environ)
    make = logging.getLogRecordFactory()

    def make_redacted(*arguments: Any, **more: Any) -> logging.LogRecord:
        """Create a log record whose message and traceback are redacted."""
        record = make(*arguments, **more)
        with suppress(Exception):  # a record whose parts do not fit is for `logging` to report
            message = record.getMessage()
            shown = redacted(config, message)
            if shown != message:
                record.msg, record.args = shown, ()
        if record.exc_info:
            trace = logging.Formatter().formatException(record.exc_info)
            shown = redacted(config, trace)
            # A formatter uses this text instead of formatting the exception.
            record.exc_text = shown if shown != trace else None
        return record

    def restore() -> None:
        """Restore the previous factory of log records."""
        if logging.getLogRecordFactory() is make_redacted:
            logging.setLogRecordFactory(make)

    logging.setLogRecordFactory(make_redacted)
    config.add_cleanup(restore)


def redacted(config: pytest.Config, text: str) -> str:
    """Return a text without the secrets of the run; any text without --ood-suite."""
    return config.stash[SECRETS].redact(text) if SECRETS in config.stash else text


def redact_shown(config: pytest.Config, shown: Any) -> Any:
    """Take secrets out of what pytest shows of an exception, whatever it is made of."""
    if isinstance(shown, str):
        return redacted(config, shown)
    if isinstance(shown, list | tuple):
        return type(shown)(redact_shown(config, item) for item in shown)
    if type(shown).__module__.startswith("_pytest."):
        for name, value in vars(shown).items():
            setattr(shown, name, redact_shown(config, value))
    return shown


def redact_report(config: pytest.Config, report: Any) -> None:
    """Take the secrets of the run out of a report: it is shown, written, and sent by xdist."""
    if SECRETS in config.stash:
        report.longrepr = redact_shown(config, report.longrepr)
        report.sections = redact_shown(config, report.sections)
        if hasattr(report, "user_properties"):
            report.user_properties = config.stash[SECRETS].redact_all(report.user_properties)

"""Parquet files for tests; pyarrow is imported where one is written, as it comes with an extra."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any


def parquet(
    rows: Sequence[Mapping[str, Any]], classes: Mapping[str, Sequence[str]] | None = None
) -> bytes:
    """Return rows as a Parquet file.

    Args:
        rows: By column.
        classes: The names of a column's classes, as `datasets` writes them into a file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pylist(list(rows))
    if classes:
        features = {
            column: {"names": list(names), "_type": "ClassLabel"}
            for column, names in classes.items()
        }
        table = table.replace_schema_metadata(
            {"huggingface": json.dumps({"info": {"features": features}})}
        )
    stream = io.BytesIO()
    pq.write_table(table, stream)
    return stream.getvalue()

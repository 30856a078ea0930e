"""Tests a checkpoint's robustness by another library in its own environment, as its users would.

Run by `verdict_time.py` under another interpreter; imports nothing of pytest-ood. Reads
{"checkpoint", "labels", "rows": [[text, label], ...], "batch", "most_changed": share, "texts"} from
standard input. The library prints its verdict; the last line is JSON: when it was imported, in
seconds since the epoch, how many texts and tokens the network was asked for, and whether a test
failed.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Tested = tuple[list[int], bool]


def counted(module: Any) -> list[int]:
    """Count the texts and the tokens of a torch module's forward passes, padding left out."""
    inner, count = module.forward, [0, 0]

    def forward(*values: Any, **named: Any) -> Any:
        count[0] += len(named["input_ids"])
        count[1] += int(named["attention_mask"].sum())
        return inner(*values, **named)

    module.forward = forward
    return count


def giskard() -> Callable[[dict[str, Any]], Tested]:
    """Import Giskard; return its scan by three transformations, and by nothing else of it."""
    import giskard as library
    import pandas as pd
    from giskard.models.huggingface import HuggingFaceModel
    from giskard.scanner.robustness import text_transformations as kinds
    from transformers import pipeline

    def test(asked: dict[str, Any]) -> Tested:
        batch = asked["batch"]
        classify = pipeline("text-classification", asked["checkpoint"], batch_size=batch)
        count = counted(classify.model)
        model = HuggingFaceModel(
            classify, "classification", classification_labels=asked["labels"],
            feature_names=["text"], batch_size=batch,
            data_preprocessing_function=lambda frame: frame["text"].tolist(),
        )  # fmt: skip
        data = library.Dataset(
            pd.DataFrame(asked["rows"], columns=["text", "label"]),
            target="label",
            column_types={"text": "text"},
        )
        chosen = {
            "transformations": [
                kinds.TextTypoTransformation,
                kinds.TextFromOCRTypoTransformation,
                kinds.TextLowercase,
            ],
            "threshold": asked["most_changed"],
        }
        only = "text_perturbation"
        report = library.scan(
            model, data, only=[only], params={only: chosen}, raise_exceptions=True
        )
        print(report.to_dataframe().to_string())
        return count, report.has_issues()

    return test


def langtest() -> Callable[[dict[str, Any]], Tested]:
    """Import LangTest; return its harness with three tests."""
    import pandas as pd
    from langtest import Harness

    def test(asked: dict[str, Any]) -> Tested:
        least = {"min_pass_rate": 1 - asked["most_changed"]}
        tests = dict.fromkeys(["add_typo", "add_ocr_typo", "lowercase"], least)
        with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
            # It reads labels as Python literals.
            rows = [[text, repr(label)] for text, label in asked["rows"]]
            pd.DataFrame(rows, columns=["text", "label"]).to_csv(file, index=False)
            file.flush()
            harness = Harness(
                task="text-classification",
                model={"model": asked["checkpoint"], "hub": "huggingface"},
                data={"data_source": file.name},
                config={"tests": {"defaults": least, "robustness": tests}},
            )
        count = counted(harness.model.model.model)
        report = harness.generate(seed=1).run().report()
        print(report.to_string())
        return count, not report["pass"].all()

    return test


def transformers() -> Callable[[dict[str, Any]], Tested]:
    """Import transformers; return what asks it for the given texts, and does nothing else.

    It is what a test of robustness by transformers takes besides testing.
    """
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    def ask(asked: dict[str, Any]) -> Tested:
        tokenizer = AutoTokenizer.from_pretrained(asked["checkpoint"])
        model = AutoModelForSequenceClassification.from_pretrained(asked["checkpoint"]).eval()
        count = counted(model)
        texts = sorted(asked["texts"], key=len)
        with torch.inference_mode():
            for start in range(0, len(texts), asked["batch"]):
                batch = texts[start : start + asked["batch"]]
                inputs = tokenizer(batch, padding=True, truncation=True, return_tensors="pt")
                model(**inputs).logits.softmax(-1).tolist()
        return count, False

    return ask


def main() -> None:
    """Test by the library that the first argument names."""
    test = {"giskard": giskard, "langtest": langtest, "transformers": transformers}[sys.argv[1]]()
    imported = time.time()
    (texts, tokens), failed = test(json.load(sys.stdin))
    told = {"imported": imported, "texts": texts, "tokens": tokens, "failed": bool(failed)}
    print(json.dumps(told))


if __name__ == "__main__":
    main()

"""Runs TextAttack's recipes on a checkpoint in TextAttack's own environment; prints JSON.

Run by `attacks.py` under another interpreter; imports nothing of pytest-ood. Reads {"checkpoint",
"labels", "rows": [[text, label], ...], "recipes": [...]} from standard input.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from typing import Any

RECIPES = {"deepwordbug": "DeepWordBugGao2018", "pwws": "PWWSRen2019"}


def main() -> None:
    """Attack every row by every recipe."""
    warnings.simplefilter("ignore")
    asked = json.load(sys.stdin)
    import textattack
    import transformers
    from textattack.attack_results import SkippedAttackResult, SuccessfulAttackResult
    from textattack.shared import utils

    tokenizer = transformers.AutoTokenizer.from_pretrained(asked["checkpoint"])
    model = transformers.AutoModelForSequenceClassification.from_pretrained(asked["checkpoint"])
    model.eval()
    utils.device = "cpu"
    wrapper = textattack.models.wrappers.HuggingFaceModelWrapper(model, tokenizer)
    labels = asked["labels"]
    results: dict[str, Any] = {}
    for name in asked["recipes"]:
        attack = getattr(textattack.attack_recipes, RECIPES[name]).build(wrapper)
        utils.set_seed(0)
        attacked = succeeded = queries = 0
        started = time.perf_counter()
        for text, label in asked["rows"]:
            result = attack.attack(text, labels.index(label))
            if isinstance(result, SkippedAttackResult):
                continue
            attacked += 1
            succeeded += isinstance(result, SuccessfulAttackResult)
            queries += result.num_queries
        seconds = time.perf_counter() - started
        results[name] = {
            "attacked": attacked,
            "success": succeeded / attacked,
            "queries": queries / attacked,
            "seconds": seconds / len(asked["rows"]),
        }
    print(json.dumps(results))


if __name__ == "__main__":
    main()

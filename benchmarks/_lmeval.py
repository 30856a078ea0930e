"""Scores prompts with lm-evaluation-harness in its own environment; speaks JSON, a line a request.

Run by `llm_scoring.py` under another interpreter; imports nothing of pytest-ood. The first line of
standard input is {"folder", "batch", "words": [...]}, answered by {"version"} once the model is
loaded. Every other line is {"prompts": [...]}, answered by {"scores", "processor_time"}: for each
prompt the log-probabilities of the words, and the processor time of the process so far.
"""

from __future__ import annotations

import json
import os
import sys
import time
from importlib.metadata import version


def main() -> None:
    """Load the model, then score what is asked."""
    # What libraries print does not belong among the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    told = json.loads(sys.stdin.readline())
    model = HFLM(pretrained=told["folder"], batch_size=told["batch"], device="cpu", dtype="float32")
    print(json.dumps({"version": version("lm_eval")}), file=answers, flush=True)
    words = told["words"]
    for line in sys.stdin:
        prompts = json.loads(line)["prompts"]
        asked = [
            Instance("loglikelihood", {}, (prompt, f" {word}"), place)
            for prompt in prompts
            for place, word in enumerate(words)
        ]
        flat = [score for score, _ in model.loglikelihood(asked, disable_tqdm=True)]
        rows = [flat[at : at + len(words)] for at in range(0, len(flat), len(words))]
        answer = {"scores": rows, "processor_time": time.process_time()}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()

"""Times prompted LLMs next to plain loops and lm-evaluation-harness: one run, the same prompts.

The packaged SmolLM2 under the four-shot prompt of the built-in suite, on movie snippets of ICWSM
2014. The harness runs under the interpreter of an environment of its own:

    python -m venv lmeval
    lmeval/bin/pip install lm-eval==0.4.13 torch==2.13.0 transformers==5.23.0 accelerate
    python benchmarks/llm_scoring.py --lmeval lmeval/bin/python --write docs/speed.md

Contenders take turns, round by round, and each is told by its best round, so that a slow minute of
the machine hits none of them; only asking is timed, no loading. What is computed once for a prompt
is computed anew in every round. The script ends with status 1 where a claim is missed: 4.5 times
the loop of one prompt at a time, 4 times that of padded batches of 16, 5 times the harness with
batches of 16, the same labels, scores within 0.001. It takes about ten minutes on two cores.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain, repeat
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from _scoring import Contender, Harness, Scores, agreement, anew
from _tables import PROJECT_OPTION, conclude, put
from platformdirs import user_cache_path

from pytest_ood.gate.gate import Gate, Options
from pytest_ood.loading.prompts import choose_demonstrations
from pytest_ood.loading.readers import Reader, parse_source
from pytest_ood.models.prompted import Generation, PromptedModel
from pytest_ood.utils.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pytest_ood.data.examples import Dataset

SUITE, MODEL = "sentiment", "smollm2"
BATCH = 16
CLAIMS = {"one by one": 4.5, "padded batches": 4.0, "lm-evaluation-harness": 5.0}
WITHIN = 1e-3
ROUNDS = 3
LENGTHS, SHOTS = (25, 100, 400), (0, 4, 16)
VERSIONS = 8
SIDE = 2048


@dataclass
class Plain:
    """Nothing but transformers, on the weights that ours has loaded.

    Attributes:
        model: Ours.
    """

    model: PromptedModel

    def __post_init__(self) -> None:
        """Look up the label words."""
        self.torch, self.tokenizer, self.lm = self.model.checkpoint.loaded
        given = [f" {word}" for word in self.model.prompt.label_words.values()]
        self.words = [self.tokenizer(word)["input_ids"][0] for word in given]

    def one_by_one(self, texts: list[str]) -> Scores:
        """Score a whole prompt at a time."""
        rows = []
        for text in texts:
            given = self.tokenizer(self.model.prompt.render(text), return_tensors="pt")
            with self.torch.inference_mode():
                logits = self.lm(input_ids=given["input_ids"], use_cache=False).logits[0, -1]
            rows.append(logits[self.words].softmax(-1).tolist())
        return rows

    def padded(self, texts: list[str]) -> Scores:
        """Score whole prompts in batches as they come, padded on the right."""
        rows = []
        for start in range(0, len(texts), BATCH):
            prompts = [self.model.prompt.render(text) for text in texts[start : start + BATCH]]
            given = self.tokenizer(prompts, return_tensors="pt", padding=True, padding_side="right")
            ids, mask = given["input_ids"], given["attention_mask"]
            with self.torch.inference_mode():
                logits = self.lm(input_ids=ids, attention_mask=mask, use_cache=False).logits
            ends = logits[self.torch.arange(len(prompts)), mask.sum(1) - 1]
            rows += ends[:, self.words].softmax(-1).tolist()
        return rows

    def written(self, texts: list[str], longest: int) -> list[str]:
        """Write an answer at a time."""
        answers = []
        for text in texts:
            given = self.tokenizer(self.model.prompt.render(text), return_tensors="pt")
            said = self.lm.generate(
                **given, max_new_tokens=longest, do_sample=False, stop_strings="\n",
                tokenizer=self.tokenizer, pad_token_id=self.tokenizer.eos_token_id,
            )  # fmt: skip
            answers.append(self.tokenizer.decode(said[0, given["input_ids"].shape[1] :]))
        return answers


@dataclass
class Inside:
    """What passes through the model's forward, and how long it takes there."""

    seconds: float = 0.0
    tokens: int = 0


@contextmanager
def watched(model: PromptedModel) -> Iterator[Inside]:
    """Count what passes through the model's forward."""
    lm, inside = model.checkpoint.loaded[2], Inside()
    inner = lm.forward

    def timed(*values: Any, **named: Any) -> Any:
        started = time.perf_counter()
        made = inner(*values, **named)
        inside.seconds += time.perf_counter() - started
        inside.tokens += named["input_ids"].numel()
        return made

    lm.forward = timed
    try:
        yield inside
    finally:
        lm.forward = inner


def ours(model: PromptedModel, *, again: bool = False) -> Callable[[list[str]], Scores]:
    """Return what asks our model for scores (rounded to 4 decimals), `again` with its prefix."""

    def ask(texts: list[str]) -> Scores:
        asked = model if again else anew(model)
        return [list(answer.scores.values()) for answer in asked.predict(texts)]

    return ask


def peak(torch: Any, dtype: Any) -> float:
    """Return the operations a second of a product of large matrices: the best of five."""
    one, other = torch.randn(2, SIDE, SIDE, dtype=dtype)
    best = 0.0
    with torch.inference_mode():
        one @ other
        for _ in range(5):
            started = time.perf_counter()
            one @ other
            best = max(best, 2 * SIDE**3 / (time.perf_counter() - started))
    return best


def least(model: PromptedModel, texts: Sequence[str]) -> tuple[float, int]:
    """Return the operations that scoring takes at least, and the tokens that they are for.

    Every different start of a prompt is one token to compute: 2 for each parameter of the layers, 4
    for each layer, unit of width and token that is looked at; and the output layer once a prompt.
    """
    _, tokenizer, lm = model.checkpoint.loaded
    prompts = tokenizer([model.prompt.render(text) for text in texts])["input_ids"]
    starts = {tuple(ids[:end]) for ids in prompts for end in range(1, len(ids) + 1)}
    outer = lm.get_output_embeddings().weight.numel()
    inner = sum(weight.numel() for weight in lm.parameters()) - outer
    width = lm.config.num_hidden_layers * lm.config.hidden_size
    attention = 4 * width * sum(map(len, starts))
    return 2 * inner * len(starts) + attention + 2 * outer * len(set(map(tuple, prompts))), len(
        starts
    )


def long_texts(data: Dataset, model: PromptedModel, tokens: int, count: int) -> list[str]:
    """Return texts of about so many tokens, each several snippets cut where they are enough."""
    tokenizer = model.checkpoint.loaded[1]
    stock = chain.from_iterable(repeat(data.examples))
    texts = []
    for _ in range(count):
        ids: list[int] = []
        while len(ids) < tokens:
            ids += tokenizer(f" {next(stock).inputs}")["input_ids"]
        texts.append(tokenizer.decode(ids[:tokens]).strip())
    return texts


def versions(text: str, rng: Random) -> list[str]:
    """Return a text with one word changed, so many times; as an attack asks about it."""
    words = text.split()
    made = []
    for _ in range(VERSIONS):
        place = rng.randrange(len(words))
        made.append(" ".join([*words[:place], words[place][::-1] + "x", *words[place + 1 :]]))
    return made


def main() -> int:
    """Measure, print the tables, and tell whether the claims hold."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--lmeval", metavar="PYTHON")
    parser.add_argument("--examples", type=int, default=500)
    parser.add_argument("--grid", type=int, default=8, help="texts a cell of the second table")
    parser.add_argument("--lengths", type=int, nargs="+", default=LENGTHS, help="tokens of a text")
    parser.add_argument("--shots", type=int, nargs="+", default=SHOTS, help="demonstrations")
    parser.add_argument("--write", type=Path, metavar="PATH", help="put the tables into this file")
    parser.add_argument("--cache", type=Path, default=user_cache_path("pytest-ood"))
    parser.add_argument("--project", **PROJECT_OPTION)
    options = parser.parse_args()
    gate = Gate(Options(root=options.project, cache=options.cache), Silent())
    model = gate.models[SUITE][MODEL]
    assert isinstance(model, PromptedModel), "unreachable: the suite prompts it"  # noqa: S101 - says why
    reader = Reader(root=Path(), cache=options.cache, offline=False, progress=Silent())
    source = {"data": "asset:icwsm-2014/movies"}
    test, train = (
        reader.load(
            parse_source({**source, "split": split}, "movies"),
            "movies",
            gate.evaluators[SUITE].suite.task,
        )
        for split in ("test", "train")
    )
    texts = [str(example.inputs) for example in test.sample(options.examples, 0)]
    compared, told = comparison(model, texts, options.lmeval)
    grid = Grid(options.shots, options.lengths, options.grid)
    sizes, different = by_size(model, test, train, grid)
    told += different
    lines = [
        *compared, "", *sizes, "", *of_versions(model, test, grid), "",
        *generated(model, texts[: math.ceil(options.examples / 10)]),
    ]  # fmt: skip
    text = "\n".join(lines)
    print(text)
    if options.write is not None:
        put(options.write, __file__, text)
    return conclude(told)


def comparison(
    model: PromptedModel, texts: list[str], lmeval: str | None
) -> tuple[list[str], list[str]]:
    """Return the lines of the first table, and the claims that are missed."""
    torch = model.checkpoint.loaded[0]
    plain = Plain(model)
    half = replace(model, checkpoint=replace(model.checkpoint, dtype="bfloat16"))
    mine = Contender(ours(model))
    others = {
        "one by one": Contender(plain.one_by_one),
        "padded batches": Contender(plain.padded),
    }
    halved = Contender(ours(half))
    for ask in (mine.ask, halved.ask, *(other.ask for other in others.values())):
        ask(texts[:BATCH])
    names = {
        "one by one": "`transformers`, one by one",
        "padded batches": f"`transformers`, whole prompts in padded batches of {BATCH}",
        "lm-evaluation-harness": f"batches of {BATCH} in lm-evaluation-harness",
    }
    share = math.ceil(len(texts) / ROUNDS)
    peaks, inside = [], []

    def rounds() -> None:
        for start in range(0, len(texts), share):
            peaks.append(peak(torch, torch.float32))
            # The whole set, as an evaluation asks it, in every round: the others only a share.
            with watched(model) as seen:
                mine(texts)
            inside.append(seen)
            for other in others.values():
                other(texts[start : start + share])
            peaks.append(peak(torch, torch.float32))
        halved(texts)

    if lmeval:
        with Harness(lmeval, model, BATCH) as harness:
            harness(texts[:BATCH])
            others["lm-evaluation-harness"] = Contender(harness)
            names["lm-evaluation-harness"] += f" {harness.version}"
            rounds()
    else:
        rounds()
    rate, seconds = mine.rate, len(texts) / mine.rate
    operations, tokens = least(model, texts)
    share_inside = sum(one.seconds for one in inside) / sum(mine.seconds) / len(texts)
    bound = operations / max(peaks)
    own = mine.scores[: len(texts)]
    told = []
    lines = [
        f"{len(texts)} movie snippets, 4 shots, {torch.get_num_threads()} threads, torch "
        f"{torch.__version__}, float32, the best of {ROUNDS} rounds each",
        "",
        "| | texts/s | pytest-ood is | same labels | scores apart by at most |",
        "|---|---|---|---|---|",
        f"| pytest-ood | {rate:.1f} | | | |",
    ]
    for name, other in others.items():
        theirs = other.rate
        same, apart = agreement(own, other.scores)
        lines.append(
            f"| {names[name]} | {theirs:.1f} | {rate / theirs:.1f} times as fast "
            f"| {same} of {len(texts)} | {apart:.5f} |"
        )
        if rate / theirs < CLAIMS[name]:
            told.append(f"{rate / theirs:.2f} times as fast as {name}; {CLAIMS[name]} are due")
        if same < len(texts) or apart > WITHIN:
            told.append(f"{len(texts) - same} labels differ from {name}, scores by {apart:.5f}")
    same, apart = agreement(own, halved.scores)
    quick = halved.rate
    lines += [
        "",
        f'With `dtype = "bfloat16"`, which only a user can set, it is {quick:.1f} '
        f"texts/s, {same} of {len(texts)} labels the same, scores apart by at most {apart:.3f}.",
        "",
        f"{100 * share_inside:.1f} % of the time is "
        "inside the model's forward. A product of large matrices reaches "
        f"{max(peaks) / 1e9:.0f} GFLOPS here ({min(peaks) / 1e9:.0f} at worst between rounds); at "
        f"that rate the {operations / 1e12:.2f} TFLOP of the {tokens:,} different starts of all "
        f"prompts would take {bound:.1f} s. It takes {seconds:.1f} s ({inside[0].tokens:,} tokens "
        f"pass the model): {100 * bound / seconds:.0f} % of the bound.",
    ]
    return lines, told


@dataclass(frozen=True)
class Grid:
    """The cells of the tables by size.

    Attributes:
        shots: Numbers of demonstrations.
        lengths: Of a text, in tokens, the shortest first.
        count: Texts a cell.
    """

    shots: Sequence[int]
    lengths: Sequence[int]
    count: int


def by_size(
    model: PromptedModel, test: Dataset, train: Dataset, grid: Grid
) -> tuple[list[str], list[str]]:
    """Return the second table, the gain by length of text and shots, and what is not the same."""
    told: list[str] = []
    lines = [
        f"Times as fast as one by one (texts/s), by length of text, {grid.count} texts a cell. "
        "The prefix is computed once for all texts, however many, and not counted here:",
        "",
        "| shots | " + " | ".join(f"{length} tokens" for length in grid.lengths) + " |",
        "|---|" + "---|" * len(grid.lengths),
    ]
    labels = tuple(model.prompt.label_words)
    for shots in grid.shots:
        shown = choose_demonstrations(train, labels, shots, 0)
        asked = model.with_prompt(replace(model.prompt, demonstrations=shown))
        warm = anew(asked)
        begun = time.perf_counter()
        warm.predict(["A film."])
        first = time.perf_counter() - begun
        cells = []
        for length in grid.lengths:
            texts = long_texts(test, model, length, grid.count)
            mine, other = Contender(ours(warm, again=True)), Contender(Plain(asked).one_by_one)
            for _ in range(2):
                mine(texts)
                other(texts)
            same, apart = agreement(mine.scores, other.scores)
            if same < len(mine.scores) or apart > WITHIN:
                told.append(f"{shots} shots, {length} tokens: labels or scores differ")
            rate, theirs = mine.rate, other.rate
            cells.append(f"{rate / theirs:.1f} ({rate:.1f})")
        prefix = f"{shots} (prefix of {len(warm.decoder.start)} tokens, {first:.1f} s)"
        lines.append(f"| {prefix} | {' | '.join(cells)} |")
    return lines, told


def of_versions(model: PromptedModel, test: Dataset, grid: Grid) -> list[str]:
    """Return the lines of the third table: what is saved where texts begin alike."""
    lines = [
        f"Texts run together with {VERSIONS} versions that differ in one word, against each "
        "version in a call of its own with the other texts':",
        "",
        "| tokens of a text | texts/s together | apart | times as fast |",
        "|---|---|---|---|",
    ]
    for length in grid.lengths:
        texts = long_texts(test, model, length, max(2, grid.count * grid.lengths[0] // length))
        rng = Random(0)
        columns = [texts, *zip(*(versions(text, rng) for text in texts), strict=True)]
        asked = anew(model)
        asked.predict(texts[:1])
        together, apart = [], []
        for _ in range(2):
            started = time.perf_counter()
            asked.predict([text for column in columns for text in column])
            between = time.perf_counter()
            for column in columns:
                asked.predict(list(column))
            together.append(between - started)
            apart.append(time.perf_counter() - between)
        number = len(texts) * len(columns)
        lines.append(
            f"| {length} | {number / min(together):.1f} | {number / min(apart):.1f} "
            f"| {min(apart) / min(together):.1f} |"
        )
    return lines


def generated(model: PromptedModel, texts: list[str]) -> list[str]:
    """Return what generating answers takes, and that they are those of one by one."""
    asked = replace(model, generation=Generation())
    mine, theirs = [], []
    alone: list[str] = []
    for start in range(0, len(texts), math.ceil(len(texts) / 2)):
        begun = time.perf_counter()
        answers = anew(asked).predict(texts)
        mine.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        some = texts[start : start + math.ceil(len(texts) / 2)]
        alone += Plain(model).written(some, Generation().max_new_tokens)
        theirs.append(time.perf_counter() - begun)
    read = [Generation().read(text) for text in alone]
    same = sum(answer.text == text for answer, text in zip(answers, read, strict=True))
    none = sum(answer.label is None for answer in answers)
    rate, other = len(texts) / min(mine), len(texts) / sum(theirs)
    return [
        f'Generated answers (`answer = "generated"`), {len(texts)} snippets: {rate:.1f} texts/s, '
        f"`generate` one by one {other:.1f}: {rate / other:.1f} times as fast; {same} of "
        f"{len(texts)} texts are the same, {none} name no label."
    ]


if __name__ == "__main__":
    sys.exit(main())

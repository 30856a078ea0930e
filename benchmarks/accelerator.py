"""Times encoders and prompted LLMs on an accelerator next to plain loops of transformers.

The networks have the named shapes and random weights, as speed does not depend on what a network
has learnt. The texts are movie snippets of the built-in suite, and the tokenizers are trained on
them. An encoder is compared with length-sorted batches of several sizes and with `pipeline`, a
prompted LLM with padded batches of whole prompts and with one prompt at a time. Contenders take
turns, and each counts by its best round.

    python benchmarks/accelerator.py --write docs/speed.md

Without an accelerator it runs small shapes on the processor. The script ends with status 1 where a
claim is missed: an encoder is 1.2 times as fast as the best plain batches, an LLM is at least as
fast as padded batches, and a run reaches 80 % of the rate of `predict`. It takes five minutes on an
H200.
"""

from __future__ import annotations

import argparse
import cProfile
import io
import pstats
import sys
import tempfile
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from _context import LABELS, context_of
from _scoring import anew
from _tables import conclude, put
from platformdirs import user_cache_path

from pytest_ood.inference.engine import Engine
from pytest_ood.inference.store import FileStore
from pytest_ood.loading.readers import Reader, parse_source
from pytest_ood.models import adapter
from pytest_ood.tasks import Classification
from pytest_ood.utils.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Ask = Callable[[list[str]], object]
    Rows = dict[str, tuple[dict[str, int], str]]

PROMPT = "Is the review of a film good or bad?\n---\nReview: {text}\nIt is"
WORDS = {"negative": "bad", "positive": "good"}
VOCABULARY = 8_000
ENCODER_BATCHES = (32, 64, 128, 256, 512)
LLM_BATCHES = (16, 64, 256)
ENCODER_CLAIM, LLM_CLAIM, RUN_CLAIM = 1.2, 1.0, 0.8
SIDE = {"cpu": 1024, "cuda": 8192}
"""The side of the square matrices whose product is the peak."""

ROBERTA = {
    "base": {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
             "intermediate_size": 3072},
    "large": {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16,
              "intermediate_size": 4096},
}  # fmt: skip
LLAMA = {
    "SmolLM2-135M": {"hidden_size": 576, "num_hidden_layers": 30, "num_attention_heads": 9,
                     "num_key_value_heads": 3, "intermediate_size": 1536, "vocab_size": 49_152},
    "1.7B": {"hidden_size": 2048, "num_hidden_layers": 24, "num_attention_heads": 32,
             "num_key_value_heads": 32, "intermediate_size": 8192, "vocab_size": 49_152},
    "8B": {"hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
           "num_key_value_heads": 8, "intermediate_size": 14_336, "vocab_size": 128_256},
}  # fmt: skip
SMALL = {
    "roberta": {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
                "intermediate_size": 128},
    "llama": {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
              "num_key_value_heads": 1, "intermediate_size": 128, "vocab_size": VOCABULARY},
}  # fmt: skip


@dataclass(frozen=True)
class Machine:
    """The device, and what its products reach.

    Attributes:
        torch: The library.
        device: "cuda" or "cpu".
    """

    torch: Any
    device: str

    @property
    def name(self) -> str:
        """The card's name."""
        return self.torch.cuda.get_device_name() if self.device == "cuda" else "a processor"

    def synchronize(self) -> None:
        """Wait until the device has done what it was asked."""
        if self.device == "cuda":
            self.torch.cuda.synchronize()

    def peak(self, dtype: str) -> float:
        """Return the operations a second of a product of large matrices: the best of five."""
        side = SIDE[self.device]
        one, other = self.torch.randn(
            2, side, side, dtype=getattr(self.torch, dtype), device=self.device
        )
        best = 0.0
        with self.torch.inference_mode():
            for _ in range(6):
                self.synchronize()
                started = time.perf_counter()
                one @ other
                self.synchronize()
                best = max(best, 2 * side**3 / (time.perf_counter() - started))
        return best


@dataclass
class Contender:
    """One way to ask for all texts.

    Attributes:
        ask: Answers texts; the answers are on the processor when it returns.
        texts: How many texts it is asked in a round; slow ones get fewer.
        rates: Texts a second, in each round.
    """

    ask: Ask
    texts: int
    rates: list[float] = field(default_factory=list)

    def __call__(self, texts: list[str]) -> None:
        """Ask, and look at the clock."""
        asked = texts[: self.texts]
        started = time.perf_counter()
        self.ask(asked)
        self.rates.append(len(asked) / (time.perf_counter() - started))

    @property
    def rate(self) -> float:
        """Texts a second in the best round."""
        return max(self.rates)


def take_turns(contenders: dict[str, Contender], texts: list[str], rounds: int) -> None:
    """Ask all, round by round; a first round of few texts is not counted."""
    for contender in contenders.values():
        contender.ask(texts[: min(contender.texts, 600)])
    for _ in range(rounds):
        for contender in contenders.values():
            contender(texts)


def trained_tokenizer(texts: Sequence[str], folder: Path, *, encoder: bool) -> Any:
    """Train a tokenizer of bytes on texts, and save it as an encoder's or an LLM's."""
    from tokenizers import ByteLevelBPETokenizer
    from transformers import PreTrainedTokenizerFast, RobertaTokenizerFast

    learner = ByteLevelBPETokenizer()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    shown = [f"{text} It is good bad\n" for text in texts]
    learner.train_from_iterator(shown, VOCABULARY, special_tokens=special, show_progress=False)
    learner.save_model(str(folder))
    if encoder:
        tokenizer: Any = RobertaTokenizerFast(
            vocab=str(folder / "vocab.json"), merges=str(folder / "merges.txt")
        )
    else:
        tokenizer = PreTrainedTokenizerFast(
            tokenizer_object=learner._tokenizer,  # noqa: SLF001 - what the wrapper holds
            pad_token="<pad>",  # noqa: S106 - a token of text
            eos_token="</s>",  # noqa: S106 - likewise
        )
    tokenizer.save_pretrained(folder)
    return tokenizer


@dataclass(frozen=True)
class Contest:
    """What a row of a table compares.

    Attributes:
        contenders: Ours, plain batches by their size, and one other way, in this order.
        model: Ours.
        tokens: The tokens of all texts that have to pass the network.
    """

    contenders: dict[str, Contender]
    model: Any
    tokens: int


@dataclass(frozen=True)
class Encoder:
    """An encoder with a classification head, ours and plain.

    Attributes:
        machine: Where it runs.
        shape: Its sizes.
        dtype: The data type of its weights.
        texts: What its tokenizer learns from.
        folder: Where its checkpoint is written.
    """

    machine: Machine
    shape: dict[str, int]
    dtype: str
    texts: list[str]
    folder: Path

    def contest(self) -> Contest:
        """Return ours, and all plain ways."""
        import transformers

        torch, device = self.machine.torch, self.machine.device
        tokenizer = trained_tokenizer(self.texts, self.folder, encoder=True)
        config = transformers.RobertaConfig(
            **self.shape, vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id,
            bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
            max_position_embeddings=514, type_vocab_size=1,
            id2label=dict(enumerate(LABELS)), label2id={x: n for n, x in enumerate(LABELS)},
        )  # fmt: skip
        torch.manual_seed(0)
        dtype = getattr(torch, self.dtype)
        network = transformers.RobertaForSequenceClassification(config).to(dtype)
        network.save_pretrained(self.folder)
        del network
        model = adapter("finetuned").build(
            str(self.folder),
            context_of(self.folder, self.folder / "cache"),
            device=device,
            dtype=self.dtype,
        )
        network = model._loaded[1]  # noqa: SLF001 - the same weights for all
        piped = transformers.pipeline(
            "text-classification", model=network, tokenizer=tokenizer, device=device
        )
        plain = partial(self.plain, network, tokenizer)
        contenders = {"ours": Contender(model.predict, len(self.texts))}
        for size in ENCODER_BATCHES:
            contenders[str(size)] = Contender(partial(plain, size=size), len(self.texts))
        contenders["pipeline"] = Contender(partial(piped, batch_size=32), len(self.texts) // 2)
        self.agree(model, network, tokenizer)
        return Contest(contenders, model, sum(map(len, tokenizer(self.texts)["input_ids"])))

    def plain(self, network: Any, tokenizer: Any, texts: list[str], size: int) -> list[int]:
        """Classify by length-sorted batches of one size, as a short loop does."""
        torch, rows = self.machine.torch, tokenizer(texts)["input_ids"]
        order = sorted(range(len(rows)), key=lambda index: len(rows[index]))
        answers = [0] * len(rows)
        with torch.inference_mode():
            for start in range(0, len(order), size):
                some = order[start : start + size]
                batch = tokenizer.pad({"input_ids": [rows[n] for n in some]}, return_tensors="pt")
                logits = network(**batch.to(self.machine.device)).logits
                for index, answer in zip(some, logits.argmax(-1).tolist(), strict=True):
                    answers[index] = answer
        return answers

    def agree(self, model: Any, network: Any, tokenizer: Any) -> None:
        """Check that scores are those of one text at a time.

        Raises:
            AssertionError: they are not.
        """
        torch, some = self.machine.torch, self.texts[:50]
        for text, answer in zip(some, model.predict(some), strict=True):
            alone = tokenizer(text, return_tensors="pt").to(self.machine.device)
            with torch.inference_mode():
                shares = network(**alone).logits[0].float().softmax(-1).tolist()
            check_scores(answer.scores, shares, self.dtype)

    def operations(self, tokens: int) -> float:
        """Return the operations for so many tokens: two for each weight of the layers."""
        width, inner = self.shape["hidden_size"], self.shape["intermediate_size"]
        return 2.0 * tokens * self.shape["num_hidden_layers"] * (4 * width**2 + 2 * width * inner)


@dataclass(frozen=True)
class Decoder:
    """A causal LLM behind a prompt with four demonstrations, ours and plain.

    Attributes:
        machine: Where it runs.
        shape: Its sizes.
        dtype: The data type of its weights.
        texts: What its tokenizer learns from; the last four are shown.
        folder: Where its configuration and tokenizer are written.
        batches: The sizes of plain batches.
    """

    machine: Machine
    shape: dict[str, int]
    dtype: str
    texts: list[str]
    folder: Path
    batches: tuple[int, ...]

    def contest(self) -> Contest:
        """Return ours, and all plain ways."""
        import transformers

        torch, device = self.machine.torch, self.machine.device
        tokenizer = trained_tokenizer(self.texts, self.folder, encoder=False)
        config = transformers.LlamaConfig(
            **self.shape, max_position_embeddings=2048, tie_word_embeddings=True,
            pad_token_id=tokenizer.pad_token_id, eos_token_id=tokenizer.eos_token_id,
            bos_token_id=None, architectures=["LlamaForCausalLM"],
        )  # fmt: skip
        config.save_pretrained(self.folder)
        around = context_of(self.folder, self.folder / "cache")
        model = adapter("prompted").build(
            str(self.folder), around, device=device, dtype=self.dtype,
            prompt=PROMPT, label_words=WORDS, chat=False,
            demonstrations=[
                {"text": text, "label": LABELS[n % 2]} for n, text in enumerate(self.texts[-4:])
            ],
        )  # fmt: skip
        checkpoint = model.checkpoint
        torch.manual_seed(0)
        with torch.device(device):
            # Weights that are written and read again take minutes for the largest shape.
            network = transformers.AutoModelForCausalLM.from_config(
                config, dtype=getattr(torch, self.dtype)
            ).eval()
        checkpoint.context.held[checkpoint.key("weights")] = (torch, tokenizer, network)
        plain = partial(self.plain, model, network, tokenizer)
        count = len(self.texts)
        contenders = {"ours": Contender(lambda texts: anew(model).predict(texts), count)}
        for size in self.batches:
            few = min(count, max(4 * size, 512))
            contenders[str(size)] = Contender(partial(plain, size=size), few)
        contenders["one by one"] = Contender(partial(plain, size=1), min(count, 48))
        self.agree(model, plain)
        prompts = tokenizer([model.prompt.render(text) for text in self.texts])["input_ids"]
        first, last = min(prompts), max(prompts)
        shared = next(
            (n for n, (one, other) in enumerate(zip(first, last, strict=False)) if one != other),
            len(first),
        )
        return Contest(contenders, model, sum(len(prompt) - shared for prompt in prompts))

    def plain(
        self, model: Any, network: Any, tokenizer: Any, texts: list[str], size: int
    ) -> list[list[float]]:
        """Score whole prompts in padded batches, longest last."""
        torch = self.machine.torch
        words = [tokenizer(f" {word}")["input_ids"][0] for word in WORDS.values()]
        rows = tokenizer([model.prompt.render(text) for text in texts])["input_ids"]
        order = sorted(range(len(rows)), key=lambda index: len(rows[index]))
        answers: list[list[float]] = [[]] * len(rows)
        with torch.inference_mode():
            for start in range(0, len(order), size):
                some = order[start : start + size]
                batch = tokenizer.pad(
                    {"input_ids": [rows[n] for n in some]}, padding_side="left", return_tensors="pt"
                ).to(self.machine.device)
                ids, mask = batch["input_ids"], batch["attention_mask"]
                logits = network(
                    input_ids=ids, attention_mask=mask, use_cache=False, logits_to_keep=1,
                    position_ids=(mask.cumsum(-1) - 1).clamp(min=0),
                ).logits[:, -1, words]  # fmt: skip
                shares = logits.float().softmax(-1).tolist()
                for index, answer in zip(some, shares, strict=True):
                    answers[index] = answer
        return answers

    def agree(self, model: Any, plain: Callable[..., list[list[float]]]) -> None:
        """Check that scores are those of one prompt at a time.

        Raises:
            AssertionError: they are not.
        """
        some = self.texts[:24]
        for answer, shares in zip(model.predict(some), plain(some, size=1), strict=True):
            check_scores(answer.scores, shares, self.dtype)

    def operations(self, tokens: int) -> float:
        """Return the operations for so many tokens: two for each weight of the layers."""
        width, inner = self.shape["hidden_size"], self.shape["intermediate_size"]
        keys = width // self.shape["num_attention_heads"] * self.shape["num_key_value_heads"]
        each = 2 * width**2 + 2 * width * keys + 3 * width * inner
        return 2.0 * tokens * self.shape["num_hidden_layers"] * each


def check_scores(scores: Mapping[str, float], alone: Sequence[float], dtype: str) -> None:
    """Check that scores are those of one text at a time.

    Raises:
        AssertionError: they are not.
    """
    within = 1e-4 if dtype == "float32" else 0.05
    differences = [abs(scores[x] - share) for x, share in zip(LABELS, alone, strict=True)]
    assert max(differences) <= within, (scores, alone)  # noqa: S101 - wrong answers are not timed


def in_a_run(model: Any, texts: list[str], folder: Path) -> float:
    """Return the texts a second of a run, which hands inputs over and writes answers."""
    engine = Engine(FileStore(folder / "predictions.sqlite"), Silent())
    # The weights are hashed once a run, whatever it asks.
    _ = model.fingerprint
    started = time.perf_counter()
    engine.predict(model, texts, LABELS, "texts")
    return len(texts) / (time.perf_counter() - started)


def profiled(ask: Ask, texts: list[str]) -> str:
    """Return the functions that take the most time of their own."""
    profile = cProfile.Profile()
    profile.runcall(ask, texts)
    stream = io.StringIO()
    pstats.Stats(profile, stream=stream).sort_stats("tottime").print_stats(18)
    return stream.getvalue().partition("ncalls")[2]


def main() -> int:
    """Measure, print the tables, and tell whether the claims hold."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--texts", type=int, default=3_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--only", nargs="+", metavar="ROW", help="only these rows: 'base float32'")
    parser.add_argument("--profile", action="store_true", help="print where the time goes")
    parser.add_argument("--write", type=Path, metavar="PATH", help="put the tables into this file")
    parser.add_argument("--cache", type=Path, default=user_cache_path("pytest-ood"))
    options = parser.parse_args()
    machine = Machine(torch, "cuda" if torch.cuda.is_available() else "cpu")
    reader = Reader(root=Path(), cache=options.cache, offline=False, progress=Silent())
    source = parse_source({"data": "asset:icwsm-2014/movies", "split": "train"}, "movies")
    data = reader.load(source, "movies", Classification(LABELS))
    texts = [str(example.inputs) for example in data.sample(options.texts, 0)]
    large = machine.device == "cuda"
    both = ("float32", "bfloat16")
    encoders: Rows = {"small float32": (SMALL["roberta"], "float32")}
    llms: Rows = {"small LLM float32": (SMALL["llama"], "float32")}
    if large:
        encoders = {
            f"{name} {dtype}": (shape, dtype) for name, shape in ROBERTA.items() for dtype in both
        }
        llms = {f"{name} bfloat16": (shape, "bfloat16") for name, shape in LLAMA.items()}
        llms = {"SmolLM2-135M float32": (LLAMA["SmolLM2-135M"], "float32"), **llms}
    peaks = {dtype: machine.peak(dtype) for dtype in (both if large else both[:1])}
    peak_rates = ", ".join(f"{rate / 1e12:.2f} in {dtype}" for dtype, rate in peaks.items())
    heads = [
        f"{machine.name}, torch {torch.__version__}, {len(texts):,} movie snippets; a product of "
        f"matrices of {SIDE[machine.device]:,} by {SIDE[machine.device]:,} reaches {peak_rates} "
        "TFLOPS. Texts a second; in brackets that of a whole run, which also looks answers up and "
        "writes them:", "",
    ]  # fmt: skip
    missed: list[str] = []
    rows: dict[str, list[str]] = {"encoder": [], "prompted, 4 shots": []}
    work = [("encoder", name, *row) for name, row in encoders.items()]
    work += [("prompted, 4 shots", name, *row) for name, row in llms.items()]
    for kind, name, shape, dtype in work:
        if options.only and name not in options.only:
            continue
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            sized = LLM_BATCHES if shape["hidden_size"] < 1024 else LLM_BATCHES[:2]  # noqa: PLR2004 - memory
            model: Encoder | Decoder = (
                Encoder(machine, shape, dtype, texts, folder)
                if kind == "encoder"
                else Decoder(machine, shape, dtype, texts, folder, sized)
            )
            row, failed = measured(name, model, peaks[dtype], options)
            missed += failed
        print(row, file=sys.stderr, flush=True)
        rows[kind].append(row)
        if large:
            torch.cuda.empty_cache()
    text = "\n".join([
        *heads,
        "| encoder (RoBERTa's shape) | pytest-ood (a run) | length-sorted batches of "
        f"{' / '.join(map(str, ENCODER_BATCHES))} | `pipeline`, 32 | times the best | peak |",
        "|---|---|---|---|---|---|", *rows["encoder"], "",
        "| prompted, 4 shots | pytest-ood (a run) | padded batches of "
        f"{' / '.join(map(str, LLM_BATCHES))} | one by one | times the best | peak |",
        "|---|---|---|---|---|---|", *rows["prompted, 4 shots"],
    ])  # fmt: skip
    print(text)
    if options.write is not None:
        put(options.write, __file__, text)
    return conclude(missed)


def measured(
    name: str, model: Encoder | Decoder, peak: float, options: argparse.Namespace
) -> tuple[str, list[str]]:
    """Return the row of one model, and the claims that it misses."""
    missed = []
    contest = model.contest()
    take_turns(contest.contenders, model.texts, options.rounds)
    ours, *batches, other = contest.contenders.values()
    if options.profile:
        print(f"{name}\n{profiled(ours.ask, model.texts)}", file=sys.stderr, flush=True)
    whole = in_a_run(contest.model, model.texts, model.folder)
    best = max(contender.rate for contender in batches)
    claim = ENCODER_CLAIM if isinstance(model, Encoder) else LLM_CLAIM
    if ours.rate < claim * best:
        missed.append(f"{name}: {ours.rate / best:.2f} times as fast as the best plain batches")
    if whole < RUN_CLAIM * ours.rate:
        missed.append(f"{name}: a run has {100 * whole / ours.rate:.0f} % of the rate of `predict`")
    share = ours.rate * model.operations(contest.tokens) / len(model.texts) / peak
    row = (
        f"| {name} | **{ours.rate:,.0f}** ({whole:,.0f}) | "
        f"{' / '.join(f'{one.rate:,.0f}' for one in batches)} | {other.rate:,.0f} | "
        f"{ours.rate / best:.2f} | {100 * share:.1f} % |"
    )
    return row, missed


if __name__ == "__main__":
    sys.exit(main())

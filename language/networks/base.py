"""The base model and its tokenizer: from a folder, from the hub, or from a GGUF file; and a question as tokens.

Where next: ``training.py``, ``merging.py`` and ``answering.py`` use them.
"""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path
from typing import Any, Final

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig
from transformers.utils import logging as transformers_logging

from include.errors import InvalidRequestError, SettingsError
from language.examples import Example
from language.folders import sha256_of, write_folder
from language.prompts import answer_of, messages_of
from language.run_settings import RunSettings, TrainingSettings
from language.runs import Home

PLAIN: Final = (
    "{% for message in messages %}{{ '### ' + message['role'] + '\\n' + message['content'] + eos_token + '\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '### assistant\\n' }}{% endif %}"
)
"""The chat template ``plain``."""
Tokenizer = Any  # the library has no types where it is not installed
Model = Any


def base_place(settings: RunSettings, home: Home) -> str:
    """The folder of the base model, or its name at the hub; a GGUF file is converted on the first call.

    Raises:
        InvalidRequestError: the folder has no such GGUF file, or it cannot be read.
    """
    folder = home.base / settings.base_model
    place = str(folder) if folder.is_dir() else settings.base_model
    return place if not settings.base_file else str(_converted(Path(place) / settings.base_file, home))


def load_tokenizer(place: str, settings: RunSettings, home: Home) -> Tokenizer:
    """The tokenizer of a model, with the chat template that the settings name.

    Raises:
        InvalidRequestError: there is no such model, or no template.
    """
    try:
        tokenizer: Tokenizer = AutoTokenizer.from_pretrained(place)
    except (OSError, ValueError) as error:
        raise InvalidRequestError(_unreadable(place, error)) from error
    if settings.chat_template == "plain":
        tokenizer.chat_template = PLAIN
    elif settings.chat_template != "model":
        path = home.files / settings.chat_template
        if not path.is_file():
            message = f"chat_template: {path} does not exist; put the Jinja file there, or use 'model' or 'plain'."
            raise InvalidRequestError(message)
        tokenizer.chat_template = path.read_text(encoding="utf-8")
    if not tokenizer.chat_template:
        message = f"{place} has no chat template; set chat_template to 'plain' or to a Jinja file."
        raise InvalidRequestError(message)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def device_of(training: TrainingSettings) -> str:
    """``cpu`` or ``cuda``, as the settings want it.

    Raises:
        SettingsError: a GPU is wanted, and there is none.
    """
    has_gpu = torch.cuda.is_available()
    if training.device == "cuda" and not has_gpu:
        message = "training.device=cuda, and there is no GPU here; use 'cpu', or 'auto'."
        raise SettingsError(message)
    return "cuda" if training.device != "cpu" and has_gpu else "cpu"


def require_quantisation(training: TrainingSettings) -> None:
    """Checks that a model can be read as the settings want it.

    Raises:
        SettingsError: 4 bits are wanted without a GPU or without bitsandbytes.
    """
    if training.quantisation == "none":
        return
    if device_of(training) != "cuda" or importlib.util.find_spec("bitsandbytes") is None:
        message = (
            "training.quantisation=4bit needs a GPU with CUDA (training.device 'cuda' or 'auto') and the package "
            "bitsandbytes in .venv-language; use 'none' here."
        )
        raise SettingsError(message)


def load_model(place: str, training: TrainingSettings, *, is_quantised: bool = False) -> Model:
    """The weights of a model, on the device of the settings, without gradients of its own.

    Raises:
        InvalidRequestError: there is no such model.
        SettingsError: the device or the quantisation is not there.
    """
    torch.set_num_threads(training.threads)
    transformers_logging.disable_progress_bar()
    more: dict[str, Any] = {}
    if is_quantised and training.quantisation == "4bit":
        require_quantisation(training)
        more["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
        )
    try:
        model = AutoModelForCausalLM.from_pretrained(place, dtype=getattr(torch, training.dtype), **more)
    except (OSError, ValueError) as error:
        raise InvalidRequestError(_unreadable(place, error)) from error
    return model if more else model.to(device_of(training))


def encode(tokenizer: Tokenizer, example: Example) -> tuple[list[int], list[int]]:
    """The tokens of a question up to where the answer begins, and those of the answer with its end.

    Raises:
        InvalidRequestError: the chat template writes the answer in another place than where it asks for one.
    """
    asked = messages_of(example)
    prompt: str = tokenizer.apply_chat_template(asked, tokenize=False, add_generation_prompt=True)
    whole: str = tokenizer.apply_chat_template(asked + answer_of(example), tokenize=False)
    if not whole.startswith(prompt):
        message = "The chat template does not continue its own prompt with the answer; use another chat_template."
        raise InvalidRequestError(message)
    first: list[int] = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    answer: list[int] = tokenizer(whole[len(prompt) :].rstrip(), add_special_tokens=False)["input_ids"]
    return first, answer


def model_digest(place: str) -> str:
    """A hash of a model's weights and configuration, 16 digits; of a model of the hub, of its name."""
    folder = Path(place)
    if not folder.is_dir():
        return hashlib.sha256(place.encode()).hexdigest()[:16]
    files = sorted(path for path in folder.iterdir() if path.suffix in {".safetensors", ".bin", ".json", ".jinja"})
    said = "\0".join(f"{path.name} {sha256_of(path)}" for path in files)
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def _converted(file: Path, home: Home) -> Path:
    """The model of a GGUF file as a folder of safetensors, which is made once.

    A model that was read from GGUF cannot be saved, so its weights are copied into a fresh one.
    """
    if not file.is_file():
        message = f"There is no file {file}; put the GGUF file there, or correct base_model and base_file."
        raise InvalidRequestError(message)
    target = home.converted / f"{file.stem}-{sha256_of(file)[:8]}"
    if not target.exists():
        try:
            tokenizer = AutoTokenizer.from_pretrained(str(file.parent), gguf_file=file.name)
            read = AutoModelForCausalLM.from_pretrained(str(file.parent), gguf_file=file.name, dtype=torch.float32)
        except (OSError, ValueError, ImportError) as error:
            raise InvalidRequestError(_unreadable(str(file), error)) from error
        config = AutoConfig.from_pretrained(str(file.parent), gguf_file=file.name)
        fresh = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
        fresh.load_state_dict(read.state_dict())

        def fill(draft: Path) -> None:
            fresh.save_pretrained(draft)
            tokenizer.save_pretrained(draft)

        write_folder(target, fill)
    return target


def _unreadable(place: str, error: Exception) -> str:
    said = " ".join(str(error).split())[:300]
    return (
        f"The base model {place} cannot be read: {said}. Give a folder with its files (also below `base` in the "
        "language folder), or the name of a model of the hub that this machine can reach."
    )

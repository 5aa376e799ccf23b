"""The YAML of a run: what it may say, and what is wrong with it."""

from dataclasses import asdict
from pathlib import Path

import pytest
import yaml

from include.errors import SettingsError
from language.run_settings import RunSettings, read_run_settings

EXAMPLE = (Path(__file__).parents[2] / "examples" / "language.yaml").read_text(encoding="utf-8")
LEAST = "name: a\nbase_model: org/model\n"


def test_the_example_has_every_setting():
    values = yaml.safe_load(EXAMPLE)
    shown = {f"{group}.{name}" for group, each in values.items() if isinstance(each, dict) for name in each}
    known = {
        f"{group}.{name}"
        for group, each in asdict(RunSettings("a", "b")).items()
        if isinstance(each, dict)
        for name in each
    }
    assert shown == known
    assert read_run_settings(EXAMPLE, "language.yaml").training.learning_rate == 2e-4


def test_what_is_not_said_has_its_default():
    assert read_run_settings(LEAST, "a.yaml") == RunSettings("a", "org/model")


def test_a_rate_may_be_written_as_yaml_does_not_read_it():
    assert read_run_settings(LEAST + "training: {learning_rate: 1e-3}", "a.yaml").training.learning_rate == 1e-3


def test_a_file_states_its_licence():
    text = LEAST + "data: {files: [{path: a.csv, form: csv, licence: CC0, source: us}], companies: [AAPL]}"
    found = read_run_settings(text, "a.yaml").data
    assert (found.files[0].licence, found.companies) == ("CC0", ("AAPL",))
    with pytest.raises(SettingsError, match="licence is missing"):
        read_run_settings(text.replace("licence: CC0, ", ""), "a.yaml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "is no YAML"),
        ("- a", "has to be names with values; it is list"),
        ("", "has to be names with values"),
        ("name: a", "base_model is missing"),
        (LEAST + "stpes: 5", "stpes is unknown. Known are: name, base_model"),
        (LEAST + "training: {stpes: 5}", "training: stpes is unknown. Known are: learning_rate"),
        (LEAST + "training: 5", "training has to be names with values"),
        (LEAST + "training: {steps: 0}", "steps=0 has to be from 1 to 1e\\+06"),
        (LEAST + "training: {steps: 2.5}", "steps=2.5 has to be a whole number"),
        (LEAST + "training: {steps: true}", "steps=True has to be a whole number"),
        (LEAST + "training: {learning_rate: fast}", "learning_rate='fast' has to be a number"),
        (LEAST + "training: {learning_rate: .nan}", "has to be a number"),
        (LEAST + "training: {quantisation: 8bit}", "quantisation='8bit' has to be one of none, 4bit"),
        (LEAST + "lora: {modules: 7}", "modules=7 has to be a text"),
        (LEAST + "data: {version: w1}", "data.version='w1' has to be 'new'"),
        (LEAST + "data: {companies: AAPL}", "companies has to be a list"),
        (LEAST + "data: {files: [a.csv]}", "files\\[0\\] has to be names"),
        (LEAST.replace("name: a", "name: ../a"), "name='../a' has to be up to 40 letters"),
    ],
)
def test_what_is_wrong_is_named_with_what_would_be_right(text, said):
    with pytest.raises(SettingsError, match=rf"a\.yaml.*{said}"):
        read_run_settings(text, "a.yaml")

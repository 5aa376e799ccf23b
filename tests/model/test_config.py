import json

import pytest

from include.errors import CheckpointError, SettingsError
from include.model.config import SCOPES, ModelConfig, TrainConfig, first_training, hourly_training, model_config
from include.settings import ModelSettings, load_settings


def test_a_model_config_survives_json():
    config = ModelConfig(input_count=32)
    assert ModelConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_a_training_config_survives_json():
    config = TrainConfig(steps=4)
    assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize("kind", [ModelConfig, TrainConfig])
def test_a_config_with_an_unknown_field_is_refused(kind):
    with pytest.raises(CheckpointError, match="rope"):
        kind.from_dict({"rope": 1})


@pytest.mark.parametrize(
    "wrong",
    [
        {"width": 20, "heads": 4},
        {"layers": 0},
        {"quantile_levels": (0.1, 0.9)},
        {"quantile_levels": (0.5, 0.1, 0.9)},
        {"quantile_levels": (0.0, 0.5)},
    ],
)
def test_a_network_that_cannot_be_computed_is_refused(wrong):
    with pytest.raises(SettingsError):
        ModelConfig(input_count=3, **wrong)


@pytest.mark.parametrize(
    "wrong",
    [{"steps": -1}, {"batch_windows": 0}, {"clip_norm": 0.0}, {"learning_rate": -1.0}, {"scope": "last_block_head"}],
)
def test_a_training_that_cannot_be_done_is_refused(wrong):
    with pytest.raises(SettingsError):
        TrainConfig(**{"steps": 1, **wrong})


def test_the_setting_of_the_scope_can_be_all_or_head():
    name = "HOURCAST_HOURLY_TRAINING_SCOPE"
    assert [load_settings({name: scope}).model.hourly_training_scope for scope in SCOPES] == ["all", "head"]
    with pytest.raises(SettingsError, match="must be one of all, head"):
        load_settings({name: "norms_head"})


def test_an_hour_draws_its_windows_once_with_the_scope_head_and_in_every_step_with_all():
    for scope, draws in (("head", 1), ("all", 4)):
        config = hourly_training(ModelSettings(hourly_training_scope=scope, hourly_training_steps=4))
        assert -(-config.steps // config.steps_per_draw) == draws


def test_the_settings_decide_network_and_training():
    settings = ModelSettings(context_bars=96, model_width=16, hourly_training_steps=0, group_tickers=3)
    config = model_config(settings, input_count=7)
    assert (config.input_count, config.context_bars, config.width) == (7, 96, 16)
    assert first_training(settings, is_from_backbone=False).steps == settings.first_training_steps
    assert first_training(settings, is_from_backbone=True).steps == settings.backbone_training_steps
    assert hourly_training(settings).scope == settings.hourly_training_scope
    assert (hourly_training(settings).steps, hourly_training(settings).group_tickers) == (0, 3)
    assert hourly_training(settings).learning_rate < first_training(settings, is_from_backbone=False).learning_rate

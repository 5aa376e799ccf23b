"""Whatever the environment says, the settings are sound, or the setting that is not is named."""

from __future__ import annotations

from dataclasses import fields

from hypothesis import example, given
from hypothesis import strategies as st

from include.errors import SettingsError
from include.settings import PREFIX, Settings, load_settings
from tests.fuzz.profile import examples, require_sentence

GROUPS = [type(getattr(load_settings({}), item.name)) for item in fields(Settings)]
NAMES = [PREFIX + item.name.upper() for group in GROUPS for item in fields(group)]
VALUES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    [
        "0",
        "-1",
        "1",
        "1e999",
        "nan",
        "-inf",
        "99999999999999999999",
        "\u0663",
        "1_0",
        " 5 ",
        "~",
        "auto",
        "always",
        "cpu",
    ]
)


@examples(400)
@given(st.dictionaries(st.sampled_from([*NAMES, "HOURCAST_SEDE"]), VALUES, max_size=4))
@example({"HOURCAST_MODELS_DIR": "~nobody-of-this-name/x"})
@example({"HOURCAST_SEED": "9" * 5000})
def test_settings_are_read_or_the_wrong_one_is_named(environment: dict[str, str]) -> None:
    try:
        chosen = load_settings(environment)
    except SettingsError as error:
        require_sentence(error, PREFIX)
    else:
        for group in (chosen.store, chosen.market, chosen.model, chosen.schedule, chosen.local):
            for item in fields(group):
                value = getattr(group, item.name)
                assert not isinstance(value, float) or 0 < value < float("inf")
                assert not isinstance(value, int) or value >= 0

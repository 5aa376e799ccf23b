import pytest

from include.errors import SettingsError
from include.model.device import choose_device, choose_group


@pytest.mark.parametrize(
    ("wanted", "has_cuda", "chosen"),
    [
        ("cpu", False, "cpu"),
        ("cpu", True, "cpu"),
        ("auto", False, "cpu"),
        ("auto", True, "cuda"),
        ("cuda", True, "cuda"),
    ],
)
def test_a_gpu_is_used_if_it_is_wanted_and_present(wanted, has_cuda, chosen):
    assert choose_device(wanted, has_cuda=has_cuda) == chosen


def test_a_missing_gpu_is_an_error_if_the_device_is_cuda():
    with pytest.raises(SettingsError, match="finds no GPU"):
        choose_device("cuda", has_cuda=False)


def test_an_unknown_device_is_refused():
    with pytest.raises(SettingsError, match="tpu is no device"):
        choose_device("tpu", has_cuda=True)


def test_a_cpu_takes_one_ticker_a_step_and_a_gpu_hundreds():
    assert choose_group(0, "cpu") == 1
    assert choose_group(0, "cuda") >= 100
    assert (choose_group(7, "cpu"), choose_group(7, "cuda")) == (7, 7)

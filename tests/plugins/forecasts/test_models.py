"""What the page says about the models: drift that is proven now, and what was done with the backbones."""

import pytest

from tests.support.client import TestClient
from tests.support.rows import at

pytestmark = pytest.mark.integration
MODELS = "/api/v1/models"


def test_the_newest_look_names_what_has_drifted_where_and_since_when(client: TestClient) -> None:
    (drift,) = client.get(MODELS).json()["drift"]
    assert (drift["calendar"], drift["kind"], drift["is_simulated"]) == ("XNYS", "coverage", False)
    assert drift["drifted_at"] == at(2).isoformat().replace("+00:00", "Z")
    assert drift["reason"] == "the 90 % intervals contained 80.0 % of the closes"


def test_operations_are_the_newest_first_without_days_on_which_nothing_was_done(client: TestClient) -> None:
    found = client.get(MODELS).json()["operations"]
    assert sorted(each["operation"] for each in found) == ["promote", "reject", "retrain"]
    assert found[-1]["operation"] == "promote"
    assert [each["decided_by"] for each in found if each["operation"] == "reject"] == ["ada"]


@pytest.mark.parametrize(
    ("parameters", "operations"),
    [
        ({"limit": 1}, 1),
        ({"since": at(2).isoformat()}, 2),
        ({"until": at(2).isoformat()}, 1),
    ],
    ids=["limit", "since", "until"],
)
def test_operations_can_be_chosen_by_number_and_period(
    client: TestClient, parameters: dict[str, object], operations: int
) -> None:
    response = client.get(MODELS, params=parameters)
    assert response.status_code == 200
    assert len(response.json()["operations"]) == operations

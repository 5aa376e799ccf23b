"""The hours of a session: each sees one more bar, and the look comes when New York's day is over."""

from datetime import UTC, datetime

from bench.loop.hours import sessions_of


def test_each_hour_follows_the_close_of_a_bar_and_a_weekend_has_no_session() -> None:
    found = list(sessions_of(datetime(2025, 3, 7, tzinfo=UTC), datetime(2025, 3, 11, tzinfo=UTC)))
    assert [f"{session.day:%a}" for session in found] == ["Fri", "Mon"]
    winter, summer = ([f"{hour:%H:%M}" for hour in session.hours] for session in found)
    assert winter == ["15:35", "16:35", "17:35", "18:35", "19:35", "20:35", "21:35"]
    assert summer == ["14:35", "15:35", "16:35", "17:35", "18:35", "19:35", "20:35"], "summer time began on Sunday"
    assert found[0].look_at == datetime(2025, 3, 8, 3, 15, tzinfo=UTC)


def test_a_half_day_has_fewer_hours() -> None:
    (session,) = sessions_of(datetime(2025, 11, 28, tzinfo=UTC), datetime(2025, 11, 29, tzinfo=UTC))
    assert [f"{hour:%H:%M}" for hour in session.hours] == ["15:35", "16:35", "17:35", "18:35"]

"""Where a visitor stands."""

import pytest

from appliance.kiosk.places import Place, place_of


@pytest.mark.parametrize(
    ("header", "place"),
    [("office", Place.OFFICE), ("hall", Place.HALL), ("resident", Place.RESIDENT)]
    + [(header, Place.RESIDENT) for header in (None, "", "OFFICE", "office, resident", "balai")],
)
def test_nginx_is_believed_over_its_socket_and_doubt_is_a_resident(header: str | None, place: Place) -> None:
    assert place_of(header, "127.0.0.1", over_unix_socket=True) is place


@pytest.mark.parametrize(
    ("address", "place"),
    [("127.0.0.1", Place.HALL), ("::1", Place.HALL), ("10.20.0.7", Place.RESIDENT), (None, Place.RESIDENT)],
)
def test_over_tcp_only_the_connection_counts(address: str | None, place: Place) -> None:
    assert place_of("office", address, over_unix_socket=False) is place


def test_a_password_may_travel_where_the_air_is_locked() -> None:
    assert [place for place in Place if place.is_private] == [Place.OFFICE, Place.HALL]

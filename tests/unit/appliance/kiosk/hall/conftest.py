"""Residents with a PIN, at the screen in the hall."""

from tests.unit.appliance.kiosk.citizen.conftest import hall  # noqa: F401 - a fixture

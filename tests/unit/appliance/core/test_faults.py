"""What a journal is told of a fault: where, and never with whose data."""

import pytest

from appliance.core.errors import StoreError
from appliance.core.faults import trace

NIK, NAME = "5103016508900001", "Ni Luh Ayu Contoh"


def _stumble(error: Exception) -> None:
    raise error


def _fault(*errors: Exception) -> Exception:
    """Errors that were each raised while the one before was handled."""
    try:
        if len(errors) == 1:
            _stumble(errors[0])
        raise errors[-1] from _fault(*errors[:-1])
    except Exception as caught:  # noqa: BLE001 - whatever it is, it is handed on
        return caught


@pytest.mark.parametrize(
    "error",
    [
        ValueError(f"invalid literal for int() with base 10: '{NIK}'"),
        KeyError(NAME),
        UnicodeEncodeError("utf-8", f"{NAME}\ud800", 17, 18, "surrogates not allowed"),
        TypeError(f"{NAME} {NIK}"),
        ZeroDivisionError(NIK),
    ],
)
def test_values_are_in_no_journal(error: Exception) -> None:
    told = trace(_fault(error))
    assert type(error).__name__ in told and "in _stumble" in told and "test_faults.py" in told
    assert NIK not in told and NAME not in told


def test_what_led_to_it_is_told_first_and_without_values_too() -> None:
    told = trace(_fault(ValueError(NIK), KeyError(NAME), RuntimeError(NIK)))
    assert told.index("ValueError") < told.index("KeyError") < told.index("RuntimeError")
    assert NIK not in told and NAME not in told


@pytest.mark.parametrize(
    "error", [StoreError("kiosk.db: the disk is full"), OSError(28, "No space left on device"), AttributeError("no x")]
)
def test_what_speaks_of_the_machine_keeps_its_words(error: Exception) -> None:
    assert str(error) in trace(_fault(error))


def test_a_chain_that_bites_its_tail_ends() -> None:
    first, second = ValueError(NIK), KeyError(NAME)
    first.__cause__, second.__cause__ = second, first
    assert NIK not in trace(first)

"""What dnsmasq's lease file says."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.errors import OperationError
from appliance.network.dnsmasq import LEASE_FILE
from appliance.system.roots import Roots
from captive_portal import leases

TEXT = """\
1790003600 02:DE:5A:00:00:01 10.20.0.50 hp-1 01:02:de:5a:00:00:01
0 02:de:5a:00:00:02 10.20.0.51 * *
1790003600 20-02:de:5a:00:00:03 10.20.0.52 * *
broken line
duid 00:01:00:01:2c:aa:bb:cc:02:de:5a:00:00:01
1790003600 12345678 fd00::5 hp-1 00:01:00:01
"""


def test_addresses_and_whom_they_were_given_to() -> None:
    assert leases.parse(TEXT) == {"10.20.0.50": "02:de:5a:00:00:01", "10.20.0.51": "02:de:5a:00:00:02"}


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    leases.parse(text)


def test_the_file_is_dnsmasqs(tmp_path: Path) -> None:
    roots = Roots.under(tmp_path)
    assert str(leases.path()) == LEASE_FILE
    assert leases.mac_of("10.20.0.50", roots) is None
    leases.path(roots).parent.mkdir(parents=True)
    leases.path(roots).write_text(TEXT)
    assert leases.mac_of("10.20.0.50", roots) == "02:de:5a:00:00:01"
    assert leases.mac_of("10.20.0.9", roots) is None
    leases.path(roots).unlink()
    leases.path(roots).mkdir()
    with pytest.raises(OperationError, match="cannot be read"):
        leases.mac_of("10.20.0.50", roots)


LINES = st.lists(
    st.sampled_from(
        [*TEXT.splitlines(), "0 02:de:5a:00:00:09 10.20.0.9 10.20.0.50 *", "10.20.0.50", "", " 10.20.0.50 "]
    )
)


@given(LINES, st.sampled_from(["10.20.0.50", "10.20.0.51", "10.20.0.5", "0.20.0.50"]), st.booleans())
def test_one_is_found_as_among_all(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], address: str, ends: bool
) -> None:
    roots = Roots.under(tmp_path_factory.mktemp("roots"))
    leases.path(roots).parent.mkdir(parents=True)
    text = "\n".join(lines) + ("\n" if ends else "")
    leases.path(roots).write_text(text)
    assert leases.mac_of(address, roots) == leases.parse(text).get(address)

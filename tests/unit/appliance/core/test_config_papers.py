"""``[printer]`` and ``[signature]``: what is allowed, and what is said of the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.core.config import parse
from appliance.core.errors import ConfigError

MINIMAL = (Path(__file__).parents[3] / "golden/rendered/minimal/hub.toml").read_text(encoding="utf-8")


def test_both_are_left_out_by_default() -> None:
    config = parse(MINIMAL)
    assert config.printer is None and config.signature is None


@pytest.mark.parametrize(
    ("section", "path"),
    [
        ("[printer]\n", "printer.queue"),
        ('[printer]\nqueue = ""\n', "printer.queue"),
        ('[printer]\nqueue = "a/b"\n', "printer.queue"),
        ('[printer]\nqueue = "../x"\n', "printer.queue"),
        ('[printer]\nqueue = "surat"\nticket_queue = "surat"\n', "printer.ticket_queue"),
        ('[printer]\nqueue = "surat"\nticket_columns = 10\n', "printer.ticket_columns"),
        ("[signature]\n", "signature.service"),
        ('[signature]\nservice = "http://esign.example.go.id"\n', "signature.service"),
        ('[signature]\nservice = "https://a:b@esign.example.go.id"\n', "signature.service"),
        ('[signature]\nservice = "https://esign.example.go.id/"\n', "signature.service"),
        ('[signature]\nservice = "https://esign.example.go.id/?x=1"\n', "signature.service"),
        ('[signature]\nservice = "https://esign.example.go.id"\nanswer_seconds = 60\n', "signature.answer_seconds"),
        (
            '[signature]\nservice = "https://esign.example.go.id"\nauthority_file = "ca.pem"\n',
            "signature.authority_file",
        ),
        ('[signature]\nservice = "https://esign.example.go.id"\npassphrase = "x"\n', "signature.passphrase"),
    ],
)
def test_what_is_not_allowed_is_named(section: str, path: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(f"{MINIMAL}\n{section}")
    assert [problem.path for problem in caught.value.problems] == [path]


@pytest.mark.parametrize("service", ["https://esign.example.go.id", "https://10.20.0.5:8443", "https://a.go.id/tte/v1"])
def test_addresses_of_services(service: str) -> None:
    config = parse(f'{MINIMAL}\n[signature]\nservice = "{service}"\n')
    assert config.signature is not None and config.signature.service == service

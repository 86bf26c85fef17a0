"""RFC 8908: what phones' systems are told, and who is told nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.core.config import Config, parse
from appliance.core.errors import GateUnavailable
from appliance.faces import web
from appliance.gate.protocol import UNLIMITED, Admitted, Client, Limits, Quota
from appliance.gate.twin import TwinGate
from appliance.network import nginx
from captive_portal import api

PHONE = Client("10.20.0.7", "02:00:00:00:00:01")
HUB_TOML = Path(__file__).parents[2] / "golden/rendered/https/hub.toml"
HOST = "masuk.sukamaju.desa.id"
BY_TLS = {"X-Real-IP": PHONE.address, "X-Desa-TLS": "yes"}
# RFC 8908 section 5: the type of each key; only the first is required.
KEYS: Mapping[str, type] = {
    "captive": bool, "user-portal-url": str, "venue-info-url": str, "can-extend-session": bool,
    "seconds-remaining": int, "bytes-remaining": int,
}  # fmt: skip


@pytest.fixture
def config() -> Config:
    return parse(HUB_TOML.read_text("utf-8"))


@pytest.fixture
def gate(config: Config) -> TwinGate:
    return TwinGate(config, lambda: 1_000.0)


def portal(config: Config, gate: Any, *, over_unix_socket: bool = True) -> FlaskClient:
    app = Flask("captive_portal", static_folder=None)
    web.install(app, web.Face("Desa Sukamaju", "", "http://x/"), timezone="Asia/Makassar", catalogues=Path("/nowhere"))
    macs = {PHONE.address: PHONE.mac, "10.30.0.9": "02:00:00:00:00:09"}
    api.install(app, config, gate, macs.get, over_unix_socket=over_unix_socket)
    return app.test_client()


@pytest.fixture
def phone(config: Config, gate: TwinGate) -> FlaskClient:
    return portal(config, gate)


def told(phone: FlaskClient, **headers: str) -> dict[str, Any]:
    response = phone.get(
        api.PATH, headers={**BY_TLS, **{name.replace("_", "-"): text for name, text in headers.items()}}
    )
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/captive+json"
    assert response.headers["Cache-Control"] == "no-store"
    found: dict[str, Any] = json.loads(response.data)
    assert_rfc_8908(found)
    return found


def assert_rfc_8908(found: Mapping[str, Any]) -> None:
    assert "captive" in found
    for key, value in found.items():
        kind: type = type(value)
        assert kind is KEYS[key], key
        if key.endswith("-url"):
            assert value.startswith("https://")
        if key.endswith("-remaining"):
            assert value >= 0
            assert not found["captive"], "section 5: left out for captive devices"


def test_the_address_and_the_header_are_those_that_nginx_and_dhcp_know() -> None:
    assert (api.PATH, api.TLS_HEADER) == (nginx.CAPTIVE_API_PATH, nginx.TLS_HEADER)


def test_before_login(phone: FlaskClient) -> None:
    assert told(phone) == {"captive": True, "user-portal-url": f"https://{HOST}/"}


@pytest.mark.parametrize(
    ("limits", "more"),
    [(UNLIMITED, {}), (Limits(quota=Quota(7, 5_000_000)), {"bytes-remaining": 5_000_000})],
)
def test_after_login(phone: FlaskClient, gate: TwinGate, limits: Limits, more: dict[str, int]) -> None:
    gate.admit(PHONE, 3_600, limits)
    assert told(phone) == {
        "captive": False, "user-portal-url": f"https://{HOST}/", "can-extend-session": True, "seconds-remaining": 3_600,
        **more,
    }  # fmt: skip
    gate.revoke(PHONE)
    assert told(phone)["captive"] is True


def test_who_has_used_the_quota_is_captive_again(phone: FlaskClient, gate: TwinGate) -> None:
    gate.admit(PHONE, 3_600, Limits(quota=Quota(7, 0)))
    assert told(phone) == {"captive": True, "user-portal-url": f"https://{HOST}/"}


def test_the_bytes_on_the_wire(phone: FlaskClient) -> None:
    golden = b'{"captive": true, "user-portal-url": "https://masuk.sukamaju.desa.id/"}'
    assert phone.get(api.PATH, headers=BY_TLS).data == golden


def test_an_office_device_is_not_captive(phone: FlaskClient) -> None:
    assert told(phone, X_Real_IP="10.30.0.9") == {"captive": False, "user-portal-url": f"https://{HOST}/"}


@pytest.mark.parametrize(
    "address", ["10.20.0.1", "10.20.15.255", "10.30.0.1", "192.0.2.1", "127.0.0.1", "::1", "", "x" * 999]
)
def test_who_is_in_no_network_is_told_nothing(phone: FlaskClient, address: str) -> None:
    assert phone.get(api.PATH, headers={**BY_TLS, "X-Real-IP": address}).status_code == 404


@pytest.mark.parametrize("word", ["", "no", "Yes", "yes, yes", "1"])
def test_without_tls_there_is_nothing(phone: FlaskClient, word: str) -> None:
    assert phone.get(api.PATH, headers={**BY_TLS, "X-Desa-TLS": word}).status_code == 404
    assert phone.get(api.PATH, headers={"X-Real-IP": PHONE.address, "X-Forwarded-Proto": "https"}).status_code == 404


def test_over_tcp_nobody_is_believed_about_tls(config: Config, gate: TwinGate) -> None:
    client = portal(config, gate, over_unix_socket=False)
    plain = client.get(api.PATH, headers=BY_TLS, environ_base={"REMOTE_ADDR": PHONE.address})
    assert plain.status_code == 404
    secure = client.get(api.PATH, base_url=f"https://{HOST}", environ_base={"REMOTE_ADDR": PHONE.address})
    assert secure.status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
def test_only_get_and_head(phone: FlaskClient, method: str) -> None:
    assert phone.open(api.PATH, method=method, headers=BY_TLS).status_code == 405
    head = phone.head(api.PATH, headers=BY_TLS)
    assert (head.status_code, head.data, head.mimetype) == (200, b"", "application/captive+json")


def test_a_silent_gate_is_said_not_guessed(config: Config) -> None:
    class Silent:
        def admitted(self, client: Client) -> Admitted | None:
            raise GateUnavailable("the gate does not answer")

    response = portal(config, Silent()).get(api.PATH, headers=BY_TLS)
    assert (response.status_code, response.headers["Retry-After"]) == (503, "60")


def test_a_device_that_the_kernel_does_not_see_is_not_guessed_at(phone: FlaskClient) -> None:
    assert phone.get(api.PATH, headers={**BY_TLS, "X-Real-IP": "10.20.0.8"}).status_code == 503


HEADER_TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=200)


@settings(deadline=None)
@given(
    path=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40),
    query=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=200),
    headers=st.dictionaries(
        st.sampled_from(["Accept", "Host", "User-Agent", "Forwarded", "X-Forwarded-For", "Cookie", "Origin", "Range"]),
        HEADER_TEXT,
    ),
    admitted=st.one_of(
        st.none(),
        st.builds(
            Admitted,
            client=st.just(PHONE),
            remaining_seconds=st.integers(0, 2_592_000),
            sent_bytes=st.integers(0, 2**60),
            received_bytes=st.integers(0, 2**60),
            idle_seconds=st.integers(0, 10**6),
            speed=st.just(""),
            quota_left_bytes=st.one_of(st.none(), st.integers(0, 2**50)),
        ),
    ),
)
def test_whatever_is_asked_the_answer_is_rfc_8908_or_an_error_page(
    path: str, query: str, headers: dict[str, str], admitted: Admitted | None
) -> None:
    class Fixed:
        def admitted(self, client: Client) -> Admitted | None:
            assert client == PHONE
            return admitted

    client = portal(parse(HUB_TOML.read_text("utf-8")), Fixed())
    asked = client.get(f"{api.PATH}?{query}", headers={**headers, **BY_TLS})
    assert asked.status_code in (200, 400)
    if asked.status_code == 200:
        found = json.loads(asked.data)
        assert_rfc_8908(found)
        assert found["user-portal-url"] == f"https://{HOST}/", "not what the visitor's Host says"
        assert found["captive"] is (admitted is None or admitted.quota_left_bytes == 0)
    assert client.get(f"{api.PATH}{path}", headers=BY_TLS).status_code < 500

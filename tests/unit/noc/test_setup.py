"""A NOC is made once, enrols only whom it knows, and tells its secrets to nobody."""

from __future__ import annotations

import datetime
import hashlib
import json
import re
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from agent import identity
from appliance.core.errors import OperationError
from noc import broker, cli, enrol

NOW = datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC)


@pytest.fixture
def places(tmp_path: Path) -> list[str]:
    return ["--directory", str(tmp_path / "etc"), "--state", str(tmp_path / "var")]


@pytest.fixture
def noc(tmp_path: Path, places: list[str], capsys: pytest.CaptureFixture[str]) -> Path:
    assert cli.main(["init", "--broker-host", "noc.example.go.id", "192.0.2.7", *places]) == 0
    assert re.search(r"first login: \S{12,}", capsys.readouterr().out)
    assert (
        cli.main(["hub", "add", "--hub-id", "hub-satu", "--name", "Satu", "--kode-wilayah", "51.03.01.2001", *places])
        == 0
    )
    return tmp_path


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_init_twice_changes_nothing_and_tells_no_password(
    noc: Path, places: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = digests(noc / "etc")
    assert cli.main(["init", "--broker-host", "other.example", *places]) == 0
    out = capsys.readouterr().out
    assert "nothing was changed" in out
    assert "password" not in out
    assert digests(noc / "etc") == before


def test_init_brings_up_what_an_earlier_release_wrote_and_leaves_what_is_somebodys_own(
    noc: Path, places: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    acl, conf = noc / "etc/broker/acl", noc / "etc/broker/mosquitto.conf"
    now_acl = acl.read_text()
    old_acl = "".join(line for line in now_acl.splitlines(keepends=True) if "noc-ear" not in line)
    assert old_acl != now_acl
    acl.write_text(old_acl)
    conf.write_text(conf.read_text().replace("listener 8883", "listener 9999 127.0.0.9") + "log_type debug\n")
    assert cli.main(["init", "--broker-host", "localhost", *places]) == 0
    out = capsys.readouterr().out
    assert "acl anew, for this release; what it was is in acl.before" in out
    assert "mosquitto.conf anew" in out
    assert (acl.read_text(), (noc / "etc/broker/acl.before").read_text()) == (now_acl, old_acl)
    assert "listener 9999 127.0.0.9\n" in conf.read_text(), "where it listens is nothing of a release's"
    assert "log_type debug" not in conf.read_text()
    assert "log_type debug" in (noc / "etc/broker/mosquitto.conf.before").read_text()
    assert {oct(each.stat().st_mode & 0o777) for each in acl.parent.glob("acl*")} == {"0o600"}

    assert cli.main(["init", "--broker-host", "localhost", "--port", "8884", "--bind-address", "", *places]) == 0
    assert "listener 8884\n" in conf.read_text()
    own = "# Ours.\n" + old_acl.partition("\n")[2]
    acl.write_text(own)
    capsys.readouterr()
    assert cli.main(["init", "--broker-host", "localhost", *places]) == 0
    assert "nothing was changed" in capsys.readouterr().out
    assert acl.read_text() == own


def test_secrets_are_read_by_their_owner_alone(noc: Path) -> None:
    secret = [
        "etc/authority/ca.key",
        "etc/broker/server.key",
        "etc/enrolment/server.key",
        "etc/ingest/client.key",
        "etc/commands/client.key",
        "var-enrolment/enrolment.db",
        "var/web/session.key",
        "var/web/api.token",
    ]
    assert {name: oct((noc / name).stat().st_mode & 0o777) for name in secret} == dict.fromkeys(secret, "0o600")
    assert (noc / "etc/authority").stat().st_mode & 0o777 == 0o700
    assert (noc / "var/web").stat().st_mode & 0o777 == 0o700


def test_half_an_authority_is_refused_not_replaced(
    noc: Path, places: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (noc / "etc/authority/ca.key").unlink()
    assert cli.main(["init", "--broker-host", "localhost", *places]) == 1
    assert "lock out every hub" in capsys.readouterr().err


def test_enrolment_from_request_to_installed_identity(
    noc: Path, places: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    csr, crt, box = noc / "hub.csr", noc / "hub.crt", noc / "box"
    csr.write_bytes(identity.request(box, "hub-satu"))
    assert (box / "hub.key").stat().st_mode & 0o777 == 0o600
    assert cli.main(["enrol", "sign", str(csr), "--out", str(crt), *places]) == 0
    authority = (noc / "etc/authority/ca.crt").read_bytes()
    identity.install(box, "hub-satu", crt.read_bytes(), authority)
    assert sorted(path.name for path in box.iterdir()) == ["ca.crt", "hub.crt", "hub.key"]
    assert identity.request(box, "hub-satu") != b"", "the key stays"

    with pytest.raises(OperationError, match="this box is hub-dua2"):
        identity.install(box, "hub-dua2", crt.read_bytes(), authority)
    other = noc / "other"
    identity.request(other, "hub-satu")
    with pytest.raises(OperationError, match="another key"):
        identity.install(other, "hub-satu", crt.read_bytes(), authority)
    stranger = enrol.open_authority(noc / "stranger", NOW)
    with pytest.raises(OperationError, match="not signed by this authority"):
        identity.install(box, "hub-satu", crt.read_bytes(), stranger.certificate_pem)
    with pytest.raises(OperationError, match="no certificate in PEM"):
        identity.install(box, "hub-satu", b"?", authority)
    assert sorted(path.name for path in other.iterdir()) == ["hub.key"]
    assert cli.main(["enrol", "sign", str(csr), "--out", str(crt), *places]) == 1, (
        "an old certificate is not overwritten"
    )
    assert "exists" in capsys.readouterr().err


def request_of(name: str, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return (
        x509.CertificateSigningRequestBuilder()
        .subject_name(subject)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )


def test_only_a_known_hub_with_its_own_name_is_signed(tmp_path: Path) -> None:
    authority = enrol.open_authority(tmp_path / "authority", NOW)
    key = ec.generate_private_key(ec.SECP256R1())
    good = request_of("hub-satu", key)

    def sign(pem: bytes, hub_id: str | None = None) -> str:
        return enrol.sign_request(authority, pem, {"hub-satu"}.__contains__, NOW, hub_id)[0]

    assert sign(good) == "hub-satu"
    for pem, hub_id, wrong in (
        (good, "hub-dua2", "not of hub-dua2"),
        (request_of("hub-dua2", key), None, "not in the inventory"),
        (request_of(enrol.INGEST_NAME, key), None, "kept for the NOC"),
        (request_of(enrol.COMMANDS_NAME, key), None, "kept for the NOC"),
        (request_of("noc", key), None, "no hub id"),
        (request_of("+", key), None, "no hub id"),
        (request_of("hub-satu", rsa.generate_private_key(65537, 2048)), None, "not P-256"),
        (good.replace(b"M", b"N", 1), None, "damaged"),
        (b"", None, "damaged"),
    ):
        with pytest.raises(OperationError, match=wrong):
            sign(pem, hub_id)


def test_certificates_say_what_they_are_for(noc: Path) -> None:
    server = x509.load_pem_x509_certificate((noc / "etc/broker/server.crt").read_bytes())
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["noc.example.go.id", "localhost"]
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == ["192.0.2.7"]
    ingest = x509.load_pem_x509_certificate((noc / "etc/ingest/client.crt").read_bytes())
    usage = ingest.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH]


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        (["hub", "add", "--hub-id", "X", "--name", "a", "--kode-wilayah", "51.03.01.2001"], "no hub id"),
        (["hub", "add", "--hub-id", "ingest-2", "--name", "a", "--kode-wilayah", "51.03.01.2001"], "kept for the NOC"),
        (["hub", "claim", "hub-tiga"], "not in the inventory"),
        (["hub", "revoke", "hub-tiga", "--why", "dicuri"], "not in the inventory"),
        (["hub", "revoke", "hub-satu", "--why", ""], "--why"),
        (["enrol", "sign", "/dev/null", "--out", "/nonexistent", "--days", "9999"], "--days"),
        (["hub", "add", "--hub-id", "hub-tiga", "--name", "", "--kode-wilayah", "51.03.01.2001"], "--name"),
        (["hub", "add", "--hub-id", "hub-tiga", "--name", "a", "--kode-wilayah", "51"], "PP.KK.CC.DDDD"),
        (["hub", "add", "--hub-id", "hub-satu", "--name", "a", "--kode-wilayah", "51.03.01.2001"], "already"),
        (["enrol", "sign", "/nonexistent", "--out", "/nonexistent"], "/nonexistent"),
        (["decode", "/etc/hostname"], "does not begin"),
        (["account", "add", "A B"], "allowed are"),
        (["init", "--broker-host", "a host"], "neither a host name"),
    ],
)
def test_wrong_arguments_get_a_sentence(
    noc: Path, places: list[str], capsys: pytest.CaptureFixture[str], arguments: list[str], wrong: str
) -> None:
    if arguments[0] == "init":
        (noc / "etc/broker/server.key").unlink()
        (noc / "etc/broker/server.crt").unlink()
    capsys.readouterr()
    assert cli.main([*arguments, *places]) == 1
    error = capsys.readouterr().err
    assert wrong in error
    assert "Traceback" not in error


def test_decode_prints_json(noc: Path, places: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    from appliance.core.report import State, encode

    (noc / "message").write_bytes(encode(State("ab" * 16, 3, True, "0.1.0", "", 60, 300)))
    capsys.readouterr()
    assert cli.main(["decode", str(noc / "message"), *places]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "type": "state", "boot_id": "ab" * 16, "session": 3, "online": True, "software_version": "0.1.0",
        "configuration_fingerprint": "", "interval_seconds": 60, "batch_seconds": 300,
    }  # fmt: skip


def test_decode_prints_marks_of_letters_and_their_receipt(
    noc: Path, places: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    golden = Path(__file__).parents[2] / "golden/letter_marks"
    said = {}
    for name in ("marks", "receipt"):
        (noc / "message").write_bytes(bytes.fromhex((golden / f"{name}.hex").read_text()))
        capsys.readouterr()
        assert cli.main(["decode", str(noc / "message"), *places]) == 0
        said[name] = json.loads(capsys.readouterr().out)
    assert [each["title"] for each in said["marks"]["letters"]] == ["Surat Keterangan Usaha", "Surat Izin Membawa Sapi"]
    assert said["marks"]["letters"][0]["date"] == "2026-08-17" and len(said["marks"]["letters"][0]["digest"]) == 32
    assert (said["marks"]["type"], said["receipt"]["type"]) == ("marks", "receipt")
    assert said["receipt"]["store_epoch"] == "cd" * 16


def test_the_broker_lets_nobody_choose_a_name() -> None:
    folder = Path("/etc/desahub-noc/broker")
    plan = broker.BrokerPlan(folder, folder / "data", Path("/var/lib/desahub-noc-enrolment/revoked.pem"))
    lines = broker.mosquitto_conf(plan).splitlines()
    for line in (
        "allow_anonymous false",
        "require_certificate true",
        "use_identity_as_username true",
        "use_username_as_clientid true",
        "listener 8883",
        "crlfile /var/lib/desahub-noc-enrolment/revoked.pem",
    ):
        assert line in lines
    lines = broker.acl().splitlines()
    first = lines.index("user ingest-1")
    assert lines[first + 1 : first + 6] == [
        "topic read desahub/1/+/report",
        "topic read desahub/1/+/state",
        "topic read desahub/1/+/letter-marks",
        "topic write desahub/1/+/ack",
        "topic readwrite desahub/1/noc-ear/ingest-1",
    ]
    assert [line for line in lines if line.startswith("user")] == [
        *(f"user ingest-{number}" for number in range(1, 17)),
        "user noc-commands",
    ]
    assert [line for line in lines if "command" in line or line.startswith("pattern")] == [
        "user noc-commands",
        "topic write desahub/1/+/command",
        "topic read desahub/1/+/command-result",
        "pattern write desahub/1/%u/report",
        "pattern write desahub/1/%u/state",
        "pattern write desahub/1/%u/letter-marks",
        "pattern write desahub/1/%u/command-result",
        "pattern read desahub/1/%u/ack",
        "pattern read desahub/1/%u/command",
    ]


def test_the_fleet_book_is_made_for_the_group(noc: Path) -> None:
    book = noc / "var/fleet.db"
    assert book.stat().st_mode & 0o777 == 0o660

"""The signing service in memory, and the real way: kiosk's client, the signer's socket, HTTPS to a stand-in of BSrE."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from appliance.core.errors import (
    CertificateEnded,
    ConfigError,
    OperationError,
    PassphraseWrong,
    SignatureError,
    SignatureRefused,
    SignerAway,
    SignerUnknown,
)
from appliance.papers import signer
from appliance.papers.signer_client import SignerClient
from appliance.papers.signing import PDF_BYTES_MAX, Signer, Standing, is_whole_pdf
from appliance.papers.signing_wire import AskStanding, Sign
from appliance.papers.twin_signer import TwinSigner
from tests.esign_server import CREDENTIALS, Standin, esign_service
from tests.printing import a_pdf, wait_for

NIK, ENDED_NIK, NEW_NIK, UNKNOWN_NIK = "5103010101700001", "5103010101700002", "5103010101700003", "5103010101700009"
PASSPHRASE = "kata sandi Pak Perbekel é"
REPOSITORY = Path(__file__).parents[2]


class Bureau(Protocol):
    signer: Signer

    def away(self) -> None: ...


class TwinBureau:
    def __init__(self) -> None:
        passphrases = {NIK: PASSPHRASE, ENDED_NIK: PASSPHRASE}
        self.twin = TwinSigner(passphrases, ended={ENDED_NIK}, not_yet={NEW_NIK})
        self.signer: Signer = self.twin

    def away(self) -> None:
        self.twin.is_reachable = False


class RealBureau:
    """The signer's server in a thread, as its process runs it, before a service that is really asked over TLS."""

    def __init__(self, folder: Path, standin: Standin, allowed: int | None = None) -> None:
        self.standin, self.socket = standin, folder / "signer.sock"
        standin.passphrases = {NIK: PASSPHRASE, ENDED_NIK: PASSPHRASE}
        standin.ended, standin.not_yet = {ENDED_NIK}, {NEW_NIK}
        section, credentials = folder / "signature.json", folder / "secret"
        section.write_text(
            json.dumps({"service": standin.address, "authority_file": standin.authority_file, "answer_seconds": 3})
        )
        credentials.write_text(f"{CREDENTIALS}\n")
        self.signer: Signer = SignerClient(self.socket, timeout_seconds=8)
        server = signer.server(signer.read_service(section, credentials), os.getuid() if allowed is None else allowed)
        self._loop = asyncio.new_event_loop()
        self._ending = asyncio.Event()

        # The file of a socket is there a moment before anybody listens at it.
        listens = threading.Event()

        async def serve() -> None:
            async with server.listening(self.socket):
                listens.set()
                await self._ending.wait()

        self._thread = threading.Thread(target=self._loop.run_until_complete, args=[serve()])
        self._thread.start()
        wait_for(listens.is_set)

    def away(self) -> None:
        self.standin.fault = "hang_up"

    def end(self) -> None:
        self.standin.let_go.set()
        self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join(20)
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()


@pytest.fixture(params=["twin", "real"])
def bureau(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bureau]:
    if request.param == "twin":
        yield TwinBureau()
        return
    with esign_service(tmp_path) as standin:
        made = RealBureau(tmp_path, standin)
        yield made
        made.end()


@pytest.fixture
def real(tmp_path: Path) -> Iterator[RealBureau]:
    with esign_service(tmp_path) as standin:
        made = RealBureau(tmp_path, standin)
        yield made
        made.end()


def test_a_paper_comes_back_signed(bureau: Bureau) -> None:
    pdf = a_pdf(2)
    signed = bureau.signer.sign(pdf, NIK, PASSPHRASE)
    assert signed.startswith(pdf[:-6]) and is_whole_pdf(signed) and b"/ByteRange" in signed
    state = bureau.signer.state()
    assert state.is_configured and state.is_reachable


@pytest.mark.parametrize(
    ("nik", "passphrase", "error"),
    [
        (NIK, "salah", PassphraseWrong),
        (UNKNOWN_NIK, PASSPHRASE, SignerUnknown),
        (ENDED_NIK, PASSPHRASE, CertificateEnded),
        (NEW_NIK, PASSPHRASE, CertificateEnded),
        ("510301", PASSPHRASE, SignatureRefused),
        ("51030101017০0001", PASSPHRASE, SignatureRefused),
        (NIK, "", SignatureRefused),
        (NIK, "x" * 129, SignatureRefused),
        (NIK, "dua\nbaris", SignatureRefused),
    ],
)
def test_each_refusal_is_its_own(bureau: Bureau, nik: str, passphrase: str, error: type[SignatureError]) -> None:
    with pytest.raises(error) as caught:
        bureau.signer.sign(a_pdf(), nik, passphrase)
    assert type(caught.value) is error
    assert nik not in str(caught.value)
    assert not passphrase or passphrase not in str(caught.value)


@pytest.mark.parametrize("pdf", [b"", b"<html>", b"%PDF-1.4 cut", b"%PDF-" + b"x" * PDF_BYTES_MAX + b"%%EOF"])
def test_what_is_no_paper_is_not_sent(bureau: Bureau, pdf: bytes) -> None:
    with pytest.raises(SignatureRefused):
        bureau.signer.sign(pdf, NIK, PASSPHRASE)


@pytest.mark.parametrize(
    ("nik", "standing"),
    [
        (NIK, Standing.USABLE),
        (UNKNOWN_NIK, Standing.UNKNOWN),
        (ENDED_NIK, Standing.ENDED),
        (NEW_NIK, Standing.NOT_YET),
    ],
)
def test_a_standing_is_told(bureau: Bureau, nik: str, standing: Standing) -> None:
    assert bureau.signer.standing(nik) is standing


def test_without_a_line_the_letter_waits(bureau: Bureau) -> None:
    bureau.away()
    with pytest.raises(SignerAway):
        bureau.signer.sign(a_pdf(), NIK, PASSPHRASE)
    with pytest.raises(SignerAway):
        bureau.signer.standing(NIK)


def test_what_travels_is_what_the_service_asks_for(real: RealBureau) -> None:
    pdf = a_pdf() + bytes(range(256)) + b"\r\n--x\r\n%%EOF\n"
    real.signer.sign(pdf, NIK, PASSPHRASE)
    (form,) = real.standin.fields
    assert form == {
        "nik": NIK.encode(),
        "passphrase": PASSPHRASE.encode(),
        "tampilan": b"invisible",
        "file": pdf,
    }
    assert real.standin.paths == ["/api/sign/pdf"]


def test_a_paper_that_is_to_be_fetched_is_fetched(real: RealBureau) -> None:
    real.standin.fault = "by_id"
    assert b"/ByteRange" in real.signer.sign(a_pdf(), NIK, PASSPHRASE)
    assert real.standin.paths == ["/api/sign/pdf", "/api/sign/download/doc-1"]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("html_500", SignerAway),
        ("html_200", SignerAway),
        ("empty_500", SignerAway),
        ("json_500", SignerAway),
        ("json_list", SignerAway),
        ("silent", SignerAway),
        ("drip", SignerAway),
        ("hang_up", SignerAway),
        ("redirect", SignerAway),
        ("cut", SignerAway),
        ("not_pdf", SignerAway),
        ("unsigned", SignatureRefused),
        ("evil_id", SignatureRefused),
        ("odd_refusal", SignatureRefused),
    ],
)
def test_faults_of_service_and_line_are_told_apart(real: RealBureau, fault: str, error: type[SignatureError]) -> None:
    real.standin.fault = fault
    with pytest.raises(error) as caught:
        real.signer.sign(a_pdf(), NIK, PASSPHRASE)
    assert type(caught.value) is error
    text = str(caught.value)
    assert len(text) < 400 and NIK not in text and PASSPHRASE not in text and "<" not in text


def test_wrong_credentials_of_the_box_are_no_fault_of_the_official(tmp_path: Path) -> None:
    with esign_service(tmp_path) as standin:
        section, credentials = tmp_path / "signature.json", tmp_path / "secret"
        section.write_text(json.dumps({"service": standin.address, "authority_file": standin.authority_file}))
        credentials.write_text("desa:lain")
        service = signer.read_service(section, credentials)
        with pytest.raises(SignatureRefused, match="/etc/desahub/secrets/signature"):
            service.sign(a_pdf(), NIK, PASSPHRASE)


def test_a_certificate_that_nobody_trusts_gets_no_passphrase(tmp_path: Path) -> None:
    with esign_service(tmp_path) as standin:
        section, credentials = tmp_path / "signature.json", tmp_path / "secret"
        section.write_text(json.dumps({"service": standin.address}))
        credentials.write_text(CREDENTIALS)
        with pytest.raises(SignerAway, match="not trusted"):
            signer.read_service(section, credentials).sign(a_pdf(), NIK, PASSPHRASE)
        assert standin.fields == [] and standin.paths == []


def test_no_name_and_no_port(tmp_path: Path) -> None:
    for address in ("https://esign.invalid", "https://127.0.0.1:9"):
        section, credentials = tmp_path / "signature.json", tmp_path / "secret"
        section.write_text(json.dumps({"service": address, "answer_seconds": 3}))
        credentials.write_text(CREDENTIALS)
        with pytest.raises(SignerAway):
            signer.read_service(section, credentials).sign(a_pdf(), NIK, PASSPHRASE)


def test_somebody_else_on_the_box_is_not_heard(tmp_path: Path) -> None:
    with esign_service(tmp_path) as standin:
        bureau = RealBureau(tmp_path, standin, allowed=os.getuid() + 4_711)
        try:
            with pytest.raises(SignerAway):
                bureau.signer.sign(a_pdf(), NIK, PASSPHRASE)
            assert not bureau.signer.state().is_reachable
        finally:
            bureau.end()
        assert standin.paths == []


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"[]\n",
        b'{"ask": "sign"}\n',
        b'{"ask": "sign", "pdf": "?", "nik": "x", "passphrase": "y"}\n',
        b'{"ask": "sign", "pdf": 1, "nik": "x", "passphrase": "y"}\n',
        b'{"ask": "everything"}\n',
        b'{"ask": "ping", "more": ""}\n',
        b"[" * 3_000 + b"\n",
        b"\xff\xfe\n",
    ],
)
def test_nonsense_on_the_socket_is_refused_in_words(real: RealBureau, line: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as asker:
        asker.connect(str(real.socket))
        asker.sendall(line)
        asker.settimeout(10)
        answer = json.loads(asker.makefile("rb").readline())
    assert answer["error"] == "refused" and answer["message"]
    assert real.standin.paths == []


def test_neither_log_nor_repr_holds_what_is_secret(real: RealBureau, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        real.signer.sign(a_pdf(), NIK, PASSPHRASE)
        for nik, passphrase in ((NIK, "salah sekali"), (UNKNOWN_NIK, PASSPHRASE), (ENDED_NIK, PASSPHRASE)):
            with pytest.raises(SignatureError):
                real.signer.sign(a_pdf(), nik, passphrase)
        real.standin.fault = "odd_refusal"
        with pytest.raises(SignatureError):
            real.signer.sign(a_pdf(), NIK, PASSPHRASE)
    assert "a paper was signed" in caplog.text
    for secret in (NIK, UNKNOWN_NIK, ENDED_NIK, PASSPHRASE, "salah sekali", "rahasia kotak"):
        assert secret not in caplog.text
    for message in (Sign(a_pdf(), NIK, PASSPHRASE), AskStanding(NIK)):
        assert NIK not in repr(message) and PASSPHRASE not in repr(message)


@pytest.mark.parametrize("secret", ["", "nur-name", ":ohne-name", "name:", "a:b\nc:d"])
def test_a_secret_of_another_form_stops_it_at_once(tmp_path: Path, secret: str) -> None:
    section, credentials = tmp_path / "signature.json", tmp_path / "secret"
    section.write_text(json.dumps({"service": "https://esign.example"}))
    credentials.write_text(secret)
    with pytest.raises(OperationError, match="NAME:PASSWORD") as caught:
        signer.read_service(section, credentials)
    assert not secret or secret not in str(caught.value)


def test_a_section_of_another_form_stops_it_at_once(tmp_path: Path) -> None:
    section, credentials = tmp_path / "signature.json", tmp_path / "secret"
    credentials.write_text(CREDENTIALS)
    for text in ('{"service": "http://plain.example"}', '{"service": "https://x.example", "hidden": 1}'):
        section.write_text(text)
        with pytest.raises(ConfigError):
            signer.read_service(section, credentials)
    for text in ("", "{"):
        section.write_text(text)
        with pytest.raises(OperationError):
            signer.read_service(section, credentials)


def test_the_process_signs_and_ends_when_told(tmp_path: Path) -> None:
    with esign_service(tmp_path) as standin:
        standin.passphrases = {NIK: PASSPHRASE}
        section, path = tmp_path / "signature.json", tmp_path / "run/signer.sock"
        path.parent.mkdir()
        section.write_text(json.dumps({"service": standin.address, "authority_file": standin.authority_file}))
        (tmp_path / "signature").write_text(CREDENTIALS)
        process = subprocess.Popen(
            [sys.executable, "-m", "appliance.papers.signer", "--section", str(section), "--allow-uid",
             str(os.getuid())],
            env={**os.environ, "CREDENTIALS_DIRECTORY": str(tmp_path), "RUNTIME_DIRECTORY": str(path.parent)},
            cwd=REPOSITORY, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            wait_for(lambda: SignerClient(path).state().is_reachable)
            assert b"/ByteRange" in SignerClient(path).sign(a_pdf(), NIK, PASSPHRASE)
        finally:
            process.terminate()
            _, said = process.communicate(timeout=20)
        assert process.returncode == 0
        assert said == "a paper was signed\n"
        assert not path.exists()

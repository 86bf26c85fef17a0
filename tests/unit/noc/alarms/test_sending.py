"""Messages leave, refusals are told with their reason, and no secret is in any word of it."""

from __future__ import annotations

import logging
import socket
from pathlib import Path

import pytest

from noc.alarms import sending
from noc.alarms.channels import Channel, Email, Security, Telegram, Webhook
from noc.alarms.sending import SendingFailed, send
from noc.alarms.words import Message
from tests.unit.noc.alarms.standins import certificate, mail, web

TOKEN = "123456789:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc"
HELLO = Message(
    "Mulai: Tidak ada kontak, Desa <A> & B", "Mulai, insiden 7\nhub-0001_x*y\n\nhttps://noc.example/insiden/7"
)


def telegram(server: str) -> Telegram:
    return Telegram(name="piket", token=TOKEN, chat="-100123", server=server)


def webhook(url: str) -> Webhook:
    return Webhook(
        name="pusat", url=f"{url}/hook/s3cr3tpath?key=s3cr3tquery", headers=("Authorization: Bearer s3cr3t",)
    )


def refused(channel: Channel) -> str:
    with pytest.raises(SendingFailed) as caught:
        send(channel, HELLO)
    text = str(caught.value)
    assert "\n" not in text
    for secret in (TOKEN, TOKEN.partition(":")[2], "s3cr3t", "r4hasia"):
        assert secret not in text
    return text


def test_telegram_gets_text_as_it_is() -> None:
    with web() as server:
        send(telegram(server.url), HELLO)
    path, _, body = server.asked[0]
    assert path == f"/bot{TOKEN}/sendMessage"
    assert str(body["chat_id"]) == "-100123"
    assert "Desa &lt;A&gt; &amp; B" in body["text"], "it is not markup"
    assert "hub-0001_x*y" in body["text"]
    assert len(server.asked) == 1


def test_a_webhook_gets_json_with_its_headers() -> None:
    with web() as server:
        send(webhook(server.url), HELLO)
    path, headers, body = server.asked[0]
    assert path == "/hook/s3cr3tpath?key=s3cr3tquery"
    assert headers["Authorization"] == "Bearer s3cr3t"
    assert (body["title"], body["message"]) == (HELLO.title, HELLO.body)


def test_mail_arrives_as_plain_text() -> None:
    with mail() as (box, port):
        send(
            Email(name="d", server="127.0.0.1", port=port, security=Security.NONE, sender="noc@a.id", to="p@b.id"),
            HELLO,
        )
    (letter,) = box.letters
    assert letter["Subject"] == HELLO.title
    assert letter["To"] == "p@b.id"
    assert "noc@a.id" in letter["From"]
    assert letter.get_content_type() == "text/plain"
    assert letter.get_content().strip().splitlines() == HELLO.body.splitlines()


@pytest.mark.parametrize(
    ("status", "said", "wrong"),
    [
        (429, "Too Many Requests: retry after 17", "retry after 17"),
        (401, "Unauthorized", "Unauthorized"),
        (400, "Bad Request: chat not found", "chat not found"),
        (500, "", "500"),
    ],
)
def test_telegram_refuses(status: int, said: str, wrong: str) -> None:
    with web() as server:
        server.answer = lambda: (status, {"Retry-After": "17"}, {"ok": False, "description": said})
        assert wrong in refused(telegram(server.url))
        assert len(server.asked) == 1, "who tries again is the outbox"


def test_a_webhook_refuses_or_leads_elsewhere() -> None:
    with web() as server, web() as elsewhere:
        server.answer = lambda: (429, {"Retry-After": "5"}, {})
        assert "429" in refused(webhook(server.url))
        server.answer = lambda: (302, {"Location": elsewhere.url}, {})
        assert "302" in refused(webhook(server.url))
        assert elsewhere.asked == [], "a secret must not follow wherever somebody points"


def test_who_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "READ_SECONDS", 0.3)
    monkeypatch.setattr(sending, "CONNECT_SECONDS", 0.3)
    with web() as server, socket.create_server(("127.0.0.1", 0)) as dumb:
        server.hold.clear()
        assert "timed out" in refused(telegram(server.url)).lower()
        assert "timed out" in refused(webhook(server.url)).lower()
        port = dumb.getsockname()[1]
        silent = Email(name="d", server="127.0.0.1", port=port, security=Security.NONE, sender="a@a.id", to="p@b.id")
        assert "timed out" in refused(silent).lower()


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    assert "refused" in refused(webhook(f"http://127.0.0.1:{port}")).lower()
    email = Email(name="d", server="127.0.0.1", port=port, security=Security.NONE, sender="a@a.id", to="p@b.id")
    assert "refused" in refused(email).lower()


def test_an_unknown_certificate_is_refused(tmp_path: Path) -> None:
    context = certificate(tmp_path)
    with web(context) as server:
        for made in (telegram(f"https://localhost:{server.port}"), webhook(f"https://localhost:{server.port}")):
            assert "certificate" in refused(made).lower()
        assert server.asked == []
    with mail(context, password=b"r4hasia") as (box, port):
        email = Email(
            name="d", server="localhost", port=port, user="u", password="r4hasia", sender="a@a.id", to="p@b.id"
        )
        assert "certificate" in refused(email).lower()
        assert box.letters == []


def test_a_mail_server_refuses() -> None:
    with mail() as (box, port):
        box.refuse = "554 5.7.1 we do not like it"
        email = Email(name="d", server="127.0.0.1", port=port, security=Security.NONE, sender="a@a.id", to="p@b.id")
        assert "554" in refused(email)


def test_no_secret_reaches_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)  # as the watch's log is
    with web() as server:
        server.answer = lambda: (401, {}, {"description": "Unauthorized"})
        refused(telegram(server.url))
        refused(webhook(server.url))
    assert not [each for each in caplog.records if "s3cr3t" in each.getMessage() or TOKEN in each.getMessage()]

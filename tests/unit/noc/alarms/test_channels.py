"""The configuration says all that is wrong in it at once, where, what is allowed, and no secret."""

from __future__ import annotations

import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from appliance.core.errors import ConfigError, OperationError
from noc.alarms import channels, outbox
from noc.alarms.channels import Email, Language, Security, Telegram, Webhook, parse, read, secrets_of
from noc.rules.alert_state import ChannelState, Letter, NewsKind
from noc.rules.groups import Group, GroupKind
from noc.rules.problems import Problem

TOKEN = "123456789:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc"
GOOD = f"""
base_url = "https://noc.example.go.id/"
language = "en"
timezone = "Asia/Jayapura"
[[telegram]]
name = "piket"
token = "{TOKEN}"
chat = "-1001234567890"
areas = ["91", "91.71", "91.71.01"]
only = ["no_contact", "noc_deaf"]
quiet_from = "22:00"
quiet_until = "05:00"
[[email]]
name = "dinas"
server = "smtp.example.go.id"
user = "noc"
password = "r4hasia"
sender = "noc@example.go.id"
to = "piket@example.go.id"
[[webhook]]
name = "pusat"
url = "https://hooks.example.go.id/noc/s3cr3t?k=t0ken"
headers = ["Authorization: Bearer s3cr3t2"]
"""


def test_all_kinds_are_read() -> None:
    found = parse(GOOD)
    telegram, email, webhook = found.channels
    assert isinstance(telegram, Telegram)
    assert isinstance(email, Email)
    assert isinstance(webhook, Webhook)
    assert (found.language, found.zone) == (Language.ENGLISH, ZoneInfo("Asia/Jayapura"))
    assert found.link("insiden/7") == "https://noc.example.go.id/insiden/7"
    assert telegram.only == (Problem.NO_CONTACT, Problem.NOC_DEAF)
    assert (email.security, email.port) == (Security.STARTTLS, 0)
    assert telegram.wants(Problem.NO_CONTACT) and not telegram.wants(Problem.HOT) and email.wants(Problem.HOT)
    assert found.unheard() == ()
    assert set(secrets_of(telegram)) == {TOKEN, TOKEN.partition(":")[2]}
    assert secrets_of(email) == ("r4hasia",)
    assert {"s3cr3t2", "noc/s3cr3t", "k=t0ken"} <= set(secrets_of(webhook))


def wrong(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    for secret in (TOKEN, "r4hasia", "s3cr3t", "t0ken"):
        assert secret not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"22:00"', '"22.00"', "telegram[0].quiet_from: is '22.00', allowed is a time of day such as 22:00"),
        ('quiet_until = "05:00"', "", "telegram[0].quiet_until: is missing, quiet hours have a begin and an end"),
        ('"05:00"', '"22:00"', "telegram[0].quiet_until: is the same as quiet_from"),
        (
            '"91.71.01"',
            '"91.71.01.2001"',
            "telegram[0].areas[2]: is '91.71.01.2001', allowed is the code of a province",
        ),
        ('"no_contact", ', '"offline", ', "telegram[0].only[0]: is 'offline', allowed are noc_deaf, no_contact"),
        (f'"{TOKEN}"', '"s3cr3t"', "telegram[0].token: is no token of a bot (it is not shown here), copy it from"),
        ("-1001234567890", "piket", "telegram[0].chat: is 'piket', allowed is a number"),
        ('name = "dinas"', 'name = "piket"', "name: piket is the name of several channels, give each its own"),
        ('"piket@example.go.id"', '"a@b.id, c@d.id"', "email[0].to: is 'a@b.id, c@d.id', allowed is one address"),
        ('password = "r4hasia"', "", "email[0].user: user and password belong together"),
        ('user = "noc"', 'user = "noc"\nsecurity = "none"', "email[0].security: would send the password unprotected"),
        ("https://hooks", "ftp://hooks", "webhook[0].url: is no web address (it is not shown here)"),
        ("https://hooks", "https://u:s3cr3t@hooks", "webhook[0].url: is no web address"),
        ("Authorization: ", "Authorization ", "webhook[0].headers[0]: is no header line (it is not shown here)"),
        ('base_url = "https://noc.example.go.id/"', "", "base_url: is missing, needed is the address"),
        ('language = "en"', 'langauge = "en"', "langauge: is not a known key, did you mean language?"),
        ("[[email]]", "[[email]", "alarms.toml: is no TOML"),
        ('name = "pusat"', 'name = "Pusat Kota"', "webhook[0].name: is 'Pusat Kota', allowed is 1 to 32 small letters"),
    ],
)
def test_what_is_wrong_is_said_exactly(old: str, new: str, said: str) -> None:
    assert old in GOOD
    assert said in wrong(GOOD.replace(old, new))


def test_everything_wrong_is_said_at_once() -> None:
    text = wrong(GOOD.replace('"22:00"', '"x"').replace('"dinas"', '"D D"').replace("Asia/Jayapura", "Europe/Rome"))
    assert len(text.splitlines()) == 3


def test_quiet_hours_go_over_midnight_in_the_local_time() -> None:
    zone = ZoneInfo("Asia/Jayapura")
    channel = parse(GOOD).channels[0]

    def at(hour: int, minute: int = 0, day: int = 17) -> int:
        return int(datetime.datetime(2026, 8, day, hour, minute, tzinfo=zone).timestamp() * 1000)

    assert channel.quiet_until_ms(at(21, 59), zone) is None
    assert channel.quiet_until_ms(at(22), zone) == at(5, day=18)
    assert channel.quiet_until_ms(at(4, 59), zone) == at(5)
    assert channel.quiet_until_ms(at(5), zone) is None
    day = Webhook(name="a", url="http://a.id", quiet_from="08:00", quiet_until="16:30")
    assert day.quiet_until_ms(at(12), zone) == at(16, 30)
    assert day.quiet_until_ms(at(16, 30), zone) is None
    assert day.quiet_until_ms(at(3), zone) is None


def test_the_file_is_read_with_care(tmp_path: Path) -> None:
    file = tmp_path / "alarms.toml"
    assert read(file).channels == ()
    file.write_text(GOOD)
    file.chmod(0o644)
    with pytest.raises(OperationError, match="everybody on this machine may read the secrets in it; chmod 640"):
        read(file)
    file.chmod(0o640)
    assert len(read(file).channels) == 3
    file.write_bytes(b"\xff")
    with pytest.raises(OperationError, match="is no text in UTF-8"):
        read(file)


def test_the_example_is_a_configuration_as_it_stands_and_once_its_marks_are_gone() -> None:
    assert parse(channels.EXAMPLE).channels == ()
    head, _, rest = channels.EXAMPLE.partition("#\n# base_url")
    lines = [line.removeprefix("# ") for line in f"# base_url{rest}".splitlines() if line != "#"]
    found = parse("\n".join(lines).replace("123456:the-token-of-your-bot", TOKEN).replace("…", "x"))
    assert [each.name for each in found.channels] == ["piket", "dinas", "pusat"]
    assert "docs/operations.md" in head


@pytest.mark.parametrize(("ahead_ms", "is_due"), [(-1, True), (1, False), (900_000, False), (900_001, True)])
def test_a_channel_waits_for_no_time_that_was_noted_at_a_wrong_date(ahead_ms: int, *, is_due: bool) -> None:
    found, now_ms = parse(GOOD), 1_780_020_000_000
    letter = Letter(
        "piket", 1, NewsKind.RAISED, 1, Problem.NO_CONTACT, Group(GroupKind.HUB, "hub-1"), 0, now_ms, is_urgent=True
    )
    state = ChannelState("piket", None, now_ms, 1, now_ms + ahead_ms, "refused")
    assert outbox.due([letter], found, found.channels[0], state, now_ms) is is_due

"""``desahub certificate``: what is kept, what is refused, and when something is applied at all."""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance import cli
from appliance.commands import certificate as command
from appliance.commands import places
from appliance.core.config import Config
from appliance.core.errors import OperationError
from appliance.network import nginx
from appliance.system import certificate
from appliance.system.certificate import Judgement
from appliance.system.roots import Roots
from tests.authority import DAY, Authority

HOST = "masuk.sukamaju.desa.id"
HUB_TOML = Path(__file__).parents[2] / "golden/rendered/https/hub.toml"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    made = Authority(datetime.datetime.now(datetime.UTC))
    made.trust(tmp_path / "etc")
    return made


@pytest.fixture
def applied(monkeypatch: pytest.MonkeyPatch) -> list[Judgement]:
    """What would have been applied on a machine."""
    seen: list[Judgement] = []

    def apply(config: Config, text: str, judgement: Judgement) -> int:
        assert config.portal.host == HOST
        assert text == HUB_TOML.read_text("utf-8")
        seen.append(judgement)
        return 0

    monkeypatch.setattr(command, "apply", apply)
    return seen


@pytest.fixture
def install(tmp_path: Path) -> Callable[[tuple[bytes, bytes]], int]:
    def install(pair: tuple[bytes, bytes]) -> int:
        given = [tmp_path / "given.pem", tmp_path / "given.key"]
        for path, content in zip(given, pair, strict=True):
            path.write_bytes(content)
            path.chmod(0o777)  # as on a memory stick
        chosen = argparse.Namespace(chain=given[0], key=given[1], config=HUB_TOML)
        return command.run_install(chosen, Roots.under(tmp_path))

    return install


def test_a_good_one_is_kept_for_root_alone_and_applied(
    tmp_path: Path, authority: Authority, applied: list[Judgement], install: Callable[[tuple[bytes, bytes]], int]
) -> None:
    chain, key = authority.server(HOST)
    assert install((chain, key)) == 0
    folder = certificate.folder(Roots.under(tmp_path))
    assert (folder / "fullchain.pem").read_bytes() == chain
    assert (folder / "privkey.pem").read_bytes() == key
    assert (folder / "privkey.pem").stat().st_mode & 0o777 == 0o600
    assert [one.is_usable for one in applied] == [True]


def test_a_bad_one_leaves_the_old_one_as_it_was(
    tmp_path: Path, authority: Authority, applied: list[Judgement], install: Callable[[tuple[bytes, bytes]], int]
) -> None:
    assert install(authority.server(HOST)) == 0
    folder = certificate.folder(Roots.under(tmp_path))
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    good = authority.server(HOST)
    for pair, words in (
        (authority.server("lain.desa.id"), "not for masuk.sukamaju.desa.id; nothing was changed"),
        (authority.server(HOST, begins=-2 * DAY, ends=-DAY), "it ended at"),
        (authority.server(HOST, self_signed=True), "does not lead to an authority"),
        ((good[0], authority.server(HOST)[1]), "is not the key"),
        ((b"", b""), "holds no certificate"),
    ):
        with pytest.raises(OperationError, match=words):
            install(pair)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert len(applied) == 1


def test_files_that_are_not_there_are_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    argv = ["certificate", "install", str(tmp_path / "a"), str(tmp_path / "b"), "--config", str(HUB_TOML)]
    assert cli.main(argv) == 1
    assert "there are no such files" in capsys.readouterr().err


def test_refresh_applies_only_what_is_another_now(
    tmp_path: Path,
    authority: Authority,
    applied: list[Judgement],
    monkeypatch: pytest.MonkeyPatch,
    install: Callable[[tuple[bytes, bytes]], int],
) -> None:
    monkeypatch.setattr(places, "APPLIED_TOML", HUB_TOML)
    in_use = tmp_path / "portal.pem"
    monkeypatch.setattr(nginx, "CERTIFICATE", str(in_use))
    roots = Roots.under(tmp_path)

    def refresh() -> list[bool]:
        applied.clear()
        assert command.run_refresh(argparse.Namespace(), roots) == 0
        return [one.is_usable for one in applied]

    assert refresh() == [], "no certificate, and none before"
    install(authority.server(HOST))
    assert refresh() == [True], "the first one"
    in_use.write_text(applied[0].pem)
    assert refresh() == [], "the same one"
    install(authority.server(HOST))
    assert refresh() == [True], "a renewed one"
    in_use.write_text(applied[0].pem)
    for path in certificate.folder(roots).iterdir():
        path.unlink()
    assert refresh() == [False], "it was taken away"
    in_use.unlink()
    assert refresh() == []


def test_refresh_before_anything_was_applied_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(places, "APPLIED_TOML", tmp_path / "hub.toml")
    with pytest.raises(OperationError, match="nothing was applied on this box yet"):
        command.run_refresh(argparse.Namespace(), Roots.under(tmp_path))

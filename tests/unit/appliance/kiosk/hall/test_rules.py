"""Ways back that stay on this host, and sounds that say what they are named after."""

from pathlib import Path

import pytest

from appliance.kiosk.hall import prompts, rules


@pytest.mark.parametrize("path", ["/", "/surat/usaha", "/surat/saya/12"])
def test_a_path_of_ours_is_kept(path: str) -> None:
    assert rules.safe_path(path) == path


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "//a.example",
        "/\\a.example",
        "https://a.example",
        "/a?b=c",
        "/a#b",
        "/a b",
        "/a\n",
        "/\u0430",
        "/" + "a" * 300,
    ],
)
def test_everything_else_leads_to_the_front(text: str) -> None:
    assert rules.safe_path(text) == "/"


def test_a_sound_is_in_the_readers_language_or_in_indonesian(tmp_path: Path) -> None:
    names = {language: prompts.file_name(language, language) for language in ("id", "en")}
    for name in names.values():
        (tmp_path / name).write_bytes(b"")
    assert prompts.found(tmp_path, "en", "en", "id") == names["en"]
    assert prompts.found(tmp_path, "jv", "jv", "id") == names["id"]
    assert prompts.found(tmp_path, "en", "other", "id") == names["id"]
    assert prompts.found(tmp_path, "en", "other", "other") == ""
    assert len(set(names.values())) == 2


def test_who_is_warned_has_time_to_answer() -> None:
    assert 0 < rules.WARN_SECONDS < rules.IDLE_SECONDS

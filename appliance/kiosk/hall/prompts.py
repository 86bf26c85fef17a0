"""Spoken words for people who read little: sound files made ahead of time, one for each text.

``script/prompts`` makes them while the package is built, with Debian's espeak-ng. A file is named after what it says,
so that a text that changed is silent rather than wrong. espeak-ng speaks Indonesian and English; in the other languages
the speaker is heard in Indonesian.

Source: https://github.com/espeak-ng/espeak-ng/blob/master/docs/languages.md
"""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import Final

SPOKEN_LANGUAGES: Final = ("id", "en")
FOLDER: Final = Path("/usr/share/desahub/prompts")


def file_name(language: str, text: str) -> str:
    """The name of the file that says ``text``."""
    return hashlib.sha256(f"{language}\0{text}".encode()).hexdigest()[:20] + ".mp3"


@functools.lru_cache(maxsize=2048)
def is_there(folder: Path, name: str) -> bool:
    """Is there such a file? Asked once: the package brings them all, and a new one restarts the kiosk."""
    return (folder / name).is_file()


def found(folder: Path, language: str, text: str, source_text: str) -> str:
    """The file that speaks a text: in the reader's language where there is a voice, else in Indonesian; "" for none.

    Args:
        folder: where the files are.
        language: the reader's.
        text: in the reader's language.
        source_text: the same in Indonesian.
    """
    if language in SPOKEN_LANGUAGES and is_there(folder, name := file_name(language, text)):
        return name
    name = file_name("id", source_text)
    return name if is_there(folder, name) else ""

"""Speak the kiosk's questions ahead of time: ``python -m script.prompts FOLDER``.

Debian's espeak-ng speaks, lame packs: about 4 kB a second's sentence, which old phones play too. A file is named after
what it says (`appliance.kiosk.hall.prompts`). espeak-ng has voices for Indonesian and English only; the other languages
hear Indonesian.

Source: espeak-ng(1), lame(1).
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from appliance.kiosk.hall import prompts
from appliance.kiosk.letters import kinds
from script import catalogues

REPOSITORY: Final = Path(__file__).resolve().parents[1]
_VOICES: Final = {"id": "id", "en": "en-gb"}
_WORDS_PER_MINUTE: Final = 135  # slower than a newsreader: it is heard in a hall, once
_SPOKEN: Final = re.compile(r'spoken\(_\("([^"]+)"\)\)')


def messages(repository: Path = REPOSITORY) -> list[str]:
    """Everything that a page can say: what templates mark as spoken, states of letters, and the kinds' questions."""
    found = dict.fromkeys(_in_templates(repository))
    for kind in kinds.load_kinds(repository / "appliance/kiosk/letters/kinds").values():
        found |= dict.fromkeys([kind.about, *(field.label for field in kind.fields)])
    return [*found]


def _in_templates(repository: Path) -> Iterator[str]:
    from appliance.kiosk.letters.resident_words import SPOKEN  # noqa: PLC0415 - brings Flask-Babel along

    yield from SPOKEN
    for path in sorted((repository / "appliance/kiosk").rglob("*.html")):
        yield from _SPOKEN.findall(path.read_text("utf-8"))


def texts(repository: Path = REPOSITORY) -> Iterator[tuple[str, str]]:
    """Each sentence with its language: all in Indonesian, and in English those that have words there."""
    english = repository / catalogues.KIOSK / "en" / "LC_MESSAGES" / "messages.po"
    words = catalogues.read(english) if english.exists() else None
    for message in messages(repository):
        yield "id", message
        found = words.get(message) if words is not None else None
        if found is not None and isinstance(found.string, str) and found.string:
            yield "en", found.string


def speak(language: str, text: str, folder: Path) -> None:
    """Make one file. Raises `subprocess.CalledProcessError`."""
    path = folder / prompts.file_name(language, text)
    voice = ["espeak-ng", "-v", _VOICES[language], "-s", str(_WORDS_PER_MINUTE), "--stdout", "--stdin"]
    wave = subprocess.run(voice, input=text.encode(), capture_output=True, check=True, timeout=60).stdout
    pack = ["lame", "--quiet", "-m", "m", "-b", "24", "--resample", "16", "-", str(path)]
    subprocess.run(pack, input=wave, capture_output=True, check=True, timeout=60)


def main(arguments: Sequence[str] | None = None) -> int:
    """Speak everything; returns the exit status."""
    asked = list(sys.argv[1:] if arguments is None else arguments)
    if len(asked) != 1 or asked[0].startswith("-"):
        sys.stderr.write("Usage: python -m script.prompts FOLDER\n")
        return 2
    folder = Path(asked[0])
    folder.mkdir(parents=True, exist_ok=True)
    every = [*texts()]
    with ThreadPoolExecutor(2) as pool:
        for made in [pool.submit(speak, language, text, folder) for language, text in every]:
            made.result()
    size = sum(path.stat().st_size for path in folder.iterdir())
    print(f"{len(every)} spoken prompts, {size // 1000} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())

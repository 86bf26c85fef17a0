"""The stylesheet keeps what it promises: contrast, an old browser, small."""

import re
from pathlib import Path

import pytest

from appliance.faces import web

CSS = (Path(web.__file__).parent / "static" / "tokens.css").read_text("utf-8")
COLOURS = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", CSS))
PAIRS = [
    ("ink", "paper"),
    ("ink", "surface"),
    ("ink-soft", "paper"),
    ("ink-soft", "surface"),
    ("brand", "paper"),
    ("brand", "surface"),
    ("brand-strong", "brand-soft"),
    ("brand", "brand-soft"),
    ("ink", "brand-soft"),
    ("bad", "surface"),
    ("on-brand", "brand"),
    ("good", "good-soft"),
    ("bad", "bad-soft"),
    ("warn", "warn-soft"),
    ("unknown", "unknown-soft"),
]


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(COLOURS[one]), _luminance(COLOURS[other])), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_has_the_contrast_of_wcag_aa(text: str, ground: str) -> None:
    assert _contrast(text, ground) >= 4.5


def test_the_focus_ring_stands_out() -> None:
    assert _contrast("focus", "paper") >= 3 and ":focus {" in CSS


def test_an_old_browser_understands_it() -> None:
    # Chrome 58 lays out without these; what it does not know must not carry the layout.
    for newer in (":has(", "@container", "@layer", ":is(", ":where(", "aspect-ratio", "inset:", "svh"):
        assert newer not in CSS, newer
    assert not re.search(r"(?<!grid-)(?<!-)\bgap:", CSS), "flex has no gap there"


def test_text_is_at_least_18_pixels_and_targets_48() -> None:
    root = re.search(r"html { font-size: ([\d.]+)%", CSS)
    assert root is not None
    pixels = float(root[1]) / 100 * 16
    sizes = [float(size) for size in re.findall(r"font-size: ([\d.]+)rem", CSS)]
    assert min(sizes) * pixels >= 18
    target = re.search(r"--target: ([\d.]+)rem", CSS)
    assert target is not None and float(target[1]) * pixels >= 48


def test_it_is_small_and_fetches_nothing() -> None:
    assert len(CSS.encode()) < 12_000
    assert "url(" not in CSS and "@import" not in CSS

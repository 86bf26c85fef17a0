"""Pages kept for some seconds: one mark never reaches another device, and nothing stale is shown for long."""

from __future__ import annotations

from captive_portal.ready_pages import FRESH_SECONDS, MARK_PLACE, PAGES_MAX, ReadyPages


class _Printer:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> str:
        self.count += 1
        return f"<form>{MARK_PLACE}</form> no. {self.count}"


def test_a_page_is_rendered_once_and_marked_for_each() -> None:
    pages, printer = ReadyPages(), _Printer()
    assert pages.get("id", 20, printer, "aa") == "<form>aa</form> no. 1"
    assert pages.get("id", 21, printer, "bb") == "<form>bb</form> no. 1"
    assert pages.get("en", 21, printer, "aa") == "<form>aa</form> no. 2"


def test_it_is_made_anew_after_a_while() -> None:
    pages, printer = ReadyPages(), _Printer()
    pages.get("id", 0, printer, "aa")
    assert pages.get("id", FRESH_SECONDS, printer, "aa").endswith("no. 2")


def test_keys_without_end_take_no_memory_without_end() -> None:
    pages, printer = ReadyPages(), _Printer()
    for number in range(5 * PAGES_MAX):
        pages.get(number, 0, printer, "aa")
        assert len(pages._pages) <= PAGES_MAX


def test_what_is_stale_is_let_go() -> None:
    pages, printer = ReadyPages(), _Printer()
    for now_seconds in range(0, 100 * FRESH_SECONDS, FRESH_SECONDS):
        pages.get("id", now_seconds, printer, "aa")
        pages.get("en", now_seconds, printer, "aa")
        assert len(pages._pages) <= 2
    assert pages.get("id", now_seconds, printer, "bb").startswith("<form>bb</form>")
    assert printer.count == 200

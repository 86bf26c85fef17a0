"""Forms that count once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from appliance.kiosk.hotspot.store import KEPT_SECONDS, Forms, FormState, Sent, is_token, make_token

NOW = 1_790_000_000


def test_a_form_counts_once(world: Any) -> None:
    forms, token = Forms(world.store), make_token()
    assert forms.begin(token, NOW) == Sent(FormState.NEW)
    assert forms.begin(token, NOW + 1) == Sent(FormState.UNKNOWN)
    forms.finish(token, 7)
    assert forms.begin(token, NOW + 2) == Sent(FormState.DONE, 7)


def test_what_failed_may_be_sent_again(world: Any) -> None:
    forms, token = Forms(world.store), make_token()
    forms.begin(token, NOW)
    forms.forget(token)
    assert forms.begin(token, NOW).state is FormState.NEW


def test_of_ten_presses_one_counts(world: Any) -> None:
    token = make_token()
    with ThreadPoolExecutor(10) as pool:
        states = [sent.state for sent in pool.map(lambda _: Forms(world.store).begin(token, NOW), range(10))]
    assert states.count(FormState.NEW) == 1


def test_old_tokens_go_whichever_way_the_clock_stepped(world: Any) -> None:
    forms = Forms(world.store)
    forms.begin("old", NOW - KEPT_SECONDS - 1)
    forms.begin("ahead", NOW - 10 + 2 * KEPT_SECONDS)
    forms.begin("now", NOW)
    with world.store.reading() as db:
        assert db.rows("SELECT token FROM hotspot_forms") == [{"token": "now"}]


def test_tokens_have_a_form() -> None:
    assert is_token(make_token()) and make_token() != make_token()
    assert not any(is_token(text) for text in ("", "x", "a" * 21, "a" * 23, "é" * 22, make_token() + "\n"))

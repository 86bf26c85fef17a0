"""A channel of the alarms that does not work is seen where incidents are, by those whose matter it is."""

from __future__ import annotations

from noc.rules.alert_state import ChannelState
from tests.unit.noc.seed import NOW_MS
from tests.unit.noc.web.visiting import Visit

FAILING = ChannelState("piket", None, NOW_MS - 3_600_000, 4, NOW_MS, "Failed: <b>503</b>")


def test_a_channel_that_does_not_work_is_seen(operator: Visit) -> None:
    operator.book.put_sent((), FAILING, NOW_MS)
    operator.book.put_sent((), ChannelState("dinas", NOW_MS), NOW_MS)
    page = operator.client.get("/insiden").text
    assert "Pesan alarm lewat piket tidak terkirim" in page
    assert "Failed: &lt;b&gt;503" in page
    assert "dinas" not in page


def test_a_district_does_not_see_the_noc_s_channels(district: Visit) -> None:
    district.book.put_sent((), FAILING, NOW_MS)
    assert "piket" not in district.client.get("/insiden").text

"""Does the hub's own web front answer, as a visitor would ask it?"""

from __future__ import annotations

import requests

ANSWER_TIMEOUT_SECONDS = 3.0


def answers(host: str, address: str = "127.0.0.1") -> bool:
    """Ask nginx on ``address`` for the page of ``host``; redirects and refusals are answers, 5xx is none."""
    try:
        answer = requests.get(
            f"http://{address}/", headers={"Host": host}, timeout=ANSWER_TIMEOUT_SECONDS, allow_redirects=False
        )
    except requests.RequestException:
        return False
    return answer.status_code < 500

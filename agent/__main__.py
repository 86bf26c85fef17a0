"""``python -m agent``: the process of desahub-agent.service. It measures, keeps, and reports when it can."""

from __future__ import annotations

import argparse
import hashlib
import logging
import os
import signal
import sys
import threading
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from agent.boots import BootMark
from agent.collectors import GLANCE_SECONDS, find
from agent.line import LOOK_SECONDS, Event, Line
from agent.link_watch import GATHER_MS, LinkWatch
from agent.messenger import SOCKET_PATH as OPERATOR_SOCKET
from agent.messenger import Messenger
from agent.probes import RealQuestions
from agent.sampler import Sampler
from agent.steady_outbox import SteadyOutbox
from appliance.core import config as schema
from appliance.core import probe_names as names
from appliance.core.errors import DesahubError
from appliance.core.letter_marks import SOCKET_PATH as MARKS_SOCKET
from appliance.gate.client import SOCKET_PATH, GateClient
from appliance.system import probe_names, units
from appliance.system.clock import kernel_clock
from appliance.system.roots import REAL
from appliance.system.uplink_state import boottime_ms
from appliance.unit.config import APPLIED_PATH
from appliance.unit.notify import notify
from appliance.unit.release import software_version

if TYPE_CHECKING:
    from agent.letter_marks import LetterMarks
    from agent.publisher import Publisher

_log = logging.getLogger("agent")
TURN_SECONDS = 5.0
IDENTITY_FILES = ("hub.key", "hub.crt", "ca.crt")


class Agent:
    """The loop: look at the line, sample when it is due, publish what waits, tell systemd that it lives."""

    def __init__(self, config: schema.Config, fingerprint: str, options: argparse.Namespace) -> None:
        self._config, self._fingerprint, self._options = config, fingerprint, options
        self._now = kernel_clock()
        self._wake, self._stopping = threading.Event(), threading.Event()
        self._outbox = SteadyOutbox(options.state / "outbox.db", config.agent.outbox_megabytes * 1_000_000)
        self._line = Line(config, options.runtime / "uplink.json", options.names, RealQuestions(boottime_ms))
        self._mark = BootMark(options.state / "boot", units.ending)
        self._is_new_boot = self._mark.begin(self._now())
        self._sampler = Sampler(
            config,
            self._outbox,
            GateClient(options.gate_socket),
            find(),
            roots=REAL,
            state_directory=options.state,
            line=self._line,
            boot_reason=self._mark.reason,
        )
        self._publisher: Publisher | None = None
        self._links = LinkWatch(self._wake.set)
        self._messenger = Messenger(self._wake.set, options.operator_socket)
        self._said = ""

    def stop(self) -> None:
        """End the loop soon; may be called from a signal handler."""
        self._stopping.set()
        self._wake.set()

    def run(self) -> int:
        """Run until `stop`; 3 when the connection's thread died."""
        # What an agent that was killed left: before the first look nothing is known of the line, and after the last.
        self._lead_nowhere()
        try:
            return self._loop()
        finally:
            self._mark.end()
            self._lead_nowhere()

    def _lead_nowhere(self) -> None:
        try:
            probe_names.lead_nowhere(self._options.names)
        except OSError as error:
            _log.warning("the probes' names may still lead to this box: %s", error)

    def _loop(self) -> int:
        next_sample_ms = next_glance_ms = self._now().boottime_ms
        looked_ms = next_sample_ms - LOOK_SECONDS * 1000
        self._links.start()
        notify("READY=1")
        if self._is_new_boot:
            self._sampler.keep([Event(self._now(), {"event.boot": 1, "boot_reason": int(self._mark.reason)})])
        while not self._stopping.is_set():
            notify("WATCHDOG=1")
            next_look_ms = looked_ms + (GATHER_MS if self._links.has_changed() else LOOK_SECONDS * 1000)
            if self._now().boottime_ms >= next_look_ms:
                self._line.look(self._now(), is_news=self._links.take())
                self._sampler.keep(self._line.take_events())
                # From its end: where nobody answers a look takes seconds.
                looked_ms = self._now().boottime_ms
                next_look_ms = looked_ms + LOOK_SECONDS * 1000
            now = self._now()
            if now.boottime_ms >= next_glance_ms:
                self._sampler.glance(now)
                next_glance_ms = now.boottime_ms + GLANCE_SECONDS * 1000
            if now.boottime_ms >= next_sample_ms:
                self._sampler.sample(now)
                interval_ms = self._config.agent.interval_seconds * 1000
                next_sample_ms = max(next_sample_ms + interval_ms, now.boottime_ms + interval_ms // 2)
            if not self._publish():
                return 3
            due_ms = self._publisher.due_ms() if self._publisher is not None else next_sample_ms
            wait = (min(next_sample_ms, next_look_ms, due_ms) - self._now().boottime_ms) / 1000
            self._wake.wait(min(TURN_SECONDS, max(0.05, wait)))
            self._wake.clear()
        notify("STOPPING=1")
        if self._publisher is not None:
            self._publisher.stop()
        return 0

    def _publish(self) -> bool:
        if self._publisher is None:
            self._publisher = self._begin()
        if self._publisher is None:
            return True
        if not self._publisher.is_alive():
            _log.error("the thread of the connection to the NOC died; leaving so that systemd starts afresh")
            return False
        for result in self._messenger.turn():
            self._publisher.tell(result)
        self._publisher.turn()
        return True

    def _begin(self) -> Publisher | None:
        if self._config.noc is None:
            self._say("no [noc] section: this box reports to nobody; it measures and keeps")
            return None
        missing = [name for name in IDENTITY_FILES if not (self._options.identity / name).exists()]
        if missing:
            self._say(
                f"no identity yet ({', '.join(missing)} missing in {self._options.identity}): measuring and keeping; "
                "make one with desahub enrol request"
            )
            return None
        from agent.publisher import Birth, Publisher, rhythm  # noqa: PLC0415 - 6 MB that a box without a NOC does not need

        try:
            made = Publisher(
                self._config.noc,
                self._options.identity,
                Birth(
                    self._config.hub.id,
                    software_version(),
                    self._fingerprint,
                    self._config.agent.interval_seconds,
                    self._config.agent.batch_seconds,
                ),
                self._outbox,
                rhythm=rhythm(self._config),
                now=self._now,
                wake=self._wake.set,
                urgent=self._outbox.take_urgent,
                carry=self._messenger.take,
                letter_marks=letter_marks(self._config, self._options),
            )
        except OSError as error:
            self._say(f"the identity in {self._options.identity} cannot be used ({error}); install it again")
            return None
        made.start()
        self._line.round_trip = made.round_trip
        return made

    def _say(self, text: str) -> None:
        if text != self._said:
            self._said = text
            _log.info("%s", text)


def letter_marks(config: schema.Config, options: argparse.Namespace) -> LetterMarks | None:
    """What is told of letters, where somebody outside checks them."""
    if not config.letters.verification_host:
        return None
    from agent.letter_marks import LetterMarks, ask_kiosk  # noqa: PLC0415 - with what the NOC alone needs

    place, socket_path = options.state / "letter-marks.json", options.marks_socket
    return LetterMarks(place, lambda cursor: ask_kiosk(cursor, socket_path))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the agent until SIGTERM; 1 when the configuration is wrong."""
    options = _parser().parse_args(arguments)
    options.identity = options.identity or options.state / "identity"
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    try:
        raw = options.config.read_bytes()
        config = schema.parse(raw.decode())
        agent = Agent(config, hashlib.sha256(raw).hexdigest()[:12], options)
    except (DesahubError, OSError, ValueError, tomllib.TOMLDecodeError) as error:
        _log.error("%s: %s", options.config, error)
        return 1
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: agent.stop())
    return agent.run()


def _parser() -> argparse.ArgumentParser:
    state = Path(os.environ.get("STATE_DIRECTORY", "/var/lib/desahub-agent").split(":")[0])
    runtime = Path(os.environ.get("RUNTIME_DIRECTORY", "/run/desahub-agent").split(":")[0])
    parser = argparse.ArgumentParser(prog="python -m agent", description="Measures this box and reports to the NOC.")
    parser.add_argument("--config", type=Path, default=APPLIED_PATH, help="the box's configuration")
    parser.add_argument("--state", type=Path, default=state, help="folder for the outbox")
    parser.add_argument("--runtime", type=Path, default=runtime, help="folder for uplink.json")
    parser.add_argument("--names", type=Path, default=Path(names.DIRECTORY), help="folder of names for dnsmasq")
    parser.add_argument("--identity", type=Path, help="folder with hub.key, hub.crt and ca.crt; STATE/identity")
    parser.add_argument("--gate-socket", type=Path, default=SOCKET_PATH, help="where the gate listens")
    parser.add_argument("--operator-socket", type=Path, default=OPERATOR_SOCKET, help="where the operator listens")
    parser.add_argument("--marks-socket", type=Path, default=MARKS_SOCKET, help="where the kiosk tells of letters")
    return parser


if __name__ == "__main__":
    sys.exit(main())

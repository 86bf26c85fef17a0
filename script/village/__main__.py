"""Entry of script/server: read the options, put a village up, hold it or check it, take it down."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from script.village import outages, plan, village, walk
from script.village.programs import VillageError, wait_until


def main() -> int:
    """Run; the exit status is 0 only when what was asked for happened."""
    options = _options()
    try:
        if options.stop:
            return _stop()
        if options.detach:
            return _detach(options)
        return _hold(options, _tell)
    except (VillageError, OSError) as error:
        print(f"server: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/server", description=__doc__)
    parser.add_argument("--phones", type=_phone_count, default=plan.PHONES_DEFAULT, metavar="N")
    parser.add_argument("--hubs", type=int, choices=(1, 2), default=2)
    parser.add_argument("--detach", action="store_true")
    parser.add_argument("--stop", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--keep-going", action="store_true")
    parser.add_argument("--long", action="store_true")
    options = parser.parse_args()
    if sum((options.detach, options.stop, options.check)) > 1:
        parser.error("choose one of --detach, --stop, --check")
    if options.keep_going and not options.check:
        parser.error("--keep-going goes with --check")
    if options.long and not (options.check and options.hubs == 2):
        parser.error("--long goes with --check, and with two hubs")
    return options


def _phone_count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= plan.PHONES_MAX:
        raise argparse.ArgumentTypeError(f"is {text!r}; allowed is 1 to {plan.PHONES_MAX}")
    return int(text)


def _tell(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def _hold(options: argparse.Namespace, tell: Callable[[str], None]) -> int:
    """Put a village up; check it, or stay until a signal comes; take it down whatever happens."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    with village.alone():
        neighbour = village.Neighbour() if options.hubs == 2 else None
        made = village.Village(plan.phones(options.phones), neighbour=neighbour)
        try:
            made.up(tell)
            if options.check:
                return _check(made, options)
            if not options.detach:
                print(f"{made.page()}\nCtrl-C takes the village down.", flush=True)
            while True:
                signal.pause()
        except KeyboardInterrupt:
            return 0
        finally:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not leave half a village behind
            tell("taking the village down")
            made.down()


def _check(made: village.Village, options: argparse.Namespace) -> int:
    steps = walk.Walk(made).steps()
    trial = None
    if made.neighbour is not None:
        cut_seconds = outages.LONG_CUT_SECONDS if options.long else outages.CUT_SECONDS
        trial = outages.Trial(made, can_cut_power=True, cut_seconds=cut_seconds)
        steps += trial.steps()
    failed = walk.check(steps, keep_going=options.keep_going)
    if trial is not None:
        print(trial.table())
    print("The village holds." if not failed else f"{failed} step(s) failed.", flush=True)
    return 1 if failed else 0


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _stop() -> int:
    pid = village.running_pid()
    if pid is None:
        left = village.leftovers()
        if left:
            with village.alone():
                pass
            print("No village was up; cleared what a killed one had left.")
        else:
            print("No village is up.")
        return 0
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: village.running_pid() is None, "the village to go down", seconds=90, pause_seconds=0.2)
    print("The village is down.")
    return 0


def _detach(options: argparse.Namespace) -> int:
    """Hold the village in a process of its own; return when it is ready, having shown what it said meanwhile."""
    if village.running_pid() is not None:
        raise VillageError("a village is already up. Stop it: sudo script/server --stop")
    log = Path(f"{plan.STATE}.log")
    log.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        _become_daemon(log)
        os._exit(_hold_detached(options))
    shown = 0
    try:
        while True:
            ended, status = os.waitpid(child, os.WNOHANG)
            ready = village.is_ready()
            text = log.read_text(encoding="utf-8") if log.exists() else ""
            print(text[shown:], end="", flush=True)
            shown = len(text)
            if ended:
                return os.waitstatus_to_exitcode(status) or 1
            if ready:
                print(f"{village.attach().page()}\nTake it down: sudo script/server --stop")
                return 0
            time.sleep(0.1)
    except KeyboardInterrupt:
        os.kill(child, signal.SIGTERM)
        raise
    finally:
        log.unlink(missing_ok=True)


def _hold_detached(options: argparse.Namespace) -> int:
    try:
        return _hold(options, _tell)
    except (VillageError, OSError) as error:
        print(f"server: {error}", flush=True)
    except BaseException:  # noqa: BLE001 - a process without a terminal has no other way left to say it
        traceback.print_exc()
    return 1


def _become_daemon(log: Path) -> None:
    os.setsid()
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)


if __name__ == "__main__":
    sys.exit(main())

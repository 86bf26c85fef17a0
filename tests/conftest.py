"""What all tests share: the village, and the rule that in CI no suite may go missing."""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from script import catalogues
from script.village import village as running
from script.village.village import Village
from tests import postgres

REPOSITORY = Path(__file__).resolve().parents[1]
# How long an example takes says something of the machine, not of the code.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")
# In this order, the fast ones first.
SUITES = ("unit", "golden", "contract", "integration", "village", "browser")


@pytest.fixture(scope="session")
def village() -> Iterator[Village]:
    """Bring one village up for all tests that need one, with the command that a developer would use."""
    server = str(REPOSITORY / "script" / "server")
    started = subprocess.run([server, "--detach"], capture_output=True, text=True, timeout=300, check=False)
    assert started.returncode == 0, started.stdout + started.stderr
    try:
        yield running.attach()
    finally:
        stopped = subprocess.run([server, "--stop"], capture_output=True, text=True, timeout=120, check=False)
        assert stopped.returncode == 0, stopped.stdout + stopped.stderr


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[postgres.Cluster]:
    """A PostgreSQL server; each test makes itself a database on it."""
    with postgres.cluster() as made:
        yield made


def pytest_sessionstart() -> None:
    """Compile the catalogues, as set-up does: what is tested is what translators wrote last."""
    catalogues.compile_all()


def _suite(nodeid: str) -> str:
    return nodeid.split("/")[1] if nodeid.startswith("tests/") else ""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the fast suites first, and last what takes the shared village down.

    Where a village comes up before a test, or a test waits for several things in turn, it takes longer to tell a hang
    from a slow machine.
    """
    for item in items:
        if item.get_closest_marker("village") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(300))
    order = {name: position for position, name in enumerate(SUITES)}
    items.sort(
        key=lambda item: (item.get_closest_marker("alone") is not None, order.get(_suite(item.nodeid), len(SUITES)))
    )


MISSING = pytest.StashKey[str]()
_passed: Counter[str] = Counter()
_skipped: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Count what really ran."""
    if report.when == "call" and report.passed:
        _passed[_suite(report.nodeid)] += 1
    if report.skipped:
        _skipped.append(f"{report.nodeid}: {report.longrepr[2] if isinstance(report.longrepr, tuple) else ''}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI each suite that was asked for must have run, and nothing may be skipped."""
    missing = [suite for suite in _asked_for(session.config) if not _passed[suite]]
    if os.environ.get("CI"):
        session.config.stash[MISSING] = ", ".join(missing)
    if os.environ.get("CI") and (missing or _skipped) and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _asked_for(config: pytest.Config) -> list[str]:
    """The suites that are to run as wholes: all of them, or those whose folders are named."""
    if config.option.markexpr or config.option.keyword or config.option.lf:
        return []
    if config.args_source is pytest.Config.ArgsSource.TESTPATHS:
        return list(SUITES)
    named = {(config.invocation_params.dir / argument).resolve() for argument in config.args}
    return [suite for suite in SUITES if REPOSITORY / "tests" / suite in named]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how many tests of each suite ran, and name each skipped one with its reason."""
    terminalreporter.section("suites")
    asked_for = _asked_for(terminalreporter.config)
    for suite in SUITES:
        if _passed[suite] or suite in asked_for:
            terminalreporter.write_line(f"{suite}: {_passed[suite]} ran")
    if terminalreporter.config.stash.get(MISSING, ""):
        terminalreporter.write_line(f"In CI every suite must run; missing: {terminalreporter.config.stash[MISSING]}")
    for line in _skipped:
        terminalreporter.write_line(f"skipped: {line}")
    if os.environ.get("CI") and _skipped:
        terminalreporter.write_line("In CI a skipped test fails the run.")

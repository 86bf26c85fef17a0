"""What CUPS says of a printer and its jobs, judged. Pure.

Source: RFC 8011 sections 5.3.7 (job-state), 5.4.11 (printer-state) and 5.4.12 (printer-state-reasons); backends of CUPS
for how paper out is told: "-error" by ipp, "-warning" by usb, socket and lpd.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from appliance.papers.ipp import Value
from appliance.papers.printing import Condition, Job, JobState, PrinterState

_STOPPED: Final = 5
_SEVERITIES: Final = ("-error", "-warning", "-report")
_PAPER: Final = ("media-empty", "media-needed")
_OFFLINE: Final = ("offline", "connecting-to-device", "shutdown", "timed-out", "paused", "stopping")
_HELP: Final = (
    "media-jam", "door-open", "cover-open", "interlock-open", "marker-supply-empty", "toner-empty",
    "marker-waste-full", "output-area-full", "output-tray-missing", "input-tray-missing", "fuser-over-temp",
)  # fmt: skip
_JOB_STATES: Final = {
    3: JobState.WAITING,
    4: JobState.WAITING,  # held
    5: JobState.PRINTING,
    6: JobState.PRINTING,  # the printer was stopped in the middle
    7: JobState.CANCELLED,
    8: JobState.FAILED,
    9: JobState.FINISHED,
}


def printer(attributes: Mapping[str, Sequence[Value]]) -> PrinterState:
    """How a printer is, from its attributes. Of several troubles the one that a clerk can mend comes first."""
    reasons = [str(reason) for reason in attributes.get("printer-state-reasons", ()) if reason != "none"]
    message = ", ".join([*reasons, *_said(attributes)])
    # A "-report" is news, such as that it is so in one of several trays.
    if any(_bare(reason) in _PAPER and not reason.endswith("-report") for reason in reasons):
        return PrinterState(Condition.PAPER_OUT, message)
    if any(_bare(reason) in _HELP and not reason.endswith("-report") for reason in reasons):
        return PrinterState(Condition.ATTENTION, message)
    is_stopped = attributes.get("printer-state", (_STOPPED,))[0] == _STOPPED
    accepts = attributes.get("printer-is-accepting-jobs", (True,))[0]
    if is_stopped or not accepts or any(_bare(reason) in _OFFLINE for reason in reasons):
        return PrinterState(Condition.OFFLINE, message or "the queue is stopped: cupsenable and cupsaccept")
    if any(reason.endswith("-error") for reason in reasons):
        return PrinterState(Condition.ATTENTION, message)
    return PrinterState(Condition.READY, message)


def _bare(reason: str) -> str:
    for severity in _SEVERITIES:
        reason = reason.removesuffix(severity)
    return reason


def _said(attributes: Mapping[str, Sequence[Value]]) -> list[str]:
    said = str(attributes.get("printer-state-message", ("",))[0])
    return [said] if said else []


def job(attributes: Mapping[str, Sequence[Value]]) -> Job:
    """A job from its attributes."""
    number, state = attributes.get("job-id", (0,))[0], attributes.get("job-state", (0,))[0]
    done = attributes.get("job-media-sheets-completed", (0,))[0]
    return Job(int(number), _JOB_STATES.get(int(state), JobState.GONE), int(done))

"""Do one errand at one site, through the site's remote (SPEC S9, S10, Y6, Y8, Y9; decision 0011)."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog

from booking.rules.sites import Errand
from booking.values.slot import Slot
from outside.errors import SiteMissing, SiteRefused, SiteUnchanged
from outside.ycbm_values import RemoteBooking as Standing
from sync.remotes.protocol import WriteOutcome, Written
from sync.remotes.ycbm import CONFLICT, NOT_FOUND, YcbmRemote
from sync.remotes.ycbm_items import block_body

log = structlog.get_logger(__name__)

BLOCK_TITLE = "Belegt"
OURS = frozenset({Errand.MOVE_BLOCK, Errand.UNBLOCK})


@dataclass(frozen=True, slots=True)
class Task:
    """One errand at one site. `row_id` is what stands there for the booking, as far as we know; `uid` is what a block
    that this errand writes is named by.
    """

    connection_id: int
    site: str
    errand: Errand
    booking_id: int
    slot: Slot
    zone: ZoneInfo
    profile_id: str
    row_id: int | None
    remote_id: str
    undecided: bool
    uid: str

    @property
    def known(self) -> frozenset[str]:
        """What we know there as our own."""
        return frozenset({self.remote_id}) if self.errand in OURS else frozenset()


def carry_out(remote: YcbmRemote, task: Task, now: datetime) -> Standing | None:
    """Do one errand; what stands there afterwards. An earlier try may have come through unnoticed: what is done already
    is done. Raises OutsideError.
    """
    match task.errand:
        case Errand.CANCEL:
            return _cancel(remote, task)
        case Errand.ACCEPT:
            return remote.accept(task.remote_id)
        case Errand.RESCHEDULE | Errand.MOVE_BLOCK:
            return _standing(remote, remote.update(task.remote_id, _body(task, now), None))
        case Errand.BLOCK:
            return _block(remote, task, now)
        case Errand.UNBLOCK:
            remote.delete(task.remote_id, None)
            return None


def _block(remote: YcbmRemote, task: Task, now: datetime) -> Standing:
    written = remote.create(remote.href_for(task.uid), _body(task, now))
    if written.outcome is WriteOutcome.CLASHED and written.href is not None:
        written = Written(WriteOutcome.DONE, written.etag, written.href)  # our own, of an earlier try
    return _standing(remote, written)


def _standing(remote: YcbmRemote, written: Written) -> Standing:
    """What stands there now, wherever that lies: the site names it. Raises SiteRefused where the time is taken,
    SiteMissing where nothing is there any more.
    """
    if written.outcome is WriteOutcome.CLASHED:
        raise SiteRefused(remote.where, CONFLICT)
    standing = remote.told(written.href or "")
    if written.outcome is WriteOutcome.GONE or standing is None:
        raise SiteMissing(remote.where, NOT_FOUND)
    return standing


def _cancel(remote: YcbmRemote, task: Task) -> Standing | None:
    """Reject where the page is tentative, then cancel. What is gone there already is cancelled."""
    try:
        if task.undecided:
            _reject(remote, task)
    except SiteMissing:
        return None
    written = remote.delete(task.remote_id, None)
    return remote.told(written.href or task.remote_id)


def _reject(remote: YcbmRemote, task: Task) -> None:
    """The tentative state is a courtesy (SPEC Y9); the cancel is what counts."""
    try:
        remote.reject(task.remote_id)
    except (SiteRefused, SiteUnchanged) as error:
        log.warning("the tentative state stayed", error=type(error).__name__)


def _body(task: Task, now: datetime) -> bytes:
    return block_body(task.uid, task.slot, task.zone, BLOCK_TITLE, now)

"""Named points at which a test may kill the process (SPEC X4). Without `PLATZWART_FAULT` they cost one comparison.

`PLATZWART_FAULT=outbox.done:3` ends the process by SIGKILL when it comes to that point for the third time.
"""

import os
import signal

_NAME, _, _COUNT = os.environ.get("PLATZWART_FAULT", "").partition(":")
_passed = 0


def fault(name: str) -> None:
    global _passed  # noqa: PLW0603 - counts how often this process came by
    if name != _NAME:
        return
    _passed += 1
    if _passed >= int(_COUNT or 1):
        os.kill(os.getpid(), signal.SIGKILL)

"""A WSGI application in the place of `web.wsgi`, slow to import, with a slow page, for tests of the supervision."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

time.sleep(float(os.environ.get("STANDIN_IMPORT_SECONDS", "0")))
if "STANDIN_DEAF" in os.environ:
    # A worker whose main thread slept through its SIGTERM: the signal goes to another thread, and only Python's own
    # handler, which runs in the main thread, would end the worker. No wait of the main thread is interrupted.
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    path = environ["PATH_INFO"]
    if path.startswith("/slow/"):
        time.sleep(float(path.removeprefix("/slow/")))
    start_response("200 OK", [("Content-Type", "text/plain")])
    if path == "/given":
        return ["\n".join(sorted(environ)).encode()]
    return [str(os.getpid()).encode()]

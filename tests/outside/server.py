"""A listener on loopback that answers with whatever bytes a test wants, and counts who came."""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

Script = Callable[[socket.socket, bytes], None]
PACE = 0.02


@dataclass
class Listener:
    port: int
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)

    @property
    def netloc(self) -> str:
        return f"127.0.0.1:{self.port}"


def answer(body: bytes = b"", *headers: str, status: str = "200 OK") -> Script:
    """An ordinary answer with its length."""

    def script(peer: socket.socket, _request: bytes) -> None:
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
        peer.sendall("\r\n".join(lines).encode() + body)

    return script


def steadily(body: bytes, seconds: float) -> Script:
    """An ordinary answer that takes so long, with hardly a pause between its bytes."""

    def script(peer: socket.socket, _request: bytes) -> None:
        peer.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        size = max(1, int(len(body) * PACE / seconds))
        for start in range(0, len(body), size):
            time.sleep(PACE)
            peer.sendall(body[start : start + size])

    return script


def dripping(head: bytes, drop: bytes) -> Script:
    """A drop now and then, for longer than any test waits."""

    def script(peer: socket.socket, _request: bytes) -> None:
        peer.sendall(head)
        for _ in range(100):
            peer.sendall(drop)
            time.sleep(0.05)

    return script


def endless(head: bytes, piece: bytes) -> Script:
    def script(peer: socket.socket, _request: bytes) -> None:
        peer.sendall(head)
        while True:
            peer.sendall(piece)

    return script


def by_path(**scripts: Script) -> Script:
    """Choose by the first part of the path."""

    def script(peer: socket.socket, request: bytes) -> None:
        name = request.split(b" ", 2)[1].split(b"?")[0].strip(b"/").decode() or "root"
        scripts[name](peer, request)

    return script


def _read_request(peer: socket.socket) -> bytes:
    request = b""
    while b"\r\n\r\n" not in request:
        more = peer.recv(65_536)
        if not more:
            return request
        request += more
    head, _, body = request.partition(b"\r\n\r\n")
    wanted = next((int(v) for n, _, v in (h.partition(b":") for h in head.split(b"\r\n")) if n == b"Content-Length"), 0)
    while len(body) < wanted:
        body += peer.recv(65_536)
    return head + b"\r\n\r\n" + body


@contextmanager
def listening(script: Script, tls: ssl.SSLContext | None = None) -> Iterator[Listener]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        listener = Listener(server.getsockname()[1])
        stop = threading.Event()

        def talk(peer: socket.socket) -> None:
            with contextlib.suppress(OSError), peer:
                peer.settimeout(10)
                with tls.wrap_socket(peer, server_side=True) if tls else peer as link:
                    request = _read_request(link)
                    listener.requests.append(request)
                    script(link, request)

        def serve() -> None:
            while not stop.is_set():
                try:
                    peer, _ = server.accept()
                except TimeoutError:
                    continue
                listener.connections += 1
                threads.append(threading.Thread(target=talk, args=(peer,), daemon=True))
                threads[-1].start()

        threads: list[threading.Thread] = []
        acceptor = threading.Thread(target=serve, daemon=True)
        acceptor.start()
        try:
            yield listener
        finally:
            stop.set()
            acceptor.join(5)
            for thread in threads:
                thread.join(5)

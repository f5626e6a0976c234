"""A web server on this computer that gives one file, well or badly."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BLOCK = 1 << 16


class FileServer(ThreadingHTTPServer):
    """Serves `content` under any path.

    Attributes:
        content: the file.
        cuts: after how many bytes each of the next answers breaks off.
        claims: how long an answer says that it is, if not as long as it is.
        redirect: where to send everybody, if anywhere.
        knows_ranges: whether a part of the file can be asked for.
        asked: the `Range` of each request, "" for none.
    """

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content = content
        self.cuts: list[int] = []
        self.claims: int | None = None
        self.redirect = ""
        self.knows_ranges = True
        self.asked: list[str] = []

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what some tests are about."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/weights.pth"


class _Handler(BaseHTTPRequestHandler):
    server: FileServer

    def do_GET(self) -> None:
        server = self.server
        wanted = self.headers.get("Range", "")
        server.asked.append(wanted)
        if server.redirect:
            self.send_response(302)
            self.send_header("Location", server.redirect)
            self.end_headers()
            return
        first = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and server.knows_ranges else 0
        if first and first >= len(server.content):
            self.send_error(416)
            return
        part = server.content[first:]
        self.send_response(206 if first else 200)
        self.send_header("Content-Length", str(len(part) if server.claims is None else server.claims))
        self.end_headers()
        self.wfile.write(part[: server.cuts.pop(0)] if server.cuts else part)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving(content: bytes) -> Iterator[FileServer]:
    """The server while the block runs."""
    server = FileServer(content)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

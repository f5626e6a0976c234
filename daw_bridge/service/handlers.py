"""What each OSC address does: check, enqueue, answer. Whatever blocks goes to a thread."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import BadArguments, DawBridgeError, Internal, QueueFull, RateLimited
from ..job import Job
from .accepting import Accepting
from .admission import admitted
from .audience import TTL_SECONDS, Audience
from .board import Board
from .buttons import Buttons
from .desk import Desk
from .events import latest, preview
from .intake import Ask, ask_from_pairs
from .osc import NOBODY, Peer
from .packets import Message, Value
from .pausing import Pausing
from .table import PREFIX, PROTOCOL, arguments, find
from .threads import OneThread
from .tickets import ask_from_ticket, read_ticket
from .tree import tree

NAME = "daw-bridge"
MAX_WAITING = 2000  # as many as come in a second at most
MAX_QUEUED_A_PEER = 50
MAX_LISTED = 50

log = logging.getLogger(__name__)


class Handlers:
    """One method for each row of the table, named as there.

    Args:
        audience, board, desk: whom to answer, what is known, what blocks.
        accepting: takes what is asked.
        run: for everything else of the desk.
        why: what became of a dropped file.
        retry: renders a job again.
        pausing: the switch for rendering.
        token: what every message must begin with; empty where the service listens to this computer alone.
    """

    def __init__(
        self,
        audience: Audience,
        board: Board,
        desk: Desk,
        accepting: Accepting,
        run: OneThread,
        why: Callable[[str], Awaitable[str]],
        retry: Callable[[str], Awaitable[Job]],
        pausing: Pausing,
        token: str = "",
    ) -> None:
        self._audience = audience
        self._board = board
        self._desk = desk
        self._accepting = accepting
        self._run = run
        self._why = why
        self._retry = retry
        self._pausing = pausing
        self._token = token
        self._buttons = Buttons()
        self._tasks: set[asyncio.Task[None]] = set()
        self._asking: Counter[Peer] = Counter()
        self._in_hand: set[tuple[Peer, str]] = set()
        self.on_accepted: Callable[[], None] = lambda: None  # there is nothing to hasten before the loops run
        self.on_knock: Callable[[], None] = lambda: None

    def dispatch(self, message: Message, peer: Peer) -> None:
        """Answer one message; errors of ours become /error, and end here."""
        try:
            if self._token and peer != NOBODY:  # a slip is a file of the user's own, who could read the token, too
                message = admitted(message, self._token)
            row, word = find(message.address)
            answer = getattr(self, row.method)(peer, word, *arguments(row, message))
            if inspect.iscoroutine(answer):
                self._start(answer, peer, message.address)
        except DawBridgeError as error:
            self._audience.refuse(peer, message.address, error)
        except Exception:
            log.exception("%s failed", message.address)
            self._audience.refuse(peer, message.address, Internal("this message met a defect", "The log says more."))

    def _start(self, answer: Coroutine[Any, Any, None], peer: Peer, address: str) -> None:
        if len(self._tasks) >= MAX_WAITING:
            answer.close()
            raise RateLimited(f"{MAX_WAITING} messages are being worked on", "Ask again in a moment.")
        task = asyncio.get_running_loop().create_task(self._guarded(answer, peer, address))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, answer: Awaitable[None], peer: Peer, address: str) -> None:
        try:
            await answer
        except DawBridgeError as error:
            self._audience.refuse(peer, address, error)
        except Exception:
            log.exception("%s failed", address)
            self._audience.refuse(peer, address, Internal("this message met a defect", "The log says more."))

    def limited(self, peer: Peer) -> None:
        """Tell a peer that it sends too much."""
        self._audience.refuse(peer, PREFIX, RateLimited("more messages a second than are taken from one peer", "Send fewer."))

    async def describe(self) -> dict[str, Any]:
        """The addresses as OSCQuery's tree, with the parameters as they are set."""
        return tree(self._buttons.parameters(), await self._run(self._buttons.preset_titles))

    async def close(self) -> None:
        """Let go of what is still being worked on."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def ping(self, peer: Peer, _: str, token: Value) -> None:
        self._audience.reply(peer, "/pong", str(token or ""), __version__, PROTOCOL)

    def version(self, peer: Peer, _: str) -> None:
        self._audience.reply(peer, "/version/info", NAME, __version__, PROTOCOL)

    def status(self, peer: Peer, _: str) -> None:
        if self._board.why():
            self._audience.reply(peer, "/status/why", self._board.why())
        self._audience.reply(peer, "/status/info", *self._board.status())

    async def presets(self, peer: Peer, _: str) -> None:
        rows = await self._run(self._buttons.preset_titles)
        for index, (preset_id, title) in enumerate(rows, 1):
            self._audience.reply(peer, "/preset/info", index, len(rows), preset_id, title)
        self._audience.reply(peer, "/presets/end", len(rows))

    def params(self, peer: Peer, _: str) -> None:
        rows = self._buttons.parameters()
        for row in rows:
            self._audience.reply(peer, "/param/info", row.name, row.value, row.low, row.high, row.unit)
        self._audience.reply(peer, "/params/end", len(rows))

    def subscribe(self, peer: Peer, _: str, port: Value) -> None:
        target = self._audience.subscribe(peer, _port(port))
        self._audience.reply(peer, "/subscribed", target[1], TTL_SECONDS)
        for what in ("preset", "content", "style"):  # a widget that joins late shows what is set
            self._audience.greet(target, f"/ui/{what}", getattr(self._buttons, what))
        self._board.greet(target)

    def unsubscribe(self, peer: Peer, _: str, port: Value) -> None:
        target = self._audience.unsubscribe(peer, _port(port))
        self._audience.reply(peer, "/subscribed", target[1], 0)

    def remix(self, peer: Peer, _: str, content: str, style: str, preset: str, *rest: Value) -> Awaitable[None] | None:
        return self._ask(peer, ask_from_pairs(content, style, preset, rest))

    def remix_json(self, peer: Peer, _: str, text: str) -> Awaitable[None] | None:
        table = read_ticket(text)
        if "register" in table:
            raise BadArguments("a project cannot be added over OSC", "Use daw-bridge serve PROJECT.")
        return self._ask(peer, ask_from_ticket(table, "osc"))

    def _ask(self, peer: Peer, ask: Ask) -> Coroutine[Any, Any, None] | None:
        asked = (peer, ask.reqid or repr(ask))
        if asked in self._in_hand:
            return None  # sent again before it was answered: the answer to the first is on its way
        if self._board.n_asked_by(peer) + self._asking[peer] >= MAX_QUEUED_A_PEER:
            raise QueueFull(f"{MAX_QUEUED_A_PEER} jobs of this peer are waiting already", "Wait for some, or use a hot folder.")
        if len(self._tasks) >= MAX_WAITING:
            raise RateLimited(f"{MAX_WAITING} messages are being worked on", "Ask again in a moment.")
        self._asking[peer] += 1
        self._in_hand.add(asked)
        return self._submit(peer, ask, asked)

    async def _submit(self, peer: Peer, ask: Ask, asked: tuple[Peer, str]) -> None:
        try:
            job, is_new = await self._accepting.submit(ask)
        finally:
            self._in_hand.discard(asked)
            self._asking[peer] -= 1
            if not self._asking[peer]:
                del self._asking[peer]
        self._board.accepted(job, is_new, peer)
        self.on_accepted()

    async def job(self, peer: Peer, _: str, job_id: str) -> None:
        job = await self._run(self._desk.job, job_id)
        for event in (*([preview(job)] if job.preview and not job.is_final else []), latest(job)):
            self._audience.tell(peer, event.address, *event.arguments)

    async def jobs(self, peer: Peer, _: str) -> None:
        found = await self._run(self._desk.jobs, MAX_LISTED)
        for job in found:
            self._audience.reply(peer, "/job/info", job.id, job.state, job.fraction, Path(job.request.content.path).name)
            if job.preview and not job.is_final:
                self._audience.tell(peer, "/preview", *preview(job).arguments)
            if job.away:
                self._audience.reply(peer, "/job/away", job.id, job.away)
        self._audience.reply(peer, "/jobs/end", len(found))

    async def cancel(self, peer: Peer, _: str, job: Value) -> None:
        if isinstance(job, str) or fires(job):
            cancelled = await self._run(self._desk.cancel, job if isinstance(job, str) else "")
            self._board.follow(cancelled.id, peer)

    async def cancel_all(self, peer: Peer, _: str, trigger: Value) -> None:
        if fires(trigger):
            for job in await self._run(self._desk.cancel_all):
                self._board.follow(job.id, peer)
            self.status(peer, _)  # also where there was nothing to cancel

    def content(self, peer: Peer, _: str, path: str) -> None:
        self._buttons.content = path
        self._audience.reply(peer, "/content", path)
        self._audience.publish("/ui/content", path)

    def style(self, peer: Peer, _: str, path: str) -> None:
        self._buttons.style = path
        self._audience.reply(peer, "/style", path)
        self._audience.publish("/ui/style", path)

    async def preset(self, peer: Peer, _: str, preset: Value) -> None:
        self._buttons.preset = await self._run(self._buttons.preset_named, preset)
        self._audience.reply(peer, "/preset", self._buttons.preset)
        self._audience.publish("/ui/preset", self._buttons.preset)

    def param(self, peer: Peer, name: str, position: Value) -> None:
        self._audience.reply(peer, "/param/<name>", self._buttons.set_parameter(name, position), word=name)

    def go(self, peer: Peer, _: str, trigger: Value) -> Awaitable[None] | None:
        return self._ask(peer, self._buttons.ask()) if fires(trigger) else None

    async def preset_go(self, peer: Peer, word: str, trigger: Value) -> None:
        if fires(trigger):
            preset = await self._run(self._buttons.preset_named, int(word) if word.isdigit() else word)
            asking = self._ask(peer, dataclasses.replace(self._buttons.ask(), preset=preset))
            if asking is not None:
                await asking

    async def retry(self, peer: Peer, _: str, job_id: str) -> None:
        self._board.accepted(await self._retry(job_id), True, peer)

    async def pause(self, peer: Peer, _: str, trigger: Value) -> None:
        if fires(trigger):
            await self._pausing.pause()
            self.status(peer, _)

    async def resume(self, peer: Peer, _: str, trigger: Value) -> None:
        if fires(trigger):
            await self._pausing.resume()
            self.status(peer, _)

    async def transport(self, peer: Peer, _: str, is_recording: Value) -> None:
        await self._pausing.recording(peer, fires(is_recording))
        self._audience.tell(peer, "/status/info", *self._board.status())

    def knock(self, peer: Peer, _: str, trigger: Value) -> None:
        if fires(trigger):
            self.on_knock()
            self.status(peer, _)

    async def why(self, peer: Peer, _: str, path: str) -> None:
        self._audience.reply(peer, "/why", path, await self._why(path))


def fires(trigger: Value) -> bool:
    """Whether a button was pressed; a value below a half is its release."""
    return trigger is None or (isinstance(trigger, (int, float)) and trigger >= 0.5)


def _port(value: Value) -> int:
    return int(value) if isinstance(value, (int, float)) else 0

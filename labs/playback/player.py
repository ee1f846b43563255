"""The solution of a session's lab, played step by step: typed, then checked. Where it stands is a row."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, replace
from itertools import count

from channels.db import database_sync_to_async

from labs import idling, sessions
from labs.engine import get_driver
from labs.lifecycle import State
from labs.models import CheckRequest, Lab, LabSession, LabStep, Playback
from labs.playback.splitting import commands
from labs.playback.typist import COMMAND_WAIT_S, PACES, NotPlayable, Typist
from labs.refusals import NotPossibleNow, NotReady, TooOften

HOLD_S = COMMAND_WAIT_S + 120
CHECK_WAIT_S = 180
LOOK_S = 0.3


@dataclass(frozen=True)
class Command:
    """One command of the solution, and where it stands among those of its step."""

    step: str
    node: str
    text: str
    number: int
    of: int


@dataclass(frozen=True)
class Standing:
    """How the playback stands, without a word of the solution."""

    state: str
    step: str = ""
    node: str = ""
    command: int = 0
    commands: int = 0
    problem: str = ""

    def as_frame(self) -> dict[str, object]:
        return {"type": "playback", **asdict(self)}


Tell = Callable[[Standing], Awaitable[None]]


def score(lab: Lab) -> list[Command]:
    """The commands of the lab's solution in the order to type them."""
    found: list[Command] = []
    for step in lab.steps.order_by("sort_order"):
        scripts = sorted(
            (node, text)
            for key, text in lab.solutions.items()
            for of_step, _dot, node in [key.rpartition(".")]
            if of_step == step.key
        )
        lines = [(node, line) for node, text in scripts for line in commands(text)]
        found += [
            Command(step.key, node, line, number, len(lines))
            for number, (node, line) in enumerate(lines, start=1)
        ]
    return found


class Player:
    """Plays one session's solution, one step or all that are left; one player at a time per session."""

    def __init__(self, session: LabSession, playback: Playback, lines: list[Command], tell: Tell) -> None:
        self.session = session
        self.playback = playback
        self.lines = lines
        self.tell = tell
        self.pace = PACES["normal"]
        self.is_pausing = False

    @classmethod
    def of(cls, session: LabSession, tell: Tell) -> "Player":
        playback, _new = Playback.objects.get_or_create(session=session)
        return cls(session, playback, score(session.lab), tell)

    @property
    def following(self) -> Command | None:
        """The command to type next."""
        at = self.playback.position
        return self.lines[at] if at < len(self.lines) else None

    def standing(self, state: str, problem: str = "") -> Standing:
        """How it stands before the next command."""
        command = self.following
        if command is None:
            return Standing("done" if state == "ready" else state, problem=problem)
        return Standing(state, command.step, command.node, command.number - 1, command.of, problem)

    async def play(self, *, to_the_end: bool) -> None:
        """The step that is due, or every one that is left, was played and checked; says what went wrong, if it did."""
        self.is_pausing = False
        if not await database_sync_to_async(self.playback.hold)(HOLD_S):
            await self.tell(self.standing("problem", "held"))
            return
        try:
            while (command := self.following) is not None:
                if not await self._step(command.step) or self.is_pausing or not to_the_end:
                    break
            else:
                await self.tell(self.standing("ready"))
                return
        except NotPlayable as problem:
            await self.tell(self.standing("problem", problem.code))
        finally:
            await asyncio.shield(database_sync_to_async(self.playback.let_go)())

    async def _step(self, step: str) -> bool:
        """Whether all of the step was typed and its checks pass."""
        async with AsyncExitStack() as stack:
            typist: Typist | None = None
            while (command := self.following) is not None and command.step == step:
                if self.is_pausing:
                    await self.tell(self.standing("ready"))
                    return False
                if typist is None or typist.place.node != command.node:
                    await self.tell(self.standing("typing"))
                    typist = await stack.enter_async_context(await self._sit_down(command.node))
                await self._command(typist, command)
        return await self._check(step)

    async def _sit_down(self, node: str) -> Typist:
        return Typist(get_driver(), await database_sync_to_async(self._machines)(), node)

    def _machines(self) -> str:
        """Where to type; frozen machines are woken, to be asked again. Raises NotPlayable."""
        try:
            sandbox = sessions.restable(LabSession.objects.get(pk=self.session.pk))
        except NotPossibleNow as error:
            raise NotPlayable("not_ready" if isinstance(error, NotReady) else "lost") from error
        if sandbox.state != State.READY:
            sessions.resume(self.session)
            raise NotPlayable("not_ready")
        return sandbox.ref

    async def _command(self, typist: Typist, command: Command) -> None:
        await database_sync_to_async(self._go_on)(typist.place.ref)
        await self.tell(self.standing("typing"))
        await typist.play(command.text, self.pace, self._ending)

    def _go_on(self, ref: str) -> None:
        self.playback.keep(HOLD_S)
        idling.note_presence(ref, active=True)

    async def _ending(self) -> None:
        """From here on the command counts as typed, so that nobody runs it a second time."""
        if not await database_sync_to_async(self.playback.advance)():
            raise NotPlayable("held")

    async def _check(self, step: str) -> bool:
        await self.tell(replace(self.standing("checking"), step=step))
        try:
            passed = await self._checked(step)
        except NotPossibleNow as error:
            raise NotPlayable("lost") from error
        if not passed:
            await self.tell(replace(self.standing("problem", "failing"), step=step))
        else:
            await self.tell(self.standing("ready"))
        return passed

    async def _checked(self, step: str) -> bool:
        """Whether the step's checks pass; waits its turn when checks were asked for too often."""
        request = None
        try:
            async with asyncio.timeout(CHECK_WAIT_S):
                while request is None:
                    try:
                        request = await database_sync_to_async(self._ask)(step)
                    except TooOften as refusal:
                        await asyncio.sleep(refusal.retry_after_s or LOOK_S)
                return await self._answer(request)
        except TimeoutError as error:
            raise NotPlayable("not_checked") from error

    async def _answer(self, request: CheckRequest) -> bool:
        answered = CheckRequest.objects.filter(pk=request.pk, answered_at__isnull=False)
        for _look in count():
            if (found := await answered.afirst()) is not None:
                return bool(found.passed)
            await asyncio.sleep(LOOK_S)
        raise AssertionError

    def _ask(self, step: str) -> CheckRequest:
        return sessions.check_work(self.session, LabStep.objects.get(lab=self.session.lab_id, key=step))

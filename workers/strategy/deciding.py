"""Deciding about trade ideas: approve, reject, edit, expire. Nothing here ever sends an order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Literal

from app.clock import Clock
from app.errors import UserAction
from app.paths import Paths
from workers.strategy import inputs as idea_inputs
from workers.strategy.chain import FILE_NAME, lines_of, parse
from workers.strategy.decision_book import LONGEST_REASON, Decision, DecisionBook, Figures, Kind, Terms
from workers.strategy.evidence import EvidenceStore, folder_of
from workers.strategy.idea_edit import Basis, recalculated
from workers.strategy.idea_files import Board, IdeaFacts, IdeaReader, IdeaRow, board, rows
from workers.strategy.idea_life import State, refusal
from workers.strategy.rules import Side

By = Literal["window", "command line", "evaluation"]
_LIST: Final = "python main.py ideas list shows them."


class IdeaDesk:
    """Where ideas are decided on.

    Args:
        bars: After so many bars of its timeframe an idea expires (``strategies.idea_expires_bars``).

    Thread: any; deciders of other processes are waited for.
    """

    def __init__(self, paths: Paths, clock: Clock, bars: int, by: By) -> None:
        self.bars = bars
        self._paths = paths
        self._clock = clock
        self._by: By = by
        self._book = DecisionBook(paths, clock)
        self._reader = IdeaReader(paths.trade_ideas)

    def board(self) -> Board:
        """All ideas as they stand now.

        Raises:
            StorageError: files cannot be read.
            UserAction: the decisions were written by a newer Metronome.
        """
        return board(self._reader, self._book.read(), self.bars, self._clock.now())

    def pending(self) -> int:
        """How many ideas wait for a decision now; those decided on are not read for that. Raises as ``board``."""
        return sum(row.state is State.PENDING for row in self._undecided(self._book.read()))

    def approve(self, name: str) -> Decision:
        """Approve a pending idea. That is a note of the trader's, no order.

        Args:
            name: Its id, or the name of its file.

        Raises:
            UserAction: there is no such idea, it cannot be approved any more, or its file is not the one written.
            StorageError: files cannot be read or written.
        """
        facts = self._facts(name)
        self._check_untouched(facts)
        return self._decide(facts, Kind.APPROVE)

    def reject(self, name: str, reason: str) -> Decision:
        """Reject an idea, or withdraw its approval; with a reason, so that the history teaches something.

        Raises:
            UserAction: as ``approve``, or there is no reason.
            StorageError: as ``approve``.
        """
        reason = " ".join(reason.split())
        if not reason:
            raise UserAction("A rejection needs a reason.", advice="Say in a few words why the idea is no good.")
        if len(reason) > LONGEST_REASON:
            raise UserAction(
                f"The reason has {len(reason)} characters; at most {LONGEST_REASON} are kept.", advice="Shorten it."
            )
        return self._decide(self._facts(name), Kind.REJECT, reason=reason)

    def edit(self, name: str, terms: Terms) -> Decision:
        """Give a pending idea other prices or another volume; what follows from them is recorded with them.

        Raises:
            BadTerms: a field does not fit; see ``idea_edit``.
            UserAction: as ``approve``, or nothing was changed, or the idea has no evidence to recalculate from.
            StorageError: as ``approve``.
        """
        facts = self._facts(name)
        self._check_untouched(facts)
        basis = basis_of(self._paths, facts)
        figures = recalculated(basis, terms)
        return self._decide(facts, Kind.EDIT, basis=basis, figures=figures)

    def expire(self) -> tuple[Decision, ...]:
        """Record the end of every pending idea whose time is over, each once; what was recorded now.

        Raises:
            StorageError: files cannot be read or written.
            UserAction: another process does not let go of the decisions, or a newer Metronome wrote them.
        """
        if not self._over(self._book.read()):
            return ()
        return self._book.change(
            lambda made: [
                replace(_about(row.facts, Kind.EXPIRE), time=row.ends, by=self._by) for row in self._over(made)
            ]
        )

    def _over(self, made: Sequence[Decision]) -> list[IdeaRow]:
        return [row for row in self._undecided(made) if row.state is State.EXPIRED]

    def _undecided(self, made: Sequence[Decision]) -> list[IdeaRow]:
        closed = {item.idea for item in made if item.kind is not Kind.EDIT}
        done = [item.file for item in made if item.idea in closed and item.file]
        facts, _broken = self._reader.read(but=done)
        return rows((one for one in facts if one.id not in closed), made, self.bars, self._clock.now())

    def _decide(
        self, facts: IdeaFacts, kind: Kind, *, reason: str = "", basis: Basis | None = None,
        figures: Figures | None = None,
    ) -> Decision:  # fmt: skip
        def decide(made: tuple[Decision, ...]) -> list[Decision]:
            now = self._clock.now()
            (row,) = rows((facts,), made, self.bars, now)
            if why := refusal(row.state, kind, row.ends, now):
                raise UserAction(f"Idea {facts.id}: {why}", advice="The history of decisions shows what became of it.")
            decision = replace(_about(facts, kind), time=now, by=self._by, reason=reason)
            if basis is None or figures is None:
                return [decision]
            before = basis.figures(row.terms)
            if before.terms == figures.terms:
                raise UserAction("Nothing was changed.", advice="Change entry, stop, target or volume.")
            return [replace(decision, before=before, after=figures, currency=basis.currency)]

        return self._book.change(decide)[0]

    def _facts(self, name: str) -> IdeaFacts:
        facts, _broken = self._reader.read()
        for found in reversed(facts):
            if name in (found.id, found.file, found.file.removesuffix(".json")):
                return found
        raise UserAction(f"There is no trade idea called {name}.", advice=_LIST)

    def _check_untouched(self, facts: IdeaFacts) -> None:
        """Whoever approves shall approve what the engine wrote: what exactly one sound line of the chain names."""
        lines, _torn = lines_of(folder_of(self._paths) / FILE_NAME)
        links = [link for line in lines if (link := parse(line)) is not None and link.file == facts.file]
        if not links:
            what = "is in no chain"
        elif len(links) > 1 or links[0].sealed() != links[0]:
            what = "is in a chain that was tampered with"
        elif (links[0].sha256, links[0].id, links[0].inputs) != (facts.sha256, facts.id, facts.inputs):
            what = "was edited after it was written"
        else:
            return
        raise UserAction(
            f"The file {facts.file} of idea {facts.id} {what}, so it cannot be trusted.",
            advice="python main.py ideas verify tells what was touched. It can be rejected.",
        )


def basis_of(paths: Paths, facts: IdeaFacts) -> Basis:
    """What an idea was made from, out of its evidence.

    Raises:
        UserAction: it is of an earlier version and has none, or a piece is lost.
        StorageError: a piece cannot be read.
    """
    if not facts.inputs:
        raise UserAction(
            f"Idea {facts.id} is of an earlier version and has no evidence to recalculate from.",
            advice="It can be rejected.",
        )
    inputs, _hashes, _engine = idea_inputs.load(facts.inputs, EvidenceStore(folder_of(paths)))
    return Basis.of(inputs, side_of(facts))


def side_of(facts: IdeaFacts) -> Side:
    """The direction of an idea."""
    return "long" if facts.direction == "long" else "short"


def _about(facts: IdeaFacts, kind: Kind) -> Decision:
    return Decision(
        facts.time,
        facts.id,
        kind,
        "",
        file=facts.file,
        sha256=facts.sha256,
        symbol=facts.symbol,
        timeframe=facts.timeframe,
        strategy=facts.strategy,
        direction=facts.direction,
        action=facts.action,
        score=facts.score,
    )

"""Anchors every chain's head in the file, and searches the register for the heads anchored before."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy import Engine, select, tuple_

from activities.anchor import AnchorBroken
from adapters.anchor.file import AnchorFile, Head, spelled
from adapters.register.chain import EVIDENCE, HEADS
from adapters.sql.engine import reading
from domain.record.chain import AnchoredHead, AnchorLine

PAGE = 1_000


@dataclass(frozen=True)
class RegisterAnchor:
    """The register's heads and the file that anchors them; reading raises RegisterUnavailable."""

    engine: Engine
    file: AnchorFile

    @property
    def public_keys(self) -> tuple[str, ...]:
        """What ARREARS_ANCHOR_PUBLIC_KEY takes: the keys that are trusted here, the signing one first."""
        return tuple(spelled(key) for key in self.file.trusted)

    @property
    def signs(self) -> bool:
        """Whether new heads can be anchored, and not only old ones checked."""
        return self.file.signer is not None

    def anchor(self, at: datetime) -> AnchorLine:
        """Anchor every head; a chain on which an earlier head is not found is named, and its old head kept.

        So a rebuilt chain is named once and for ever found by its proof. AnchorBroken: the file was tampered with.
        """
        with self.file.alone():
            before = self.file.lines()
            lost = {head[0]: head for head in self._lost(before[-1])} if before else {}
            return self.file.add(self._heads(lost), at, sorted(lost))

    def check(self) -> AnchorLine | None:
        """The latest line, its `broken` those chains that do not hold it now; None if nothing is anchored.

        AnchorBroken: the file was tampered with.
        """
        lines = self.file.lines()
        if not lines:
            return None
        return lines[-1].model_copy(update={"broken": tuple(sorted({head[0] for head in self._lost(lines[-1])}))})

    def head_of(self, account_id: str) -> AnchoredHead:
        """What the latest anchoring says of an account, and whether the file can be trusted."""
        try:
            lines = self.file.lines()
            if not lines:
                return AnchoredHead(
                    state="missing",
                    reason_zh="尚未锚定，或锚定文件已不在",
                    reason_en="nothing is anchored yet, or the anchor file is gone",
                )
            heads = [(seq, head) for account, seq, head in self.file.heads(lines[-1]) if account == account_id]
        except AnchorBroken as problem:
            return AnchoredHead(state="broken", reason_zh=problem.zh, reason_en=problem.en)
        seen = AnchoredHead(state="anchored" if heads else "not_yet", number=lines[-1].number, at=lines[-1].at)
        return seen.model_copy(update={"length": heads[-1][0], "head": heads[-1][1]}) if heads else seen

    def _lost(self, line: AnchorLine) -> Iterator[Head]:
        """Heads anchored by that line that are not on their account's chain any more."""
        anchored = self.file.heads(line)
        while page := list(islice(anchored, PAGE)):
            with reading(self.engine) as connection:
                now = select(HEADS).where(HEADS.c.account_id.in_([account for account, _, _ in page]))
                standing = {row.account_id: (row.seq, row.hash) for row in connection.execute(now)}
                moved = [head for head in page if standing.get(head[0]) != head[1:]]
                there = select(EVIDENCE.c.account_id, EVIDENCE.c.seq, EVIDENCE.c.hash).where(
                    tuple_(EVIDENCE.c.account_id, EVIDENCE.c.seq).in_([(account, seq) for account, seq, _ in moved])
                )
                found = {tuple(row) for row in connection.execute(there)} if moved else set()
            # A head still on the chain, with its account's chain grown since, is as it should be.
            yield from (h for h in moved if h not in found or h[0] not in standing or standing[h[0]][0] < h[1])

    def _heads(self, lost: dict[str, Head]) -> Iterator[Head]:
        """The heads now, less those of the chains that were rebuilt: of these the old ones."""
        yield from lost.values()
        after = ""
        while True:
            query = select(HEADS).where(HEADS.c.account_id > after).order_by(HEADS.c.account_id).limit(PAGE)
            with reading(self.engine) as connection:
                page = [(row.account_id, row.seq, row.hash) for row in connection.execute(query)]
            yield from (head for head in page if head[0] not in lost)
            if len(page) < PAGE:
                return
            after = page[-1][0]

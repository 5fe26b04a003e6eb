"""The anchor file: signed lines outside the register, each with the digest of every account's head at that time."""

import base64
import binascii
import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import ValidationError

from activities.anchor import AnchorBroken
from adapters.sql.column_types import canonical
from domain.record.chain import AnchorLine

KEY_BYTES = 32
_NO_LINE = "0" * 64
_HEADS_KEPT = 2
"""Lists of heads kept beside the file: the latest, and the one before for whoever is reading it now."""

Head = tuple[str, int, str]
"""Account, length of its chain, hash of the last entry."""


@dataclass(frozen=True)
class AnchorFile:
    """Where heads are anchored. Who only checks has the public keys and no `signer`."""

    path: Path
    trusted: tuple[Ed25519PublicKey, ...]
    signer: Ed25519PrivateKey | None = field(default=None, repr=False)

    def lines(self) -> list[AnchorLine]:
        """Every line, checked: signatures, numbers, links. AnchorBroken names the first that is wrong."""
        try:
            text = self.path.read_text("utf-8")
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as problem:
            raise AnchorBroken("锚定文件无法读取", f"the anchor file cannot be read: {problem}") from problem
        # A line that a crash cut short was never written: it has no end.
        whole = text[: text.rfind("\n") + 1].splitlines()
        found, previous = [], _NO_LINE
        for number, line in enumerate(whole, start=1):
            found.append(self._checked(line, number, previous))
            previous = sha256(line.encode()).hexdigest()
        return found

    def heads(self, line: AnchorLine) -> Iterator[Head]:
        """The heads that a line anchors. AnchorBroken, at the end, if the list is not the one that was signed."""
        digest = sha256()
        try:
            with self._heads_path(line.number).open("rb") as listed:
                for row in listed:
                    digest.update(row)
                    account, seq, head = json.loads(row)
                    yield account, seq, head
        except (OSError, ValueError) as problem:
            raise _heads_broken(line.number) from problem
        if digest.hexdigest() != line.heads:
            raise _heads_broken(line.number)

    def add(self, heads: Iterable[Head], at: datetime, broken: Sequence[str]) -> AnchorLine:
        """Write the heads beside the file, then the line that signs them. AnchorBroken: the file was tampered with."""
        assert self.signer is not None, "who only checks cannot anchor"
        before = self.lines()
        number = len(before) + 1
        digest, accounts, entries = sha256(), 0, 0
        fresh = self._heads_path(number)
        with _replacing(fresh) as listed:
            for account, seq, head in heads:
                row = (canonical([account, seq, head]) + "\n").encode()
                listed.write(row)
                digest.update(row)
                accounts, entries = accounts + 1, entries + seq
        line = AnchorLine(
            number=number,
            at=at.astimezone(UTC),
            accounts=accounts,
            entries=entries,
            heads=digest.hexdigest(),
            broken=tuple(broken),
            previous=self._digest_of_last_line(),
            key=fingerprint(self.signer.public_key()),
            signature="",
        )
        signed = line.model_copy(update={"signature": base64.b64encode(self.signer.sign(_signed_part(line))).decode()})
        self._append(canonical(signed.model_dump(mode="json")))
        for old in range(number - _HEADS_KEPT, 0, -1):
            if not self._heads_path(old).exists():
                break
            self._heads_path(old).unlink()
        return signed

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One writer at a time, also among processes."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.with_name(self.path.name + ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _checked(self, text: str, number: int, previous: str) -> AnchorLine:
        def broken(zh: str, en: str) -> AnchorBroken:
            """What is wrong with this line, in both languages."""
            return AnchorBroken(f"锚定文件第 {number} 行{zh}", f"line {number} of the anchor file {en}")

        try:
            line = AnchorLine.model_validate_json(text)
        except ValidationError:
            raise broken("不可读", "cannot be read") from None
        if canonical(line.model_dump(mode="json")) != text:
            raise broken("被改动", "was changed")
        keys = [key for key in self.trusted if fingerprint(key) == line.key]
        if not keys:
            raise broken("由未知密钥签名", f"is signed by a key that is not trusted here ({line.key})")
        try:
            keys[0].verify(base64.b64decode(line.signature), _signed_part(line))
        except (InvalidSignature, binascii.Error):
            raise broken("签名不符", "does not bear a valid signature") from None
        if (line.number, line.previous) != (number, previous):
            raise broken("与前一行不衔接", "does not follow from the line before it")
        return line

    def _digest_of_last_line(self) -> str:
        if not self.path.exists():
            return _NO_LINE
        whole = self.path.read_bytes().rpartition(b"\n")[0]
        return sha256(whole.rpartition(b"\n")[2]).hexdigest() if whole else _NO_LINE

    def _append(self, line: str) -> None:
        with self.path.open("ab+") as out:
            out.seek(0)
            out.truncate(out.read().rfind(b"\n") + 1)  # what a crash cut short
            out.seek(0, os.SEEK_END)
            out.write(line.encode() + b"\n")
            out.flush()
            os.fsync(out.fileno())

    def _heads_path(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.heads-{number}")


def fingerprint(key: Ed25519PublicKey) -> str:
    """What a line calls the key it was signed with."""
    return sha256(key.public_bytes_raw()).hexdigest()[:16]


def private_key(text: str) -> Ed25519PrivateKey:
    """The signing key from base64. ValueError: it is none."""
    return Ed25519PrivateKey.from_private_bytes(_bytes(text))


def public_key(text: str) -> Ed25519PublicKey:
    """A key to check with, from base64. ValueError: it is none."""
    return Ed25519PublicKey.from_public_bytes(_bytes(text))


def spelled(key: Ed25519PublicKey) -> str:
    """The public key as settings take it."""
    return base64.b64encode(key.public_bytes_raw()).decode()


def _bytes(text: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except binascii.Error:
        raise ValueError("must be base64: openssl rand -base64 32") from None
    if len(key) != KEY_BYTES:
        raise ValueError(f"must have {KEY_BYTES} bytes in base64: openssl rand -base64 32")
    return key


def _signed_part(line: AnchorLine) -> bytes:
    return b"power-arrears anchor 1\n" + canonical(line.model_dump(mode="json", exclude={"signature"})).encode()


def _heads_broken(number: int) -> AnchorBroken:
    return AnchorBroken(
        f"第 {number} 次锚定的链尾清单缺失或被改动",
        f"the list of heads of anchoring {number} is missing or was changed",
    )


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """A file that is there whole or not at all."""
    draft = path.with_name(path.name + ".draft")
    with draft.open("wb") as out:
        yield out
        out.flush()
        os.fsync(out.fileno())
    draft.replace(path)

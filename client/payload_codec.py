"""Payload encryption: what Temporal keeps is AES-256-GCM, bound to namespace and workflow, by a ring of named keys."""

import base64
import binascii
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.protobuf.message import DecodeError
from temporalio.api.common.v1 import Payload
from temporalio.converter import (
    ActivitySerializationContext,
    PayloadCodec,
    SerializationContext,
    WithSerializationContext,
    WorkflowSerializationContext,
)

from domain.contract.refusals import UNBELIEVED

ENCODING = b"binary/encrypted"
KEY_ID, WORKFLOW = "encryption-key-id", "encryption-workflow"
"""Metadata beside the ciphertext: a codec server is given payloads alone, and must learn what they are bound to."""
KEY_BYTES, NONCE_BYTES = 32, 12
FEWEST_DIFFERENT_BYTES = 12
"""Of 32 random bytes about 30 differ; a key with fewer than this was typed by somebody."""
_FORMAT = b"power-arrears payload 1"
_KEY_NAME = re.compile(r"[A-Za-z0-9._-]{1,40}", re.ASCII)


class KeyRingError(ValueError):
    """The key ring cannot be used; the sentence never shows a key."""


@dataclass(frozen=True)
class KeyRing:
    """Keys by name, in order: the first one encrypts, each decrypts what names it."""

    keys: Mapping[str, bytes]

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(self.keys)})"

    @property
    def first(self) -> str:
        """The name of the key that encrypts."""
        return next(iter(self.keys))


def read_key_ring(text: str, folder: Path) -> KeyRing:
    """A ring from `id:base64,id:base64` or from a file of such entries, its path relative to `folder`.

    KeyRingError says what is wrong with it.
    """
    if ":" not in text:
        try:
            text = (folder / text).read_text("utf-8")
        except (OSError, ValueError):
            raise KeyRingError("must be id:base64,… or the path of a file that holds such entries") from None
    lines = (line.partition("#")[0] for line in text.splitlines())
    entries = [entry.strip() for line in lines for entry in line.split(",") if entry.strip()]
    keys: dict[str, bytes] = {}
    for entry in entries:
        name, _, encoded = entry.partition(":")
        if not _KEY_NAME.fullmatch(name):
            raise KeyRingError("each entry must be id:base64, with an id of letters, digits, dots and dashes")
        if name in keys:
            raise KeyRingError(f"the key id {name} stands there twice")
        keys[name] = _key(name, encoded)
    if not keys:
        raise KeyRingError("holds no key")
    if len(set(keys.values())) < len(keys):
        raise KeyRingError("two ids hold the same key; make each with: openssl rand -base64 32")
    return KeyRing(keys)


def _key(name: str, encoded: str) -> bytes:
    try:
        key = base64.b64decode(encoded.strip(), validate=True)
    except binascii.Error:
        raise KeyRingError(f"key {name} is not base64; make one with: openssl rand -base64 32") from None
    if len(key) != KEY_BYTES:
        raise KeyRingError(f"key {name} has {len(key)} bytes, not {KEY_BYTES}; make one with: openssl rand -base64 32")
    if len(set(key)) < FEWEST_DIFFERENT_BYTES:
        raise KeyRingError(f"key {name} is not random; make one with: openssl rand -base64 32")
    return key


@dataclass(frozen=True)
class EncryptedPayloads(PayloadCodec, WithSerializationContext):
    """Encrypts for one workflow, and believes only what was encrypted for that workflow.

    Decoding never raises: inside a worker that would wedge the case, and anybody who reaches Temporal could do that.
    A payload that cannot be believed becomes one that says so, which messages refuse by name.
    `accept_plain` lets through what was never encrypted, while cases opened before there were keys are still open.
    """

    ring: KeyRing
    namespace: str = ""
    workflow_id: str = ""
    accept_plain: bool = False

    def with_context(self, context: SerializationContext) -> Self:
        """Bound to the workflow whose payloads these are; activities belong to the workflow that asked for them."""
        if isinstance(context, WorkflowSerializationContext | ActivitySerializationContext):
            return self.bound_to(context.namespace, context.workflow_id or "")
        return self

    def bound_to(self, namespace: str, workflow_id: str) -> Self:
        """The same keys for that workflow."""
        return replace(self, namespace=namespace, workflow_id=workflow_id)

    @staticmethod
    def workflow_of(payload: Payload) -> str | None:
        """The workflow that a payload says it was encrypted for; None if it is not encrypted."""
        if payload.metadata.get("encoding") != ENCODING:
            return None
        return payload.metadata.get(WORKFLOW, b"").decode("utf-8", "replace")

    @staticmethod
    def key_of(payload: Payload) -> str | None:
        """The id of the key that a payload says it was encrypted by; None if it is not encrypted."""
        if payload.metadata.get("encoding") != ENCODING:
            return None
        return payload.metadata.get(KEY_ID, b"").decode("utf-8", "replace")

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Each payload encrypted by the first key, under a nonce of its own."""
        return [self.seal(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Each payload as it was, or one that says why it is not believed."""
        return [self.open(payload) for payload in payloads]

    def seal(self, payload: Payload) -> Payload:
        """Encrypt one payload for this workflow."""
        name, nonce = self.ring.first, os.urandom(NONCE_BYTES)
        sealed = AESGCM(self.ring.keys[name]).encrypt(nonce, payload.SerializeToString(), self._bound_to(name))
        metadata = {"encoding": ENCODING, KEY_ID: name.encode(), WORKFLOW: self.workflow_id.encode()}
        return Payload(metadata=metadata, data=nonce + sealed)

    def open(self, payload: Payload) -> Payload:
        """Decrypt one payload, or say why it is not believed."""
        if payload.metadata.get("encoding") != ENCODING:
            return payload if self.accept_plain else unbelieved("the payload is not encrypted")
        name = payload.metadata.get(KEY_ID, b"").decode("utf-8", "replace")
        if (key := self.ring.keys.get(name)) is None:
            return unbelieved("the payload is encrypted by a key that is not in the ring")
        if payload.metadata.get(WORKFLOW) != self.workflow_id.encode():
            return unbelieved("the payload was encrypted for another workflow")
        nonce, sealed = payload.data[:NONCE_BYTES], payload.data[NONCE_BYTES:]
        try:
            return Payload.FromString(AESGCM(key).decrypt(nonce, sealed, self._bound_to(name)))
        except (InvalidTag, ValueError, DecodeError):
            return unbelieved("the payload was altered, or encrypted for another workflow or namespace")

    def _bound_to(self, key_name: str) -> bytes:
        return _joined((_FORMAT, self.namespace.encode(), self.workflow_id.encode(), key_name.encode()))


def unbelieved(why: str) -> Payload:
    """What takes the place of a payload that is not believed."""
    return Payload(metadata={"encoding": UNBELIEVED}, data=why.encode())


def _joined(parts: Iterable[bytes]) -> bytes:
    """Parts with their lengths, so that no two lists of parts join to the same bytes."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)

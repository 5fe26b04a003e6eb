"""The mark of a ring of payload keys: two programs compare their rings by it, and it betrays no key."""

from collections.abc import Mapping
from hashlib import blake2b, sha256

from domain.vocabulary import Contract


class KeyRingMark(Contract):
    """A worker's ring, in its order: a digest of each key's id, and one of each key with its id, under one salt.

    Empty if the worker encrypts nothing. `accepts_plain`: it also believes payloads that were never encrypted.
    """

    salt: str
    ids: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    accepts_plain: bool = False

    def names(self, key_id: str) -> bool:
        """Whether the ring has a key of this id."""
        return id_digest(self.salt, key_id) in self.ids


def mark_of(keys: Mapping[str, bytes], accepts_plain: bool, salt: str) -> KeyRingMark:
    """The mark of these keys; the first of them encrypts."""
    return KeyRingMark(
        salt=salt,
        ids=tuple(id_digest(salt, key_id) for key_id in keys),
        keys=tuple(_key_digest(salt, key_id, key) for key_id, key in keys.items()),
        accepts_plain=accepts_plain and bool(keys),
    )


def id_digest(salt: str, key_id: str) -> str:
    """The digest of a key's id."""
    return sha256(f"arrears key id|{salt}|{key_id}".encode()).hexdigest()


def _key_digest(salt: str, key_id: str, key: bytes) -> str:
    """Keyed by the key itself, 32 random bytes: who has the digest learns nothing of it."""
    return blake2b(f"arrears key|{salt}|{key_id}".encode(), key=key, digest_size=32).hexdigest()


def difference(ours: Mapping[str, bytes], worker: KeyRingMark) -> str | None:
    """Why a program with these keys and the worker would not understand each other; None if they do.

    Each must hold the key that the other encrypts by. Other keys may differ, as while keys are changed.
    """
    here = mark_of(ours, accepts_plain=False, salt=worker.salt).keys
    match bool(here), bool(worker.keys):
        case False, False:
            return None
        case False, True:
            return "the worker encrypts its payloads, and ARREARS_PAYLOAD_KEYS is not set here"
        case True, False:
            return "ARREARS_PAYLOAD_KEYS is set here, and the worker has no payload keys"
    if here[0] not in worker.keys:
        return f"the worker does not have the key that encrypts here ({next(iter(ours))})"
    if worker.keys[0] not in here:
        return "the key that the worker encrypts by is not in ARREARS_PAYLOAD_KEYS here"
    return None

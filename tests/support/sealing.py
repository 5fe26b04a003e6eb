"""Keys for tests, a world whose payloads are encrypted, and clients that hold other keys or none."""

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path

from temporalio.api.common.v1 import Payload
from temporalio.client import Client
from temporalio.converter import WorkflowSerializationContext

from client.converter import data_converter, encrypting
from client.payload_codec import EncryptedPayloads, KeyRing, read_key_ring

NAMESPACE = "default"


class Forger(EncryptedPayloads):
    """Sends bytes as they are, and yet can read the answer, so that a test sees how it was refused."""

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """As they are."""
        return list(payloads)


def key(name: str) -> str:
    """A ring's entry whose key looks random and is the same in every run."""
    return f"{name}:{base64.b64encode(hashlib.sha256(name.encode()).digest()).decode()}"


def ring(*names: str) -> KeyRing:
    """A ring of these keys, the first of which encrypts."""
    return read_key_ring(",".join(key(name) for name in names), Path())


def codec(*names: str, workflow_id: str = "", namespace: str = NAMESPACE) -> EncryptedPayloads:
    """A codec with these keys, bound to a workflow."""
    unbound = EncryptedPayloads(ring(*names))
    return unbound.with_context(WorkflowSerializationContext(namespace=namespace, workflow_id=workflow_id))


def holding(client: Client, *names: str) -> Client:
    """The same server seen by somebody who holds these keys, or none."""
    return client_with(client, EncryptedPayloads(ring(*names)) if names else None)


def forging(client: Client, *names: str) -> Client:
    """The same server seen by somebody who sends payloads of his own making."""
    return client_with(client, Forger(ring(*names)))


def client_with(client: Client, codec: EncryptedPayloads | None) -> Client:
    """The same server through that codec."""
    config = client.config()
    config["data_converter"] = encrypting(codec)
    return Client(**config)


def plain(*values: object) -> Sequence[Payload]:
    """Values as payloads in clear."""
    return data_converter.payload_converter.to_payloads(values)

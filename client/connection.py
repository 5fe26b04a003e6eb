"""Connects to the Temporal server within a bounded time, or says which address did not answer and what to do."""

import asyncio
from datetime import timedelta

from temporalio.client import Client
from temporalio.converter import PayloadCodec
from temporalio.envconfig import ClientConfigProfile
from temporalio.service import RPCError

from client.cases import TemporalUnavailable
from client.converter import encrypting

DEFAULT_ADDRESS = "localhost:7233"


async def connect(profile: ClientConfigProfile, seconds: float, codec: PayloadCodec | None = None) -> Client:
    """A client for the profile's server and namespace, its payloads through `codec` if there is one.

    TemporalUnavailable: nobody answered within `seconds`.
    """
    config = profile.to_client_connect_config()
    address = config.setdefault("target_host", DEFAULT_ADDRESS)
    try:
        async with asyncio.timeout(seconds):
            return await Client.connect(
                **config, data_converter=encrypting(codec), connect_timeout=timedelta(seconds=seconds)
            )
    except TimeoutError as problem:
        raise TemporalUnavailable(_sentence(address, f"no answer within {seconds:g} s")) from problem
    except (RuntimeError, RPCError) as problem:  # the SDK raises a bare RuntimeError when it cannot connect
        raise TemporalUnavailable(_sentence(address, _reason(problem))) from problem


def _sentence(address: str, reason: str) -> str:
    return f"no Temporal server at {address} ({reason}). Start one (make server), or correct TEMPORAL_ADDRESS."


def _reason(problem: Exception) -> str:
    text = str(problem)
    for known in ("Connection refused", "certificate", "InvalidCertificate", "dns error", "Unauthenticated"):
        if known.lower() in text.lower():
            return known.lower()
    return text.splitlines()[0][:200] if text else type(problem).__name__

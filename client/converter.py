"""The data converter of every client and worker: pydantic, one argument a handler, encryption where keys are set."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue
from temporalio.contrib.pydantic import PydanticPayloadConverter, pydantic_data_converter
from temporalio.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes, PayloadCodec

from domain.contract.refusals import UNBELIEVED


class PayloadNotBelieved(Exception):
    """A value was asked for whose payload decryption did not believe."""


class OneArgument(PydanticPayloadConverter):
    """Hands one payload to each handler, whatever was sent.

    Where the numbers differ, the SDK drops the types and passes all payloads: that would wedge a case.
    """

    def from_payloads(self, payloads: Sequence[Payload], type_hints: list[type] | None = None) -> list[Any]:
        """As pydantic's; of several payloads without a type, the first one, raw.

        PayloadNotBelieved: decryption did not believe the payload, so it is no value; only its raw form can be read.
        """
        if type_hints is None and len(payloads) > 1:
            return [RawValue(payloads[0])]
        for number, payload in enumerate(payloads):
            raw = type_hints is not None and number < len(type_hints) and type_hints[number] is RawValue
            if payload.metadata.get("encoding") == UNBELIEVED and not raw:
                raise PayloadNotBelieved(payload.data.decode("utf-8", "replace"))
        return super().from_payloads(payloads, type_hints)


data_converter = dataclasses.replace(pydantic_data_converter, payload_converter_class=OneArgument)


def encrypting(codec: PayloadCodec | None) -> DataConverter:
    """The converter whose payloads pass through `codec`, texts and traces of failures too; without one, in clear."""
    if codec is None:
        return data_converter
    return dataclasses.replace(
        data_converter,
        payload_codec=codec,
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )

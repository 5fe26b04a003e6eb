"""The data converter of every client and worker: pydantic, deaf to arguments that no handler takes."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue
from temporalio.contrib.pydantic import PydanticPayloadConverter, pydantic_data_converter


class OneArgument(PydanticPayloadConverter):
    """Every handler takes one payload. The SDK gives up the types where the numbers differ, and the handler would be
    called with two arguments: a start or a signal like that would wedge the case."""

    def from_payloads(self, payloads: Sequence[Payload], type_hints: list[type] | None = None) -> list[Any]:
        """As pydantic's; of several payloads without a type, the first one, raw."""
        if type_hints is None and len(payloads) > 1:
            return [RawValue(payloads[0])]
        return super().from_payloads(payloads, type_hints)


data_converter = dataclasses.replace(pydantic_data_converter, payload_converter_class=OneArgument)

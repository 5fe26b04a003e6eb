"""The data converter of every client and worker: pydantic, one argument a handler, encryption where keys are set."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.common import RawValue
from temporalio.contrib.pydantic import PydanticPayloadConverter, pydantic_data_converter
from temporalio.converter import DataConverter, DefaultFailureConverter, PayloadCodec, PayloadConverter
from temporalio.exceptions import FailureError

from domain.contract.refusals import UNBELIEVED

LONGEST_SENTENCE = 500
"""Characters of an unforeseen error's text that are kept: with keys they must fit, too."""
ENCODED = "Encoded failure"
"""What stands in the place of a sentence that is encrypted; Temporal's own phrase."""


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


class ShortFailures(DefaultFailureConverter):
    """Failures as people read them in Temporal UI: the sentence of the first error, no trace, no chain of causes.

    The server keeps 4 KB of what an activity failed with, and puts a phrase of its own in the place of more. The trace
    and the causes are in the worker's log.
    """

    def to_failure(self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure) -> None:
        """As the SDK's, in short."""
        super().to_failure(exception, payload_converter, failure)
        failure.stack_trace = ""
        if failure.HasField("application_failure_info"):  # what says who failed, such as an activity, keeps its cause
            failure.ClearField("cause")
        if not isinstance(exception, FailureError) and len(failure.message) > LONGEST_SENTENCE:
            failure.message = failure.message[:LONGEST_SENTENCE] + "…"


class ShortEncodedFailures(ShortFailures):
    """The same, with the sentence among what the codec encrypts; the type alone stands in clear."""

    def to_failure(self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure) -> None:
        """As above, then out of sight, where `from_failure` finds it."""
        super().to_failure(exception, payload_converter, failure)
        hidden = {"message": failure.message, "stack_trace": ""}
        failure.encoded_attributes.CopyFrom(payload_converter.to_payloads([hidden])[0])
        failure.message = ENCODED


data_converter = dataclasses.replace(
    pydantic_data_converter, payload_converter_class=OneArgument, failure_converter_class=ShortFailures
)


def encrypting(codec: PayloadCodec | None) -> DataConverter:
    """The converter whose payloads pass through `codec`, texts of failures too; without one, in clear."""
    if codec is None:
        return data_converter
    return dataclasses.replace(data_converter, payload_codec=codec, failure_converter_class=ShortEncodedFailures)

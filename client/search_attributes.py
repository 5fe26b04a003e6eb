"""Makes a namespace know the search attributes of a case, or says which are missing and how to add them."""

from collections.abc import Sequence
from typing import Any

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeIndexedValueType, SearchAttributeKey
from temporalio.service import RPCError, RPCStatusCode

from client.cases import TemporalUnavailable, unavailable
from workflows.search_attributes import ALL

_TYPE_NAMES = {
    SearchAttributeIndexedValueType.KEYWORD: "Keyword",
    SearchAttributeIndexedValueType.KEYWORD_LIST: "KeywordList",
    SearchAttributeIndexedValueType.DOUBLE: "Double",
    SearchAttributeIndexedValueType.DATETIME: "Datetime",
}


class SearchAttributesMissing(TemporalUnavailable):
    """Cases cannot be shown, and would stand still, until these attributes exist; the message says how to add them."""


async def ensure_search_attributes(client: Client) -> tuple[str, ...]:
    """Add those of the case's attributes that the namespace lacks, and return their names.

    SearchAttributesMissing: the server refuses, or has one of them under another type. TemporalUnavailable: it gives
    no answer.
    """
    try:
        return await _ensure(client)
    except RPCError as problem:
        raise unavailable(problem) from problem


async def _ensure(client: Client) -> tuple[str, ...]:
    known = (
        await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace), retry=True
        )
    ).custom_attributes
    wrong = [k for k in ALL if k.name in known and known[k.name] != _type(k)]
    if wrong:
        names = ", ".join(f"{k.name} (must be {_TYPE_NAMES[k.indexed_value_type]})" for k in wrong)
        raise SearchAttributesMissing(
            f"namespace {client.namespace} has search attributes of another type: {names}. "
            "Remove them with `temporal operator search-attribute remove`, or use another namespace."
        )
    missing = [k for k in ALL if k.name not in known]
    if not missing:
        return ()
    try:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(
                namespace=client.namespace, search_attributes={k.name: _type(k) for k in missing}
            ),
            retry=True,
        )
    except RPCError as problem:
        if problem.status != RPCStatusCode.ALREADY_EXISTS:  # another worker was quicker
            raise SearchAttributesMissing(_how_to_add(client, missing, problem)) from problem
    return tuple(k.name for k in missing)


def _type(key: SearchAttributeKey[Any]) -> IndexedValueType.ValueType:
    return IndexedValueType.ValueType(key.indexed_value_type.value)


def _how_to_add(client: Client, missing: Sequence[SearchAttributeKey[Any]], problem: RPCError) -> str:
    flags = " ".join(f"--name {k.name} --type {_TYPE_NAMES[k.indexed_value_type]}" for k in missing)
    return (
        f"the search attributes are missing in namespace {client.namespace} and could not be added "
        f"({problem.message}). Have them added: temporal operator search-attribute create "
        f"--namespace {client.namespace} {flags}"
    )

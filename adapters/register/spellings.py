"""Finds in a column of units or persons every spelling of one id (R-33)."""

from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, select

from domain.ids import spelled_like


def names(connection: Connection, column: Column[Any], ident: str, *among: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether the column holds a spelling of this id; `among`: the rows whose spellings count."""
    known = connection.scalars(select(column).where(column.is_not(None), *among).distinct())
    return column.in_(spelled_like(ident, known))

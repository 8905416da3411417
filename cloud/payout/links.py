"""Reads the predecessors of a record by their kind."""

from collections.abc import Iterable
from typing import TypeVar

from cloud.chain.records import Record
from cloud.chain.store import Chain
from vpp_core.faults import StorageFault
from vpp_core.ids import RecordId

R = TypeVar("R", bound=Record)


def find(chain: Chain, record_ids: Iterable[RecordId], kind: type[R]) -> R | None:
    """The first of the records that is of a kind, or nothing."""
    return next((record for key in record_ids if isinstance(record := chain.get(key), kind)), None)


def first(chain: Chain, record_ids: Iterable[RecordId], kind: type[R]) -> R:
    """The first of the records that is of a kind.

    Raises:
        StorageFault: there is none; the chain is not what this program writes.
    """
    found = find(chain, record_ids, kind)
    if found is None:
        raise StorageFault(f"the chain of record lacks a {kind.__name__} where one belongs; restore a backup")
    return found

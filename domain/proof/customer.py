"""What the customer's record named while a case ran, read from the evidence of its changes (R-32)."""

from domain.proof.reading import Reading
from domain.record.case_file import FiledEvidence
from domain.vocabulary import CustomerClass


def classes_between(r: Reading, since: FiledEvidence | None, until: FiledEvidence | None) -> tuple[CustomerClass, ...]:
    """Every class that the customer had from one entry to another, or to the end."""
    named = _between(r, "customer_class", r.file.case.customer_class, since, until)
    known: tuple[CustomerClass, ...] = ("residential", "non_residential")
    return tuple(one for one in known if one in named)


def important_between(r: Reading, since: FiledEvidence | None, until: FiledEvidence | None) -> bool:
    """Whether the customer was important at any time from one entry to another."""
    return any(_between(r, "important", r.file.case.important, since, until))


def _between(
    r: Reading, field: str, at_the_end: object, since: FiledEvidence | None, until: FiledEvidence | None
) -> list[object]:
    """What the record named of this field at the first entry, and whatever came in its place until the second.

    The case's own row has what stands at the end; without a change it stood from the beginning.
    """
    changes = [c for c in r.all("customer.changed") if field in c.detail.get("fields", ())]
    first = since.seq if since else 0
    earlier = [c.detail["after"][field] for c in changes if c.seq <= first]
    later = [c for c in changes if c.seq > first]
    begin = earlier[-1] if earlier else later[0].detail["before"][field] if later else at_the_end
    return [begin, *(c.detail["after"][field] for c in later if until is None or c.seq < until.seq)]


def meter_named_at(r: Reading, entry: FiledEvidence) -> str | None:
    """The meter that the customer's record named then; None where it never changed, for then nothing says it."""
    changes = [c for c in r.all("customer.changed") if "meter_id" in c.detail.get("fields", ())]
    earlier = [c for c in changes if c.seq <= entry.seq]
    if not changes:
        return None
    return str(earlier[-1].detail["after"]["meter_id"] if earlier else changes[0].detail["before"]["meter_id"])

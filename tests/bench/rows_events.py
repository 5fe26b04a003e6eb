"""S2, S3: events of a case on its paths, exactly counted, and what they mean in actions and bytes."""

from pathlib import Path

from tests.bench.figures import Row
from tests.support.event_counts import A_FURTHER_ATTEMPT, PATHS, a_further_attempt, actions, least
from tests.support.world import running_world


async def event_rows(folder: Path, small: bool) -> list[Row]:
    """Each path lived once: the counts do not depend on the machine. `small` leaves out the further attempt."""
    rows, plain = list[Row](), list[Row]()
    async with running_world(folder) as world:
        for name, path in PATHS.items():
            case = await path.live(world)
            events = await case.events()
            history = await case.handle.fetch_history()
            size = sum(e.ByteSize() for e in history.events)
            would_do = least(events, path.stages)
            ratio = len(events) / would_do
            detail = {"events": len(events), "least": would_do, "actions": actions(events), "bytes": size}
            figure = f"{ratio:.3f} = {len(events)} ÷ {would_do} · {detail['actions']} actions · {size / 1024:.1f} KiB"
            rows.append(Row("S2", f"events, {name}", figure, "≤ 1.10", "reached" if ratio <= 1.10 else "short", detail))
            if name in ("paid after yellow", "cut and restored"):
                good = len(events) <= path.at_most
                bound = f"≤ {path.at_most}"
                plain.append(
                    Row("S3", f"events, {name}", str(len(events)), bound, "reached" if good else "short", detail)
                )
        if not small:
            more = await a_further_attempt(world)
            good = more <= A_FURTHER_ATTEMPT
            bound = f"≤ {A_FURTHER_ATTEMPT}"
            plain.append(Row("S3", "events, each further attempt", str(more), bound, "reached" if good else "short"))
    return rows + plain

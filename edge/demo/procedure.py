"""The steps that many lives share: from the yellow notice to the cut, and to the restoration."""

from datetime import datetime, timedelta

from edge.demo.playing import Answer, Case, expect

REFUSAL = {
    "place": "用户门口 at the customer's door",
    "persons": ["邻居老王 neighbour", "抄表员 reader"],
    "words": "说电费算错了，不肯签字 says the bill is wrong, will not sign",
    "evidence": "照片三张 three photographs",
}


async def deliver(c: Case, kind: str, outcome: str = "signed") -> Answer:
    """The reader delivers the notice of that kind; returns the notice."""
    notice = await c.notice(kind)
    more = {"refusal": REFUSAL} if outcome == "refused" else {"recipient": "本人 the customer"}
    answer = await c.says("record_delivery", "reader", notice_id=notice["notice_id"], outcome=outcome, **more)
    expect(answer["served"] == (outcome == "signed"), f"the {kind} notice {outcome}: {answer}")
    return notice


async def to_red(c: Case) -> Answer:
    """Yellow served, its deadline past unpaid: the red notice is out."""
    await deliver(c, "yellow")
    await c.until_deadline()
    return await c.notice("red")


async def to_served(c: Case) -> Answer:
    """Both notices served."""
    await to_red(c)
    await c.later(hours=2)
    return await deliver(c, "red")


async def approve(c: Case) -> list[str]:
    """Every level that is asked approves, one after the other; returns the roles."""
    role, roles = (await c.awaited("decide_approval"))["role"], []
    while True:
        answer = await c.does("decide_approval", role, decision="approved", remark="程序完备 all steps are complete")
        roles.append(role)
        if answer["granted"]:
            return roles
        role = answer["still_needed"][0]


async def to_ticket(c: Case) -> Answer:
    """Served, approved, and the day before has come: the ticket is out."""
    await to_served(c)
    await approve(c)
    return await ticket(c)


async def serve_red_again(c: Case) -> Answer:
    """The new red notice is served and approved, and its day before has come: the ticket that is out."""
    await deliver(c, "red")
    await approve(c)
    return await ticket(c)


async def ticket(c: Case) -> Answer:
    """The day before has come: the ticket that is out."""
    await c.until_deadline()
    entry = await c.awaited("acknowledge_ticket", "field_crew")
    found: Answer = next(t for t in (await c.snapshot())["tickets"] if t["ticket_id"] == entry["id"])
    return found


async def half_hour(c: Case, sent: Answer) -> Answer:
    """The crew has acknowledged; T - 30 min has come, and the customer is notified again: by mail, or by the reader."""
    await c.says("acknowledge_ticket", "field_crew", ticket_id=sent["ticket_id"])
    await c.until_deadline()
    if c.customer.email:
        await c.sees("the customer notified by mail", lambda s: _is_notified(s, sent["ticket_id"]))
        return sent
    answer = await c.does("record_final_notice", how="上门并电话 at the door and by telephone")
    expect(answer["told"], "notifying the customer in the last half-hour did not count")
    return sent


def _is_notified(snap: Answer, ticket_id: str) -> bool:
    awaited = {(a["act"], a.get("id")) for a in snap["waiting_for"]}
    return snap["stage"] == "final_half_hour" and ("record_final_notice", ticket_id) not in awaited


async def to_window(c: Case) -> Answer:
    """All is done, and the stated time has come; returns the ticket."""
    sent = await half_hour(c, await to_ticket(c))
    return await window(c, sent)


async def window(c: Case, sent: Answer) -> Answer:
    """The stated time has come."""
    await c.until_deadline()
    await c.awaited("request_permit", "field_crew")
    return sent


async def permit(c: Case, sent: Answer) -> str:
    """The crew at the meter asks for the permit, and gets it; while only billing is silent, it asks again."""
    while True:
        answer = await c.says("request_permit", "field_crew", ticket_id=sent["ticket_id"], meter_id=sent["meter_id"])
        if answer["granted"]:
            return str(answer["permit_id"])
        unmet = [condition["rule"] for condition in answer["unmet"]]
        expect(unmet == ["R-17"], f"the permit was refused: {unmet}")
        await c.later(minutes=1)


async def cut(c: Case, sent: Answer) -> None:
    """The crew cuts under its permit, and reports it."""
    permit_id = await permit(c, sent)
    answer = await c.says(
        "report_cut", "field_crew", permit_id=permit_id, meter_id=sent["meter_id"], meter_reading="04512"
    )
    expect(answer["lawful"], f"the cut was not lawful: {answer}")


async def to_cut(c: Case) -> None:
    """From the yellow notice to a lawful cut."""
    await cut(c, await to_window(c))


async def restore(c: Case, **after: float) -> None:
    """The crew takes the restoration ticket, and so much later supply is back."""
    await c.does("acknowledge_ticket", "field_crew")
    await c.later(**(after or {"hours": 3}))
    await c.does("report_restored", meter_reading="04512")


async def close_incident(c: Case, outcome: str) -> None:
    """The centre director closes the incident with its outcome."""
    await c.does("close_incident", outcome=outcome)


def at(moment: str, **later: float) -> datetime:
    """A time of the snapshot, moved."""
    return datetime.fromisoformat(moment) + timedelta(**later)

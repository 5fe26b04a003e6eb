"""What the case reads along with the debt: barred days, moratoria, a day on which the field unit has room."""

from domain.law.calendar import Calendar, Season
from domain.law.policy import Policy
from domain.vocabulary import Contract, Day, Id


class SlotWish(Contract):
    """Book a day for the cut that a red notice about to be issued will state: `earliest`, or the first after it.

    Policy and seasons go along because they say which days are allowed; `notice_id` is the key, so that asking again
    books nothing more.
    """

    notice_id: Id
    case_key: Id
    earliest: Day
    policy: Policy
    seasons: tuple[Season, ...] = ()


class CutSlot(Contract):
    """The day that the field unit keeps free for the cut of that red notice."""

    notice_id: Id
    day: Day


class Circumstances(Contract):
    """What stood at one moment.

    `moratoria`: the register says that they hold the account. `moratoria_over`: the case doubted them, and the register
    knows that they do not hold it, lifted since or never meant for it. `spreads_cuts`: the field unit can
    restore only so many a day, so no red notice goes out without a `slot`.
    """

    calendar: Calendar
    moratoria: tuple[Id, ...] = ()
    moratoria_over: tuple[Id, ...] = ()
    spreads_cuts: bool = False
    slot: CutSlot | None = None

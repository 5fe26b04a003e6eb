"""The lives of the sample book: each a customer, what becomes of him, and the script of the people around him."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from domain.vocabulary import Outcome
from edge.demo import lives_changed as changed
from edge.demo import lives_cut as cut
from edge.demo import lives_dunning as dunning
from edge.demo.book import NOT_DUE_YET, Customer, customer
from edge.demo.playing import Case

Script = Callable[[Case], Awaitable[None]]


@dataclass(frozen=True)
class Life:
    """A customer, and what the script must lead to: outcome, incidents, and the path in the record.

    `alone` is for a life that would disturb the others: its turn after their end. `cases`
    is how many the account has in the end, `breached` what its proof finds broken.
    """

    customer: Customer
    title_zh: str
    title_en: str
    script: Script
    outcome: Outcome
    path: str
    incidents: tuple[str, ...] = ()
    alone: int = 0
    cases: int = 1
    breached: tuple[str, ...] = ()


LIVES: tuple[Life, ...] = (
    Life(
        customer(1, "186.40"),
        "黄色催费单后交清",
        "paid after the yellow notice",
        dunning.paid_after_yellow,
        "settled",
        "yellow settled",
    ),
    Life(
        customer(2, "243.75"),
        "红色通知书后交清",
        "paid after the red notice",
        dunning.paid_after_red,
        "settled",
        "yellow red settled",
    ),
    Life(
        customer(3, "312.08"),
        "停电，交清，按时复电",
        "cut, paid, restored in time",
        cut.cut_and_restored,
        "restored",
        "yellow red approved ticket half-hour permit cut settled restored",
    ),
    Life(
        customer(4, "268.90"),
        "停电，申报特殊情况后次日复电",
        "cut, restored with a declared delay",
        cut.declared_delay,
        "restored",
        "yellow red approved ticket half-hour permit cut settled delay restored",
    ),
    Life(
        customer(5, "197.35"),
        "停电，逾期复电，事件结案",
        "cut, restoration breached",
        cut.breached,
        "restored",
        "yellow red approved ticket half-hour permit cut settled breach restored",
        incidents=("restoration_breach",),
        breached=("R-25", "R-26"),
    ),
    Life(
        customer(6, "421.00"),
        "拒签，逐级上报",
        "refused signature, the ladder climbs",
        dunning.refused_signature,
        "settled",
        "yellow red refused climbed approved settled",
    ),
    Life(
        customer(7, "156.22"),
        "无法送达，逾期作废，重新送达",
        "undeliverable, late, void, served again",
        dunning.delivered_too_late,
        "settled",
        "yellow red void red settled",
    ),
    Life(
        customer(8, "18640.50", "商业", "和平路超市"),
        "非居民：站长知悉，两级审批",
        "station head, two levels, cut",
        dunning.non_residential,
        "restored",
        "yellow red refused approved ticket half-hour permit cut settled restored",
    ),
    Life(
        customer(9, "36800.00", "医院", "市第二医院", important=True),
        "重要用户：报备，半小时内交清",
        "filed; paid in the last half-hour",
        dunning.important_customer,
        "settled",
        "yellow red approved filed ticket half-hour settled",
    ),
    Life(
        customer(10, "62350.80"),
        "欠费五万元以上，两级审批",
        "from 50 000 on, two levels",
        dunning.large_amount,
        "settled",
        "yellow red approved settled",
    ),
    Life(
        customer(11, "275.60"),
        "审批驳回后重新送达",
        "rejected, then served again",
        dunning.rejected,
        "settled",
        "yellow red rejected void red approved settled",
    ),
    Life(
        customer(12, "333.33"),
        "表前交清，许可撤销",
        "paid at the meter: permit revoked",
        dunning.paid_at_the_meter,
        "settled",
        "yellow red approved ticket half-hour permit revoked settled not-cut",
    ),
    Life(
        customer(13, "208.15"),
        "表计存疑，核实为是",
        "meter in doubt, confirmed",
        cut.meter_confirmed,
        "restored",
        "yellow red approved ticket half-hour doubt confirmed permit cut settled restored",
    ),
    Life(
        customer(14, "224.70"),
        "表计存疑，核实为否",
        "meter in doubt, denied",
        dunning.meter_denied,
        "settled",
        "yellow red approved ticket half-hour doubt denied void red settled",
        incidents=("wrong_meter",),
    ),
    Life(
        customer(15, "190.05"),
        "未停电（用户不在），改期",
        "not cut (customer absent), slips",
        dunning.not_cut,
        "settled",
        "yellow red approved ticket half-hour not-cut void red settled",
    ),
    Life(
        customer(16, "287.40"),
        "工作票未确认，改期",
        "ticket not acknowledged, slips",
        dunning.unacknowledged,
        "settled",
        "yellow red approved ticket void red settled",
    ),
    Life(
        customer(17, "349.99"),
        "改期后第二次停电",
        "cut at the second attempt",
        cut.cut_at_the_second_time,
        "restored",
        "yellow red approved ticket half-hour not-cut void red approved ticket half-hour permit cut settled restored",
    ),
    Life(
        customer(18, "402.10"),
        "承诺兑现",
        "promise kept",
        dunning.promise_kept,
        "settled",
        "yellow red promise void kept settled",
    ),
    Life(
        customer(19, "365.80"),
        "承诺落空",
        "promise broken",
        dunning.promise_broken,
        "settled",
        "yellow red promise void broken red approved settled",
    ),
    Life(
        customer(20, "1260.00"),
        "停电后分期，如约付清",
        "plan after the cut, kept",
        cut.plan_kept,
        "restored",
        "yellow red approved ticket half-hour permit cut plan restored kept",
    ),
    Life(
        customer(21, "980.00"),
        "停电后分期，违约",
        "plan after the cut, broken",
        cut.plan_broken,
        "restored",
        "yellow red approved ticket half-hour permit cut plan restored broken yellow settled",
    ),
    Life(
        customer(22, "299.00"),
        "电费争议，暂缓后恢复",
        "dispute: held, lifted",
        dunning.dispute,
        "settled",
        "yellow red hold void lifted red settled",
    ),
    Life(
        customer(23, "176.65"),
        "两项暂缓并存",
        "two holds stand at once",
        dunning.stacked_holds,
        "settled",
        "yellow hold hold lifted ended red settled",
    ),
    Life(
        customer(24, "355.55"),
        "分次交费",
        "partial payments",
        dunning.partial_payments,
        "settled",
        "yellow settled",
    ),
    Life(
        customer(25, "218.30"),
        "退票冲正，重新立案",
        "payment bounces, opened anew",
        dunning.bounced,
        "settled",
        "yellow settled yellow settled",
        cases=2,
    ),
    Life(
        customer(26, "264.45"),
        "后续账单，复电后另行催费",
        "another bill, its own yellow notice",
        cut.another_bill,
        "restored",
        "yellow red approved ticket half-hour permit cut settled restored yellow settled",
    ),
    Life(
        customer(27, "512.00"),
        "撤销案件",
        "withdrawn",
        dunning.withdrawn,
        "withdrawn",
        "yellow red withdrawn",
    ),
    Life(
        customer(28, "238.60"),
        "停电后撤销，先复电",
        "withdrawn after the cut",
        cut.withdrawn_after_the_cut,
        "withdrawn",
        "yellow red approved ticket half-hour permit cut withdrawn restored",
    ),
    Life(
        customer(29, "205.90"),
        "在办案件被擅自停电",
        "unauthorised cut during a case",
        cut.unauthorised_in_a_case,
        "restored",
        "yellow found-cut restored settled",
        incidents=("unauthorised_cut",),
        breached=("R-02", "R-27"),
    ),
    Life(
        customer(30, "167.25", overdue_days=NOT_DUE_YET),
        "无案件而被停电",
        "unauthorised cut, no case",
        cut.unauthorised_without_a_case,
        "restored",
        "found-cut restored",
        incidents=("unauthorised_cut",),
        breached=("R-02", "R-27"),
    ),
    Life(
        customer(31, "289.95"),
        "09:58 交清，10:02 停电，迟报",
        "paid 09:58, cut 10:02, notified late",
        cut.reported_late,
        "restored",
        "yellow red approved ticket half-hour permit cut settled restored",
        incidents=("cut_after_settlement",),
    ),
    Life(
        customer(32, "231.70"),
        "95598 诉求复电",
        "restored through 95598",
        cut.asked_the_hotline,
        "restored",
        "yellow red approved ticket half-hour permit cut asked settled asked restored",
    ),
    Life(
        customer(33, "254.20"),
        "每日核查发现交清",
        "payment found by the daily sweep",
        cut.found_by_the_sweep,
        "restored",
        "yellow red approved ticket half-hour permit cut swept settled restored",
        alone=1,
    ),
    Life(
        customer(34, "272.85"),
        "半小时前营销系统无应答，改期",
        "billing silent at T − 30 min",
        dunning.billing_silent,
        "settled",
        "yellow red approved ticket half-hour void red settled",
        alone=2,
    ),
    Life(
        customer(35, "214.60"),
        "交费消息早于入账，再报后撤销许可",
        "announced twice: permit revoked",
        changed.announced_twice,
        "settled",
        "yellow red approved ticket not-booked given-up half-hour permit settled revoked not-cut",
    ),
    Life(
        customer(36, "306.45"),
        "审批后换表，重新送达，按新表停电",
        "meter replaced, served again",
        changed.meter_replaced,
        "restored",
        "yellow red approved record-changed void red approved ticket half-hour permit cut settled restored",
    ),
    Life(
        customer(37, "247.15"),
        "过户，重新催费",
        "holder changed, dunned anew",
        changed.holder_changed,
        "settled",
        "yellow red approved record-changed void yellow settled",
    ),
    Life(
        customer(38, "281.50"),
        "停电后过户，未交费即复电",
        "holder changed, restored unpaid",
        changed.holder_changed_without_supply,
        "restored",
        "yellow red approved ticket half-hour permit cut record-changed asked restored yellow settled",
    ),
    Life(
        customer(39, "259.80"),
        "停电后账单更正，按时复电",
        "bill corrected while cut off",
        changed.bill_corrected,
        "restored",
        "yellow red approved ticket half-hour permit cut swept settled restored",
    ),
    Life(
        customer(40, "228.35"),
        "只差一分，结案",
        "a cent left over",
        changed.a_cent_left,
        "settled",
        "yellow settled",
    ),
    Life(
        customer(41, "233.05"),
        "邻户表计被停，即复电，本户照常",
        "a neighbour found cut, restored first",
        changed.neighbour_found_cut,
        "restored",
        "yellow red approved ticket half-hour permit cut found-cut restored settled restored",
        incidents=("wrong_meter",),
        breached=("R-27",),
    ),
)

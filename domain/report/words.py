"""The wording of the monthly report, in Chinese and in English: its titles, rows, columns and notes."""

from unicodedata import east_asian_width

from domain import words
from domain.papers.sheets import Language
from domain.words import Both, in_report

TITLE = Both("用电客户欠费停复电情况月度报告", "Monthly report on disconnection for arrears")
MADE_AT = Both("编制时间", "Made")
NUMBER, AMOUNT = Both("数量", "number"), Both("金额（元）", "amount")
ITEM = Both("项目", "item")
COLUMNS: tuple[tuple[str, Both], ...] = (
    ("opened", Both("立案", "opened")),
    ("closed", Both("结案", "closed")),
    ("open", Both("期末在办", "open at end")),
    ("settled", Both("本期清回（元）", "settled")),
    ("owed", Both("期末尚欠（元）", "owed at end")),
    ("cuts", Both("依程序停电", "cuts")),
    ("unauthorised", Both("违规停电", "unauthorised")),
    ("restored", Both("复电", "restored")),
    ("breaches", Both("逾时复电", "breaches")),
)
CLASSES = in_report(words.CLASSES) | {"": Both("未知", "not known")}
STAGES = in_report(words.STAGES, *(stage for stage in words.STAGES if stage != "closed"))
OUTCOMES = in_report(words.OUTCOMES)
ROLES = in_report(words.ROLES, "team_leader", "station_head", "centre_director", "company_leader")
INCIDENTS = in_report(words.INCIDENTS)
HOLDS = in_report(words.HOLDS)
SCOPES = in_report(words.SCOPES)
STEPS: tuple[tuple[str, Both], ...] = (
    ("within_4", Both("4小时以内", "up to 4 h")),
    ("within_12", Both("4至12小时", "4 to 12 h")),
    ("within_20", Both("12至20小时", "12 to 20 h")),
    ("within_24", Both("20至24小时", "20 to 24 h")),
    ("exception", Both("特殊情况，第二天", "exception")),
    ("later", Both("逾时", "later")),
)
NOTES = (
    Both(
        "每一事项计入系统获悉该事项的月份；此前发生、本月获悉的，计入本月，各月不重不漏。",
        "Each event counts in the month in which the case learned of it, so that each is in exactly one report.",
    ),
    Both(
        "金额为逾期电费本金，不含违约金，以营销系统的答复为准：期初＋立案＋新增－清回－结案未清＝期末。",
        "Amounts are overdue principal without late fee, as billing told it: brought forward + opened with + added"
        " − settled − left unpaid = owed at the end.",
    ),
    Both(
        "复电用时自结清（或约定分期、撤销；违规停电自获悉时）起计。中位数、九成为实际观测值。",
        "Time to light runs from settlement (a plan, a withdrawal; after an unauthorised cut, from its report)."
        " Median and 90 % are observed values.",
    ),
    Both(
        "报告不含户名、地址、电话；重要用户列户号，以便与报备核对。",
        "No names, addresses or telephones; important customers by account, to be matched with their filings.",
    ),
)
COUNTED = (ITEM, NUMBER)
STAGE, ROLE, KIND = Both("阶段", "stage"), Both("审批人", "role"), Both("类别", "kind")
NAME = Both("名称", "name")
NOTICE_COLUMNS = {
    "issued": Both("开具", "issued"),
    "delivered": Both("送达", "delivered"),
    "refused": Both("拒签", "signature refused"),
    "paid": Both("因结清作废", "void by payment"),
    "void": Both("其他作废", "void otherwise"),
}
RESTORATION_COLUMNS = (ITEM, Both("依程序停电后", "after a cut"), Both("违规停电后", "after an unauthorised cut"))
INCIDENT_COLUMNS = (Both("本期上报", "opened"), Both("本期结案", "closed"), Both("期末未结", "open at end"))
IMPORTANT_COLUMNS = (
    Both("户号", "account"),
    Both("报备", "filings"),
    Both("依程序停电", "cuts"),
    Both("违规停电", "unauthorised"),
    Both("复电", "restored"),
)
ORDER_COLUMNS = (
    Both("范围", "scope"),
    Both("对象", "of"),
    Both("事由", "reason"),
    Both("起", "from"),
    Both("止", "to"),
)


def in_one_line(label: Both | str, language: Language) -> str:
    """A label as it stands in a table of the text: no bar and no new line within it."""
    said = label if isinstance(label, str) else str(getattr(label, language))
    return said.replace("|", "/").replace("\n", " ")


def width(text: str) -> int:
    """Columns it takes on a terminal: a Chinese character takes two."""
    return sum(2 if east_asian_width(ch) in "WF" else 1 for ch in text)

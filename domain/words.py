"""What everything is called, in Chinese and in English: roles, classes, stages, outcomes, incidents, holds, scopes.

One table for each, for screens, papers and the report alike. Where a paper has worded a name otherwise since its first
version, the table says so. A paper is named by its digest, and must print again byte by byte.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

from domain.vocabulary import CustomerClass, IncidentKind, Outcome, Role, Stage


class Both(NamedTuple):
    """The same in Chinese and in English."""

    zh: str
    en: str


class Name(NamedTuple):
    """A name in both languages; `in_report` and `in_proof` where that paper has a wording of its own."""

    zh: str
    en: str
    in_report: Both | None = None
    in_proof: str = ""


ROLES: dict[Role, Name] = {
    "reader": Name("抄表员", "reader"),
    "team_leader": Name("抄表班长", "team leader"),
    "centre_director": Name("抄表中心主任", "centre director"),
    "company_leader": Name("公司主管领导", "company leader"),
    "station_head": Name("营业站站长", "station head"),
    "field_crew": Name("供电单位", "field crew"),
    "hotline": Name("95598", "hotline"),
    "liaison": Name("联络员", "liaison"),
    "operator": Name("操作员", "operator"),
}
CLASSES: dict[CustomerClass, Name] = {
    "residential": Name("居民", "residential"),
    "non_residential": Name("非居民", "non-residential"),
}
STAGES: dict[Stage, Name] = {
    "yellow_notice": Name("黄色催费", "yellow notice", in_proof="黄色催费单"),
    "red_notice": Name("红色通知", "red notice", in_proof="红色通知书"),
    "ticketed": Name("已出停电工作票", "ticketed", in_proof="已出工作票"),
    "final_half_hour": Name("停电前半小时", "last half-hour"),
    "disconnected": Name("已停电", "disconnected"),
    "restoring": Name("复电中", "restoring"),
    "closed": Name("已结案", "closed"),
}
OUTCOMES: dict[Outcome, Name] = {
    "settled": Name("结清", "settled", Both("结清，未停电", "settled, not cut")),
    "restored": Name("已复电", "restored", Both("停电后已复电", "restored after a cut")),
    "withdrawn": Name("已撤销", "withdrawn", Both("撤销", "withdrawn")),
}
INCIDENTS: dict[IncidentKind, Name] = {
    "unauthorised_cut": Name("未经批准停电", "unauthorised cut"),
    "cut_after_settlement": Name("结清后停电", "cut after settlement"),
    "wrong_meter": Name("错表", "wrong meter"),
    "restoration_breach": Name("逾时复电", "restoration breach"),
}
HOLDS: dict[Literal["dispute", "hardship", "medical", "moratorium", "other"], Name] = {
    "dispute": Name("争议", "dispute"),
    "hardship": Name("困难", "hardship"),
    "medical": Name("医疗", "medical"),
    "moratorium": Name("暂缓停电", "moratorium"),
    "other": Name("其他", "other"),
}
SCOPES: dict[Literal["region", "class", "centre"], Name] = {
    "region": Name("区域", "region"),
    "class": Name("用电类别", "customer class", Both("用电类别", "class")),
    "centre": Name("抄表中心", "reading centre", Both("抄表中心", "centre")),
}

FIELDS: dict[str, Name] = {
    "name": Name("户名", "name"),
    "address": Name("用电地址", "address"),
    "phone": Name("联系电话", "phone"),
    "email": Name("邮箱", "email"),
    "preferred_channel": Name("告知渠道", "preferred channel"),
    "meter_id": Name("表号", "meter"),
    "customer_class": Name("用电类别", "customer class"),
    "important": Name("重要用户", "important customer"),
    "region": Name("区域", "region"),
    "reading_centre": Name("抄表中心", "reading centre"),
    "business_station": Name("营业站", "business station"),
    "field_unit": Name("供电单位", "field unit"),
    "reader": Name("抄表员", "reader"),
    "team_leader": Name("抄表班长", "team leader"),
}
FOLLOWS: dict[str, Name] = {
    "new_yellow": Name("原通知书作废，重新送达黄色催费单", "the notices are void, deliver the new yellow notice"),
    "new_notice": Name("未送达的通知书作废，按新地址送达", "the undelivered notice is void, deliver the new one"),
    "new_red": Name("本次停电终止，重新送达红色通知书", "the attempt has ended, deliver the new red notice"),
    "restore_unpaid": Name("无须缴清，24小时内复电", "restore supply within 24 hours, paid or not"),
    "ticket_names_meter": Name("复电工作票改列现装表计", "the restoration ticket names the meter now installed"),
    "both_units": Name("复电工作票由两个供电单位共同持有", "both field units hold the restoration ticket"),
    "ticket_amended": Name("告知持复电工作票的供电单位", "the crew with the restoration ticket is notified"),
    "more_demanded": Name("按变更后的类别补齐审批、报备", "complete approvals and filing for the class"),
    "handed_over": Name("由档案所列单位和人员接办", "the units and persons of the record take over"),
    "serve_again": Name("档案多次变更，请决定是否重新通知", "decide whether to serve again"),
    "use_it": Name("今后按现有档案办理", "act on the record as it is now"),
}
"""What is to be done after a change of the record (R-32); none of them contains a semicolon."""


def name_of(names: Mapping[Any, Name], key: str, language: str) -> str:
    """What something is called in a language; a key that the table does not know stays as it is."""
    name = names.get(key)
    if name is None:
        return key
    return name.zh if language == "zh" else name.en


def words_of(names: Mapping[str, Name], keys: Iterable[str], language: str) -> str:
    """Several names in a row. A key may be the English name too: so a recorded sentence is put into Chinese."""
    by_english = {name.en: key for key, name in names.items()}
    said = [name_of(names, by_english.get(key, key), language) for key in keys]
    return "、".join(said) if language == "zh" else ", ".join(said)


def both_of(names: Mapping[Any, Name], key: str) -> str:
    """What something is called on a screen: Chinese first, then English."""
    name = names.get(key)
    return f"{name.zh} {name.en}" if name else key


def in_report(names: Mapping[Any, Name], *keys: str) -> dict[str, Both]:
    """These names as the monthly report words them; all of them if no key is given."""
    chosen = {key: names[key] for key in keys or names}
    return {key: name.in_report or Both(name.zh, name.en) for key, name in chosen.items()}


def role_name(role: str, language: str) -> str:
    """The name of a role."""
    return name_of(ROLES, role, "zh") if language == "zh" else spaced(role)


def state_name(state: str, language: str) -> str:
    """The name of a stage, an outcome or a customer class, as a proof prints it."""
    if language != "zh":
        return spaced(state)
    states: dict[str, Name] = dict((*STAGES.items(), *OUTCOMES.items(), *CLASSES.items()))
    return (states[state].in_proof or states[state].zh) if state in states else state


def spaced(name: str) -> str:
    """A name as English words."""
    return name.replace(".", " ").replace("_", " ")

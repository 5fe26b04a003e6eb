"""What evidence says happened, who is who, how a case ended: the Chinese word for each name in the record."""

from typing import NamedTuple

_ROLES_ZH = {
    "reader": "抄表员",
    "team_leader": "抄表班长",
    "centre_director": "抄表中心主任",
    "company_leader": "公司主管领导",
    "station_head": "营业站站长",
    "field_crew": "供电单位",
    "hotline": "95598",
    "liaison": "联络员",
    "operator": "操作员",
}
_STATES_ZH = {
    "settled": "结清",
    "restored": "已复电",
    "withdrawn": "已撤销",
    "yellow_notice": "黄色催费单",
    "red_notice": "红色通知书",
    "ticketed": "已出工作票",
    "final_half_hour": "停电前半小时",
    "disconnected": "已停电",
    "restoring": "复电中",
    "closed": "已结案",
    "residential": "居民",
    "non_residential": "非居民",
}


def role_name(role: str, language: str) -> str:
    """The name of a role."""
    return _ROLES_ZH.get(role, role) if language == "zh" else spaced(role)


def state_name(state: str, language: str) -> str:
    """The name of a stage, an outcome or a customer class."""
    return _STATES_ZH.get(state, state) if language == "zh" else spaced(state)


class Both(NamedTuple):
    """The same in Chinese and in English."""

    zh: str
    en: str


def spaced(name: str) -> str:
    """A name as English words."""
    return name.replace(".", " ").replace("_", " ")

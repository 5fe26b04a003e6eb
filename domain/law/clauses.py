"""Which clause of the regulation governs a stage: what a line says that has no nearer one."""

from domain.vocabulary import Stage

CLAUSE_OF_STAGE: dict[Stage, str] = {
    "yellow_notice": "II.1",
    "red_notice": "II.2",
    "ticketed": "II.3",
    "final_half_hour": "II.4",
    "disconnected": "III.1",
    "restoring": "III.3",
    "closed": "II.0",
}

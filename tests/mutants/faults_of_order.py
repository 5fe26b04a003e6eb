"""Edits that are not deterministic: open cases would be stuck after them. Replay finds them, or the command order."""

from tests.mutants.fault import Fault

REPLAY = "tests/workflows/test_replay.py"
ORDER = "tests/workflows/test_command_order.py"

FAULTS = (
    Fault(
        name="two commands change places",
        rule="replay",
        file="workflows/arrears_case.py",
        right="        self.show()\n        answered = await self.billing.read_circumstances(at_once=True)\n",
        wrong="        answered = await self.billing.read_circumstances(at_once=True)\n        self.show()\n",
        tests=(REPLAY,),
    ),
    Fault(
        name="an upsert is dropped",
        rule="replay",
        file="workflows/case_desk.py",
        right="shows = (shown_stage(facts), roles, views.restore_due_by(facts))",
        wrong="shows = (shown_stage(facts), views.restore_due_by(facts))",
        tests=(REPLAY,),
    ),
    Fault(
        name="one more timer",
        rule="replay",
        file="workflows/arrears_case.py",
        right="        facts = reach_half_hour(self.facts, workflow.now())\n",
        wrong="        await workflow.sleep(1)\n        facts = reach_half_hour(self.facts, workflow.now())\n",
        tests=(REPLAY,),
    ),
    Fault(
        name="one more question to billing",
        rule="replay",
        file="domain/case/billing_answers.py",
        right="hints_answered=max(hints, facts.hints_answered),",
        wrong="hints_answered=max(hints - 1, facts.hints_answered),",
        tests=(REPLAY,),
    ),
    Fault(
        name="an activity is renamed",
        rule="replay",
        file="activities/billing.py",
        right="    @activity.defn(no_thread_cancel_exception=True)\n    def look_around(",
        wrong='    @activity.defn(name="look_about", no_thread_cancel_exception=True)\n    def look_around(',
        tests=(REPLAY,),
    ),
    Fault(
        name="an activity where there was a local one",
        rule="replay",
        file="workflows/record_keeper.py",
        right=(
            "await workflow.execute_local_activity_method(\n"
            "                    RegisterActivities.write_record, record, **wait.REGISTER_AT_ONCE\n"
            "                )\n"
        ),
        wrong="await insist(RegisterActivities.write_record, record, wait.REGISTER)\n",
        tests=(REPLAY,),
    ),
    Fault(
        name="a timer beside every paper and ticket",
        rule="replay",
        file="workflows/case_desk.py",
        right="        self.show()\n        self.in_background(work())",
        wrong="        asyncio.create_task(workflow.sleep(9))\n        self.show()\n        self.in_background(work())",
        tests=(REPLAY,),
    ),
    Fault(
        name="a summary that Temporal UI shows says something else",
        rule="order",
        file="workflows/arrears_case.py",
        right='summary = "II.1 yellow notice" if kind == "yellow" else "II.2 red notice"',
        wrong='summary = "II.1 yellow notice" if kind == "yellow" else "II.1 yellow notice"',
        tests=(f"{ORDER}::test_a_life_asks_for_what_is_written_and_in_that_order[settled]",),
    ),
    Fault(
        name="a timer that Temporal UI shows says something else",
        rule="order",
        file="domain/case/due_times.py",
        right='"II.3 ticket, the day before"',
        wrong='"II.3 ticket"',
        tests=(f"{ORDER}::test_a_life_asks_for_what_is_written_and_in_that_order[ticketed]",),
    ),
)

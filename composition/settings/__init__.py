"""Settings from the environment: `model` has them all, `fields` the form of each, `strength` what production refuses.

Nothing is connected here. `checkup` is for the doctor alone.
"""

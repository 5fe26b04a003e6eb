"""The whole table of deliberate faults, in the order of the regulation."""

from tests.mutants import (
    faults_around_it,
    faults_of_changes,
    faults_of_cutting,
    faults_of_hints,
    faults_of_notices,
    faults_of_order,
    faults_of_proofs,
    faults_of_supply,
)
from tests.mutants.fault import Fault

FAULTS: tuple[Fault, ...] = (
    *faults_of_notices.FAULTS,
    *faults_of_cutting.FAULTS,
    *faults_of_supply.FAULTS,
    *faults_of_changes.FAULTS,
    *faults_around_it.FAULTS,
    *faults_of_order.FAULTS,
    *faults_of_hints.FAULTS,
    *faults_of_proofs.FAULTS,
)

"""The contract on a small stream of pairs: every strategy that says `learns_pairs`."""

from helpers import contract


@contract("pairs")
def test_contract(check):
    check()

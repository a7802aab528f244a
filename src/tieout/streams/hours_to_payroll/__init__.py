"""Hours to payroll: what the ledger accepted of each person is told to the payroll, once, by pay period."""

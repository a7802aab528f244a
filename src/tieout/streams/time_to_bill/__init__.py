"""From accepted, rated time to journals in the ledger: grouping, accounting dates, smaller journals after a refusal."""

"""What targets hold, against what they acknowledged: the comparison, its findings, and sending again what is right."""

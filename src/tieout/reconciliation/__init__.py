"""Proof, by readers of their own: what was taken in is posted, in exception, in doubt or excluded, to the cent."""

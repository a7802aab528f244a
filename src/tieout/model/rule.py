"""Saying no: how a canonical object refuses a value that breaks a rule of its own kind."""

from typing import NoReturn

from tieout.errors import ContractError


def refuse(record: str, rule: str) -> NoReturn:
    """Raise ContractError: ``record`` names the object and its key, ``rule`` says what does not hold."""
    raise ContractError(code="TIE-MODEL-001", message=f"{record}: {rule}.")

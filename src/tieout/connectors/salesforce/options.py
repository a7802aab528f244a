"""A system's settings as typed values. Neighbours: ``manifest`` declares them, all other modules use these values."""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from tieout.connectors.salesforce.fields import (
    ACCOUNT,
    CONTRACT,
    DEFAULT_CONTRACT_STATES,
    DEFAULT_FIELDS,
    KINDS,
    LINE,
    OPPORTUNITY,
    PROJECT_LINK,
    RATE_CARD_CODE,
    Kind,
)
from tieout.connectors.salesforce.manifest import CLIENT_CREDENTIALS, JWT_BEARER, PAGE_SIZE, SMALLEST_PAGE
from tieout.errors import ConfigurationError, ContractError
from tieout.model.contract import ContractState
from tieout.model.money import exponent

_NONE: Final = "none"
_NAME: Final = r"[A-Za-z][A-Za-z0-9_]*"
_PATH: Final = re.compile(rf"{_NAME}(?:\.{_NAME}){{0,4}}")
_CHANNEL: Final = re.compile(r"/data/[A-Za-z][A-Za-z0-9_]*")
_FIELD_SETTINGS: Final = {
    "client_fields": ACCOUNT,
    "deal_fields": OPPORTUNITY,
    "line_fields": LINE,
    "contract_fields": CONTRACT,
}
_MUST_BE_OWN: Final = {
    ACCOUNT: ("code",),
    CONTRACT: ("code", RATE_CARD_CODE),
    OPPORTUNITY: ("project_code", "project_status", PROJECT_LINK),
}
_LONGEST_EVENT_WAIT_S: Final = 100
_LONGEST_ALLOCATION_WAIT_S: Final = 3600


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """One system's settings; see the manifest for what each means.

    ``fields`` gives the API name of every canonical field that the org has, by object. ``currency`` is None in an org
    with several currencies.
    """

    auth_flow: str
    currency: str | None
    fields: Mapping[str, Mapping[str, str]]
    contract_states: Mapping[str, str]
    reference_field: str
    change_channel: str
    event_wait_s: int
    allocation_wait_s: int
    page_size: int

    def path(self, vendor_object: str, name: str) -> str | None:
        """The API name of a canonical field of an object; None where the org does not have it."""
        return self.fields[vendor_object].get(name)

    def own_path(self, vendor_object: str, name: str) -> str | None:
        """As ``path``, for a field of the object itself: what lies behind a relation belongs to another record."""
        path = self.path(vendor_object, name)
        return None if path is None or "." in path else path


def options_of(settings: Mapping[str, str]) -> Options:
    """``settings``, the manifest's defaults included; raises ConfigurationError for one that cannot be."""
    flow = settings["auth_flow"]
    if flow not in {CLIENT_CREDENTIALS, JWT_BEARER}:
        raise _bad("auth_flow", flow, f"is neither {CLIENT_CREDENTIALS} nor {JWT_BEARER}")
    reference = settings["reference_field"]
    if not _PATH.fullmatch(reference) or "." in reference:
        raise _bad("reference_field", reference, "is no API name of a field")
    channel = settings["change_channel"]
    if not _CHANNEL.fullmatch(channel):
        raise _bad("change_channel", channel, "is no channel of change events")
    return Options(
        auth_flow=flow,
        currency=_currency(settings["currency"].strip()),
        fields={
            vendor_object: _fields(name, vendor_object, settings[name])
            for name, vendor_object in _FIELD_SETTINGS.items()
        },
        contract_states=_contract_states(settings["contract_states"]),
        reference_field=reference,
        change_channel=channel,
        event_wait_s=_whole("event_wait_s", settings["event_wait_s"], 0, _LONGEST_EVENT_WAIT_S),
        allocation_wait_s=_whole("allocation_wait_s", settings["allocation_wait_s"], 1, _LONGEST_ALLOCATION_WAIT_S),
        page_size=_whole("page_size", settings["page_size"], SMALLEST_PAGE, PAGE_SIZE),
    )


def _currency(text: str) -> str | None:
    if not text:
        return None
    try:
        exponent(text)
    except ContractError as error:
        raise _bad("currency", text, "is no currency of ISO 4217") from error
    return text


def _fields(setting: str, vendor_object: str, text: str) -> dict[str, str]:
    found = dict(DEFAULT_FIELDS[vendor_object])
    for name, path in _pairs(setting, text).items():
        if name not in KINDS[vendor_object]:
            raise _bad(setting, name, f"is none of the fields {', '.join(KINDS[vendor_object])}")
        if path == _NONE:
            found.pop(name, None)
        elif _PATH.fullmatch(path):
            found[name] = path
        else:
            raise _bad(setting, path, "is no API name of a field")
    required = [name for name, kind in KINDS[vendor_object].items() if kind is Kind.NAME and name not in found]
    if required:
        raise _bad(setting, f"{required[0]}={_NONE}", "leaves out a field that every record has")
    for name in _MUST_BE_OWN.get(vendor_object, ()):
        if "." in found.get(name, ""):
            raise _bad(setting, found[name], f"is a field of another record, and {name} is to be written")
    return found


def _contract_states(text: str) -> dict[str, str]:
    found = {**DEFAULT_CONTRACT_STATES, **_pairs("contract_states", text)}
    for state in found.values():
        if state not in set(ContractState):
            raise _bad("contract_states", state, f"is none of {', '.join(ContractState)}")
    return found


def _pairs(setting: str, text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        key, separator, value = (piece.strip() for piece in part.partition("="))
        if not separator or not key or not value or key in found:
            raise _bad(setting, part, "is not one of several NAME=VALUE")
        found[key] = value
    return found


def _whole(setting: str, text: str, least: int, most: int) -> int:
    if not text.isascii() or not text.isdecimal() or not least <= int(text) <= most:
        raise _bad(setting, text, f"is no whole number from {least} to {most}")
    return int(text)


def _bad(setting: str, value: str, why: str) -> ConfigurationError:
    return ConfigurationError(
        code="TIE-SALESFORCE-003", message=f"The setting {setting} of Salesforce cannot be used: {value!r} {why}."
    )

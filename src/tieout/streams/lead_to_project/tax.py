"""Whether everything is known that a tax engine needs, and which category it will come to (domain model 2.12). Pure.

The ERP or its tax engine owns rates and decides; a deal whose inputs are incomplete would only fail there at the first
invoice. Categories are those of EN 16931: S standard, AE reverse charge, G export, O out of scope, E exempt, Z zero.
"""

from typing import Final

import msgspec

_EU: Final = frozenset(
    {
        "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU",
        "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
    }
)  # fmt: skip
_TREATMENTS: Final = {
    "standard": "S",
    "reverse_charge": "AE",
    "export": "G",
    "out_of_scope": "O",
    "exempt": "E",
    "zero": "Z",
}


class TaxInputs(msgspec.Struct, frozen=True, kw_only=True):
    """Who supplies whom, from where to where; countries are ISO 3166 codes. ``treatment`` is what somebody decided."""

    supplier_country: str | None
    customer_country: str | None
    customer_tax_id: str | None
    treatment: str | None


class TaxCategory(msgspec.Struct, frozen=True):
    """The expected category, or what is missing to tell it."""

    code: str | None
    missing: tuple[str, ...] = ()


def expected_category(inputs: TaxInputs) -> TaxCategory:
    """What services come to: a decided treatment as it is; at home S; within the EU AE; else outside the scope.

    Between businesses services are taxed where the customer is. Billing needs a tax id, or a treatment that says why
    there is none.
    """
    if inputs.treatment is not None:
        code = _TREATMENTS.get("_".join(inputs.treatment.casefold().replace("-", " ").split()))
        return TaxCategory(code, () if code else (f"a known tax treatment instead of {inputs.treatment!r}",))
    needed = {
        "the country of the legal entity": inputs.supplier_country,
        "the country of the customer": inputs.customer_country,
        "the customer's tax id or a tax treatment": inputs.customer_tax_id,
    }
    missing = tuple(words for words, value in needed.items() if not value)
    if missing or inputs.supplier_country is None or inputs.customer_country is None:
        return TaxCategory(None, missing)
    supplier, customer = inputs.supplier_country.upper(), inputs.customer_country.upper()
    if supplier == customer:
        return TaxCategory("S")
    return TaxCategory("AE" if {supplier, customer} <= _EU else "O")

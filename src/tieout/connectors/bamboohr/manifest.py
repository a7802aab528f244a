"""What the BambooHR connector can do, as a declaration.

Pay is read only where a system's settings ask for it: ``connector`` adds ``PAY`` to the manifest of such a system.
"""

from typing import Final

from tieout.connect.manifest import CursorKind, DeleteVisibility, Manifest, ReadCapability, Role, Setting

EMPLOYEES_PER_PAGE: Final = 1_000
"""Page "Get Data from Dataset (v2)": ``pageSize`` is 100 unless asked for, and at most 1,000."""

HOLIDAYS_PER_PAGE: Final = 100
"""Page "List Company Holidays": ``pageSize`` is at most 100. One holiday may be several days in several countries."""

UNPAGED: Final = 100_000
"""Answers that the vendor does not cut into pages: changed employees, time off of a quarter, the days of holidays."""

CHANGE_OVERLAP_S: Final = 300.0
"""The vendor says nothing of rows that appear late; five minutes are for long requests and clocks that differ."""

PAY: Final = ReadCapability(
    object="compensation",
    cursor=CursorKind.UPDATED_AT,
    deletes=DeleteVisibility.ABSENCE,
    page_size=UNPAGED,
    overlap_s=CHANGE_OVERLAP_S,
)

MANIFEST: Final = Manifest(
    name="bamboohr",
    title="BambooHR",
    role=Role.HCM,
    api_version="v1, datasets v2",
    reads=(
        ReadCapability(
            object="employees",
            cursor=CursorKind.UPDATED_AT,
            deletes=DeleteVisibility.EVENT,
            page_size=EMPLOYEES_PER_PAGE,
            overlap_s=CHANGE_OVERLAP_S,
        ),
        ReadCapability(
            object="changed_employees",
            cursor=CursorKind.UPDATED_AT,
            deletes=DeleteVisibility.EVENT,
            page_size=UNPAGED,
            overlap_s=CHANGE_OVERLAP_S,
        ),
        ReadCapability(
            object="time_off",
            cursor=CursorKind.FULL,
            deletes=DeleteVisibility.ABSENCE,
            page_size=UNPAGED,
        ),
        ReadCapability(
            object="departments",
            cursor=CursorKind.FULL,
            deletes=DeleteVisibility.ABSENCE,
            page_size=UNPAGED,
        ),
        ReadCapability(
            object="holidays",
            cursor=CursorKind.FULL,
            deletes=DeleteVisibility.ABSENCE,
            page_size=UNPAGED,
        ),
    ),
    settings=(
        Setting(
            name="base_url",
            description="Where the API is, with the company in it: https://api.bamboohr.com/api/gateway.php/COMPANY.",
        ),
        Setting(name="api_key", description="API key of a user who may see what is to be read.", secret=True),
        Setting(
            name="webhook_private_key",
            description="The key that BambooHR shows once when a webhook is made; without it webhooks are refused.",
            secret=True,
            required=False,
        ),
        Setting(
            name="webhook_private_key_before",
            description="The key of the webhook that is being replaced, until it is deleted.",
            secret=True,
            required=False,
            beside="webhook_private_key",
        ),
        Setting(
            name="legal_entity_field",
            description="The field of the employee dataset that says which legal entity employs somebody: "
            "jobInformationDivision, jobInformationDepartment, jobInformationLocation or a custom field.",
            required=False,
            default="jobInformationDivision",
        ),
        Setting(
            name="fte_field",
            description="The custom field that holds the share of full time (1 is all of it); there is no other.",
            required=False,
        ),
        Setting(
            name="hours_per_day",
            description="Hours of a working day, for time off that is kept in parts of days.",
            required=False,
            default="8",
        ),
        Setting(
            name="time_off_from",
            description="The first day of time off that is read; it stays, so that what is gone was deleted.",
            required=False,
            default="2024-01-01",
        ),
        Setting(
            name="time_off_future_days",
            description="How many days ahead time off is read.",
            required=False,
            default="365",
        ),
        Setting(
            name="pay",
            description="no: pay is never asked for. read: compensation can be read, as cost rates.",
            required=False,
            default="no",
        ),
        Setting(
            name="hours_per_year",
            description="Hours that a salary pays for in a year; without it only pay by the hour becomes a cost rate.",
            required=False,
        ),
    ),
    max_in_flight_s=60.0,
    request_timeout_s=60.0,
    documentation=(
        "documentation.bamboohr.com, Get Data from Dataset (v2); Get Field Options (v1.2)",
        "documentation.bamboohr.com, Get Changed Employee IDs; Get Changed Employee Table Data",
        "documentation.bamboohr.com, Get Time Off Requests; List Company Holidays",
        "documentation.bamboohr.com, Webhooks (Global); Permissioned Webhooks; Planned Changes to the API",
    ),
)

"""What the product refuses by its own codes, as answers of the API: each code has one status.

A code that is not here is a mistake of whoever asked (400). Neighbour: ``web.problems`` words the answer.
"""

from typing import Any, Final

from litestar import Request, Response
from psycopg import DataError

from tieout.errors import ConfigurationError
from tieout.web.problems import defect, problem

STATUS: Final[dict[str, int]] = {
    "TIE-API-016": 412,
    "TIE-DESK-001": 404,
    "TIE-DESK-002": 422,
    "TIE-DESK-003": 403,
    "TIE-DESK-004": 403,
    "TIE-DESK-005": 409,
    "TIE-DESK-006": 409,
    "TIE-DESK-007": 422,
    "TIE-DESK-008": 422,
    "TIE-DESK-009": 404,
    "TIE-DESK-010": 422,
    "TIE-DESK-011": 400,
    "TIE-FIRM-001": 409,
    "TIE-FIRM-002": 404,
    "TIE-PROJECT-001": 404,
    "TIE-PROJECT-002": 403,
    "TIE-PROJECT-003": 409,
    "TIE-RECORD-003": 404,
}
_BAD_REQUEST: Final = 400


def refused(_: Request[Any, Any, Any], error: ConfigurationError) -> Response[bytes]:
    """The answer to what cannot be done as it was asked for."""
    return problem(STATUS.get(error.code, _BAD_REQUEST), error.code, f"{error.message} {error.next_step}".strip())


def unstorable(request: Request[Any, Any, Any], error: DataError) -> Response[bytes]:
    """The answer to text that no database keeps (a NUL in it); whatever else does not fit is a defect of ours."""
    if error.sqlstate is not None:
        return defect(request, error)
    return problem(_BAD_REQUEST, "TIE-API-008", "A text in the request has a character that cannot be stored (NUL).")

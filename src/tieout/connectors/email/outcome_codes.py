"""What a mail server's answers mean (RFC 5321, 4.2.1 and 4.2.5; RFC 3463).

4yz: not taken, may be handed in again. 5yz: refused. A message counts as taken only by 250 after its last line, and as
not taken by a refusal or where its content was never sent; anything else after that is in doubt.
"""

import re
from typing import Final

from tieout.connect.outcome import Accepted, NoAccess, Outcome, Rejected, RejectionCode, RetryLater, Unknown
from tieout.connectors.email.client import Stage, Told
from tieout.errors import AccessError, TransientError

_TAKEN: Final = 250
_AUTHENTICATION: Final = frozenset({530, 534, 535, 538})
_POLICY: Final = re.compile(r"5\.7\.\d+")
_AGAIN, _REFUSED, _END = 400, 500, 600
_MOST_WORDS: Final = 300


def outcome_of(told: Told, message_id: str) -> Outcome:
    """The outcome of handing in a message that is known by ``message_id``."""
    words = f"{told.code or 'no answer'} at {told.stage}: {told.words}"[:_MOST_WORDS]
    code = told.code
    if code is None:
        return Unknown(reason=words) if told.stage is Stage.CONTENT else RetryLater(reason=words)
    if told.stage is Stage.CONTENT and code == _TAKEN:
        return Accepted(ref=message_id)
    if _AGAIN <= code < _REFUSED:
        return RetryLater(reason=words)
    if _REFUSED <= code < _END:
        policy = _POLICY.match(told.words) is not None and told.stage is Stage.SENDER
        if told.stage is Stage.SIGN_IN or code in _AUTHENTICATION or policy:
            return NoAccess(words=words)
        return Rejected(code=RejectionCode.INVALID, words=words, vendor_code=str(code))
    return Unknown(reason=words) if told.stage is Stage.CONTENT else RetryLater(reason=words)


def raise_unless_signed_in(told: Told) -> None:
    """Raise AccessError (TIE-EMAIL-002) where the user was refused, TransientError (-003) where nobody answered."""
    if told.code == _TAKEN:
        return
    words = f"The mail server says {told.code or 'nothing'} at {told.stage}: {told.words}"[:_MOST_WORDS]
    if told.stage is Stage.SIGN_IN and told.code is not None and told.code >= _REFUSED:
        raise AccessError(code="TIE-EMAIL-002", message=words)
    raise TransientError(code="TIE-EMAIL-003", message=words)

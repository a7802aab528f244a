"""What an answer of Slack means. ``ok`` decides, not the status; an error that is not listed leaves a notice in doubt.

Page "chat.postMessage": ``fatal_error`` may have had an effect, and so may whatever else the vendor calls its fault.
"""

from typing import Final

from tieout.connect.http import HttpAnswer
from tieout.connect.json_codec import decode_strict_as
from tieout.connect.outcome import Accepted, NoAccess, Outcome, Rejected, RejectionCode, RetryLater, Unknown
from tieout.connectors.slack.records import SlackAnswer, SlackHistory
from tieout.errors import AccessError, ContractError, TransientError

NO_ACCESS: Final = frozenset(
    {
        "access_denied", "account_inactive", "ekm_access_denied", "enterprise_is_restricted", "invalid_auth",
        "missing_scope", "no_permission", "not_allowed_token_type", "not_authed", "org_login_required",
        "team_access_not_granted", "token_expired", "token_revoked",
    }
)  # fmt: skip
REFUSED: Final = frozenset(
    {
        "as_user_not_supported", "channel_not_found", "invalid_arg_name", "invalid_arguments", "invalid_blocks",
        "invalid_blocks_format", "invalid_charset", "invalid_json", "invalid_metadata_format",
        "invalid_metadata_schema", "is_archived", "is_inactive", "message_limit_exceeded", "metadata_too_large",
        "msg_blocks_too_long", "msg_too_long", "no_text", "not_in_channel", "restricted_action",
        "restricted_action_read_only_channel", "too_many_attachments",
    }
)  # fmt: skip
LIMITED: Final = frozenset({"message_limit_exceeded_per_second", "rate_limited", "ratelimited"})
_OK, _TOO_MANY = 200, 429


def outcome_of(answer: HttpAnswer) -> Outcome:
    """The outcome of ``chat.postMessage``."""
    if answer.status == _TOO_MANY:
        return RetryLater(reason="Slack takes no more messages for now (HTTP 429).", after_s=answer.retry_after_s)
    told = _answer(answer)
    if answer.status != _OK or told is None:
        return Unknown(reason=f"HTTP {answer.status} with {len(answer.body)} bytes is no answer that Slack documents.")
    if told.ok:
        if told.channel is None or told.ts is None:
            return Unknown(reason="Slack says ok and does not name the message.")
        return Accepted(ref=f"{told.channel}:{told.ts}")
    return _refusal(told.error or "no error code", answer)


def _refusal(code: str, answer: HttpAnswer) -> Outcome:
    if code in NO_ACCESS:
        return NoAccess(words=f"Slack refuses the token or its rights: {code}.")
    if code in LIMITED:
        return RetryLater(reason=f"Slack takes no more messages for now: {code}.", after_s=answer.retry_after_s)
    if code in REFUSED:
        return Rejected(code=RejectionCode.INVALID, words=f"Slack refused the message: {code}.", vendor_code=code)
    return Unknown(reason=f"Slack answered {code}, after which the message may be there.")


def history_of(answer: HttpAnswer, channel: str) -> SlackHistory:
    """A page of history.

    Raises AccessError (the token may not read it), TransientError (busy, or no answer that is documented).
    """
    try:
        page = decode_strict_as(answer.body, SlackHistory)
    except ContractError:
        page = None
    if answer.status == _OK and page is not None and page.ok:
        return page
    code = f"HTTP {answer.status}" if page is None else page.error or "no error code"
    words = f"Slack does not show the history of {channel}: {code}."
    if code in NO_ACCESS or code in REFUSED:
        raise AccessError(code="TIE-SLACK-001", message=words)
    raise TransientError(code="TIE-SLACK-002", message=words, retry_after_s=answer.retry_after_s)


def _answer(answer: HttpAnswer) -> SlackAnswer | None:
    try:
        return decode_strict_as(answer.body, SlackAnswer)
    except ContractError:
        return None

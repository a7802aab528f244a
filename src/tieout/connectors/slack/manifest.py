"""What the Slack connector can do, as a declaration.

``chat.postMessage`` honours no key, so the reference of a notice travels in the message's metadata and is looked up by
``conversations.history``: class L. That needs the scopes ``chat:write`` and ``channels:history`` (in private channels
``groups:history``) of an app that the firm made for its own workspace.
"""

from typing import Final

from tieout.connect.manifest import IdempotencyClass, Limits, Manifest, Role, Setting, WriteCapability

LIMITS: Final = Limits(requests_per_window=50, window_s=60.0, concurrency=1)
"""Page "Rate limits": about one message a second into a channel; history is of tier 3, 50 requests a minute."""

HISTORY_DAYS: Final = 30
"""How far back a notice without an answer is looked for; a hub that was down for longer than that may tell it again."""

MANIFEST: Final = Manifest(
    name="slack",
    title="Slack",
    role=Role.NOTICES,
    api_version="Web API",
    writes=(WriteCapability(command="send_notice", idempotency=IdempotencyClass.L),),
    limits=LIMITS,
    settings=(
        Setting(name="bot_token", description="Bot token of the firm's own app (xoxb-...).", secret=True),
        Setting(
            name="channels",
            description="Ids of the channels that notices may go to, apart by semicolons (C0123ABCD; C0456EFGH). The "
            "app must be a member: what is sent there and not answered is looked up there.",
        ),
        Setting(
            name="base_url",
            description="Where the API is; a simulator has another.",
            required=False,
            default="https://slack.com/api",
        ),
    ),
    max_in_flight_s=60.0,
    request_timeout_s=30.0,
    read_your_write_lag_s=1.0,
    documentation=(
        "docs.slack.dev, Web API: chat.postMessage, conversations.history",
        "docs.slack.dev, Using message metadata; Rate limits; Formatting message text; Block Kit",
    ),
)

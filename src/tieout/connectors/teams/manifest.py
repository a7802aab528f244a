"""What the Teams connector can do, as a declaration.

A workflow ("When a Teams webhook request is received") posts an adaptive card to the one channel that it was made for.
It answers 202 once it runs, honours no key and shows nothing of what it posted: class N, so that the machine never
sends a card twice.
"""

from typing import Final

from tieout.connect.manifest import IdempotencyClass, Limits, Manifest, Role, Setting, WriteCapability

LIMITS: Final = Limits(requests_per_window=4, window_s=1.0, concurrency=1)
"""About four requests a second; more are answered with 429."""

MANIFEST: Final = Manifest(
    name="teams",
    title="Microsoft Teams",
    role=Role.NOTICES,
    api_version="Workflows webhook, adaptive card 1.4",
    writes=(WriteCapability(command="send_notice", idempotency=IdempotencyClass.N),),
    limits=LIMITS,
    settings=(
        Setting(
            name="webhook_url",
            description="Address of the workflow, as Teams shows it when one is made; whoever has it can post.",
            secret=True,
        ),
    ),
    max_in_flight_s=120.0,
    request_timeout_s=30.0,
    documentation=(
        "learn.microsoft.com, Create incoming webhooks with Workflows for Microsoft Teams",
        "learn.microsoft.com, Retirement of Office 365 connectors within Microsoft Teams",
        "adaptivecards.io, Schema explorer: AdaptiveCard 1.4",
    ),
)

"""What the e-mail connector can do, as a declaration.

A server that took a message answers 250; where the answer is lost it may have it or not, and none shows what it took.
The Message-ID is the same for the same notice, but nobody is bound to drop a second one: class N.
"""

from typing import Final

from tieout.connect.manifest import IdempotencyClass, Limits, Manifest, Role, Setting, WriteCapability

LIMITS: Final = Limits(requests_per_window=30, window_s=60.0, concurrency=1)
"""Mail servers that have a limit allow at least thirty messages a minute from one mailbox."""

MANIFEST: Final = Manifest(
    name="email",
    title="E-mail",
    role=Role.NOTICES,
    api_version="SMTP, RFC 5321",
    writes=(WriteCapability(command="send_notice", idempotency=IdempotencyClass.N),),
    limits=LIMITS,
    settings=(
        Setting(name="server", description="Mail server for submission, with port (smtp.example.com:587)."),
        Setting(
            name="tls",
            description="starttls (usual, port 587) or implicit (port 465). Nothing is sent without TLS.",
            required=False,
            default="starttls",
        ),
        Setting(name="sender", description="Address that notices come from; the user must be allowed to send as it."),
        Setting(name="username", description="User of the mail server."),
        Setting(name="password", description="The user's password, or an app password.", secret=True),
        Setting(
            name="ca_file",
            description="PEM file of an authority to trust beside those of the machine, where the firm has its own.",
            required=False,
        ),
    ),
    speaks_http=False,
    max_in_flight_s=600.0,
    request_timeout_s=60.0,
    documentation=(
        "RFC 5321, Simple Mail Transfer Protocol; RFC 6409, Message Submission; RFC 3207, STARTTLS; RFC 4954, AUTH",
        "RFC 3463, Enhanced Mail System Status Codes; RFC 5322, Internet Message Format",
    ),
)

"""Writes the reference pages that are made from the code: errors, findings, the API. ``make check`` compares them."""

import sys
from pathlib import Path

from litestar import Litestar

from tieout.api.app import health, ready
from tieout.api.description import described
from tieout.api.resources.routes import openapi_config, routes
from tieout.api.time_entries import hand_in_time
from tieout.api.webhooks import receive_webhook
from tieout.connect.fault_point import FAULT_POINTS
from tieout.errors import CATALOGUE as ERRORS
from tieout.model.access import ROLE_SCOPES, Role, Scope
from tieout.model.finding_codes import CATALOGUE as FINDINGS
from tieout.web.entrance import dependencies
from tieout.web.token_endpoint import issue_token

REFERENCE = Path(__file__).parent.parent / "docs" / "reference"


def pages() -> dict[str, str]:
    """The generated pages by file name."""
    return {
        "errors.md": errors_page(),
        "findings.md": findings_page(),
        "fault-points.md": fault_points_page(),
        "access.md": access_page(),
        "api.md": api_page(),
    }


def errors_page() -> str:
    """Every error code, what it means, what to do."""
    rows = [f"| `{code}` | {entry.title} | {entry.next_step} |" for code, entry in sorted(ERRORS.items())]
    return _table("Errors", "Codes of errors: what each means and what to do next.", "code | meaning | next", rows)


def findings_page() -> str:
    """Every finding code."""
    rows = [
        f"| `{code}` | {row.title} | {row.owner.value} | {'held' if row.blocks else 'noted'} | {row.next_step} |"
        for code, row in sorted(FINDINGS.items())
    ]
    words = "What can be wrong with a record: who owns it, whether the record is held, and what to do next."
    return _table("Findings", words, "code | meaning | owner | record | next", rows)


def fault_points_page() -> str:
    """Every named fault point."""
    rows = [f"| `{name}` | {words} |" for name, words in sorted(FAULT_POINTS)]
    words = "Boundaries at which tests kill the process, and what is durable there."
    return _table("Fault points", words, "name | durable there", rows)


def access_page() -> str:
    """Every scope, and which roles have it."""
    roles = [role.value for role in Role]
    rows = [
        f"| `{scope.value}` | " + " | ".join("x" if scope in ROLE_SCOPES[role] else "" for role in Role) + " |"
        for scope in Scope
    ]
    words = (
        "What somebody may do is said by scopes, `object:verb`. People get them by roles, programs singly; each for "
        "all legal entities or for some ([how](../how-to/give-access.md)). `time:submit` is for programs only. Whoever "
        "gives rights approves nothing; nobody gives himself rights or approves what he proposed."
    )
    return _table("Access", words, f"scope | {' | '.join(roles)}", rows)


def api_page() -> str:
    """Every operation of the API with the scope that it asks for."""
    doors = [health, ready, hand_in_time, receive_webhook, issue_token, *routes()]
    app = Litestar(doors, dependencies=dependencies(), openapi_config=openapi_config())
    rows = []
    for path, methods in described(app.openapi_schema.to_schema(), app.routes)["paths"].items():
        for method, operation in methods.items():
            scopes = ", ".join(f"`{one}`" for wanted in operation["security"] for one in wanted["token"])
            codes = " ".join(sorted(operation["responses"]))
            rows.append(f"| `{method.upper()} {path}` | {operation['summary']} | {scopes or 'open'} | {codes} |")
    words = (
        "Every operation of the API: what it is for, the scope that it asks for (`open`: none, or a proof of its own), "
        "the statuses that it answers with. Parameters, bodies and examples are in `/schema/openapi.json`, events in "
        "`/schema/asyncapi.json`; refusals carry codes of the [reference of errors](errors.md). "
        "[How to use it](../how-to/use-the-api.md)."
    )
    return _table("API", words, "operation | what for | scope | statuses", rows)


def _table(title: str, words: str, header: str, rows: list[str]) -> str:
    rule = "|".join("---" for _ in header.split("|"))
    return "\n".join([f"# {title}", "", words, "", f"| {header} |", f"|{rule}|", *rows, ""])


if __name__ == "__main__":
    for name, text in pages().items():
        (REFERENCE / name).write_text(text, encoding="utf-8")
        sys.stdout.write(f"{name}\n")

"""Publish the schemas of the code: writes a file per subject and version, and refuses a change that breaks somebody.

A breaking change of an event needs the next version in ``model/event_catalogue``; the earlier version stays published.
Run from the root of the checkout: ``.venv/bin/python tools/publish_schemas.py``.
"""

import sys
from pathlib import Path

import msgspec

from tieout.governance.schema_registry import of_code, published
from tieout.governance.schema_rules import incompatibilities

DIRECTORY = Path(__file__).parents[1] / "src" / "tieout" / "governance" / "published"


def main() -> int:
    """Write what is new; 1 where something would break."""
    known = {(one.subject, one.version): one for one in published()}
    broken = False
    for one in of_code():
        old = known.get((one.subject, one.version))
        if old is not None and (breaking := incompatibilities(old.schema, one.schema, one.direction)):
            broken = True
            for found in breaking:
                sys.stdout.write(f"{one.subject} v{one.version} {found.path}: {found.words}\n")
            continue
        text = msgspec.json.format(msgspec.json.encode(one, order="sorted"), indent=2)
        DIRECTORY.mkdir(exist_ok=True)
        (DIRECTORY / one.name).write_bytes(text + b"\n")
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())

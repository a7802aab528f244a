"""Every event that the code tells is in the catalogue, and only what is told is."""

import re
from pathlib import Path

from tieout.model.event_catalogue import EVENTS
from tieout.model.project import ProjectState

SOURCE = Path(__file__).parents[2] / "src" / "tieout"


def test_every_event_that_the_code_names_is_catalogued_and_every_catalogued_event_is_told() -> None:
    text = "\n".join(path.read_text() for path in SOURCE.rglob("*.py") if path.name != "event_catalogue.py")
    named = set(re.findall(r'"((?:record|time|master|hours|plan|demand|project)\.[a-z_]+)"', text))
    by_state = {f"project.{state}" for state in ProjectState}
    assert named & {one for one in EVENTS if one not in by_state} == EVENTS.keys() - by_state

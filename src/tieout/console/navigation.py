"""The rail: the sections that there are, in the order in which people need them, for whoever may see them.

Pure. A section that has no page is not in it.
"""

from typing import Final

import msgspec

from tieout.model.access import Principal, Scope


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the rail; ``counts`` names the figure of the frame that stands beside it."""

    path: str
    title: str
    scope: Scope
    icon: str
    counts: str | None = None
    is_here: bool = False


_SECTIONS: Final = (
    Section(path="/", title="Overview", scope=Scope.TIE_OUT_READ, icon="overview"),
    Section(path="/exceptions", title="Exceptions", scope=Scope.DESK_READ, icon="exceptions", counts="exceptions"),
    Section(path="/tie-out", title="Tie-out", scope=Scope.TIE_OUT_READ, icon="tie-out"),
    Section(path="/deliveries", title="Deliveries", scope=Scope.DELIVERIES_READ, icon="deliveries", counts="in_doubt"),
    Section(path="/systems", title="Systems", scope=Scope.SYSTEMS_READ, icon="systems", counts="paused"),
    Section(path="/projects", title="Projects", scope=Scope.PROJECTS_READ, icon="projects"),
    Section(path="/capacity", title="Capacity", scope=Scope.PEOPLE_READ, icon="people"),
    Section(path="/mappings", title="Ownership", scope=Scope.MAPPINGS_READ, icon="mappings"),
    Section(path="/contracts", title="Contracts", scope=Scope.CONTRACTS_READ, icon="contracts"),
    Section(path="/audit", title="Audit", scope=Scope.AUDIT_READ, icon="audit"),
    Section(path="/settings", title="Settings", scope=Scope.TIE_OUT_READ, icon="settings"),
)
_BELOW: Final = {
    "/": ("\n",),
    "/tie-out": ("/tie-out/", "/entries/"),
    "/projects": ("/projects/", "/forecast"),
    "/capacity": ("/people/",),
}
"""What counts as below a section beside its own path."""


def sections(principal: Principal, path: str) -> list[Section]:
    """The sections that ``principal`` may open, the one of ``path`` marked."""
    return [
        msgspec.structs.replace(
            one, is_here=path == one.path or path.startswith(_BELOW.get(one.path, (f"{one.path}/",)))
        )
        for one in _SECTIONS
        if principal.may(one.scope)
    ]

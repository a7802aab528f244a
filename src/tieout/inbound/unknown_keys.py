"""What is said where no golden record stands behind a key that a source names, whatever names it. Pure.

Neighbours: ``validation`` judges time entries with it, ``bookings_rules`` assignments and absences.
"""

from tieout.model.finding import Finding, finding


def unknown_project(name: str, system: str, key: str) -> Finding:
    """``name`` of ``system`` names a project by a ``key`` that nothing is known by."""
    return finding(
        "PROJECT_UNKNOWN",
        f"{name} names project {key!r}, which is not known.",
        cause=f"{system}:{key}",
        context={"project": key},
        depends_on=(f"record:project:{system}:{key}",),
    )


def unknown_person(name: str, system: str, key: str) -> Finding:
    """``name`` of ``system`` names a person by a ``key`` that nobody is known by."""
    return finding(
        "PERSON_UNKNOWN",
        f"{name} names person {key!r}, who is not known.",
        cause=f"{system}:{key}",
        context={"person": key},
        depends_on=(f"record:resource:{system}:{key}",),
    )

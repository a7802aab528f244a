"""The projects of a Tryton by direct SQL on its database: past Tryton and past our connector alike.

A project's number is Tryton's own to give, so its name begins with our code.
"""

from typing import Final

import psycopg

from tieout.connect.simulator.control import Holding

_PROJECTS: Final = """
select work.id, work.name, coalesce(work.comment, ''), party.code
from project_work work
left join party_party party on party.id = work.party
where work.type = 'project'
order by work.id
"""


def project_holdings(database_url: str) -> list[Holding]:
    """Every project that Tryton holds, whoever made it."""
    with psycopg.connect(database_url) as conn:
        rows = conn.execute(_PROJECTS).fetchall()
    found = []
    for key, name, comment, customer in rows:
        code, _, words = str(name).partition(" ")
        facts = {"name": words} | ({} if customer is None else {"customer_code": str(customer)})
        found.append(Holding(kind="upsert_project", reference=str(comment), id=str(key), code=code, facts=facts))
    return found

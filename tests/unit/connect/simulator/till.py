"""A vendor as small as can be: a till that rings up amounts, for tests of what the simulator base gives to all."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
from aiohttp import web

from tieout.connect.simulator.base import Simulator
from tieout.connect.simulator.control import ConnectionSheet, Holding
from tieout.connect.simulator.drift import Drift
from tieout.connect.simulator.faults import Fault, FaultKind


class TillSimulator(Simulator):
    name = "till"
    schema = "create table if not exists sale (id integer primary key, reference text, amount_minor integer);"
    unsupported_faults = frozenset({FaultKind.PARTIAL_BATCH})
    drift = Drift(enums=("state",), required=("amount",), retyped=("amount",))

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        return [web.post("/sales", self._ring_up), web.get("/sales", self._list)]

    def seed(self, firm_dir: Path) -> None:
        with self.state.transaction():
            self.state.run("delete from sale")
            for line in (firm_dir / "sales.txt").read_text().split():
                self.state.run("insert into sale (reference, amount_minor) values (?, 100)", (line,))

    def fault_response(self, fault: Fault) -> web.Response:
        status = {FaultKind.HTTP_429: 429, FaultKind.HTTP_503: 503, FaultKind.OK_WITH_ERROR_BODY: 200}
        return web.json_response({"error": fault.kind}, status=status.get(fault.kind, 500))

    def connection_sheet(self, base_url: str) -> ConnectionSheet:
        return ConnectionSheet(settings={"base_url": base_url}, secrets={"key": "made-up"})

    def holdings(self) -> Iterable[Holding]:
        for row in self.state.rows("select * from sale"):
            yield Holding(
                kind="sale",
                reference=row["reference"],
                id=str(row["id"]),
                debit_minor=row["amount_minor"],
                currency="EUR",
            )

    def object_counts(self) -> dict[str, int]:
        return {"sale": len(self.state.rows("select 1 from sale"))}

    async def _ring_up(self, request: web.Request) -> web.Response:
        sale = msgspec.json.decode(await request.read(), type=dict[str, str | int])
        with self.state.transaction():
            if self.dedup and self.state.row("select 1 from sale where reference = ?", (sale["reference"],)):
                self.state.bump("duplicates_refused")
                return web.json_response({"error": "taken"}, status=409)
            self.state.run(
                "insert into sale (reference, amount_minor) values (?, ?)", (sale["reference"], sale["amount"])
            )
        return web.json_response({"state": "rung_up", "amount": sale["amount"]}, status=201)

    async def _list(self, _: web.Request) -> web.Response:
        return web.json_response(
            [{"state": "rung_up", "amount": row["amount_minor"]} for row in self.state.rows("select * from sale")]
        )

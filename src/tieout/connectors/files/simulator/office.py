"""The office behind the folders: a payroll that drops files and takes hours, and a ledger that takes journals.

The payroll leaves people (fixed width), cost rates (CSV in Windows-1252 with decimal commas and a trailer of rows and
sum) and public holidays (a workbook). The ledger takes one CSV file per journal, answers each by ``NAME.ok`` or
``NAME.err`` and keeps an export per legal entity. Neighbours: ``sftp_door`` is how it is reached, ``dropping`` writes
the payroll's files, ``payroll`` takes hours.
"""

import csv
import io
import secrets
from collections.abc import Iterable, Sequence
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import ClassVar, Final

import asyncssh
import msgspec

from tieout.connect.simulator.base import SimulatorOptions, UnsupportedChangeError
from tieout.connect.simulator.control import Change, ConnectionSheet, DeleteHolding, Holding, SetPeriod
from tieout.connect.simulator.faults import Fault, FaultKind, RequestClass
from tieout.connect.simulator.other_door import OtherDoorSimulator
from tieout.connect.simulator.seed import read_firm
from tieout.connectors.files.simulator import payroll
from tieout.connectors.files.simulator.dropping import drop_payroll
from tieout.connectors.files.simulator.payroll import HOURS, RefusedFileError
from tieout.connectors.files.simulator.sftp_door import USER, SftpDoor

JOURNALS: Final = "journals"
ANSWERS: Final = "answers"
EXPORTS: Final = "ledger"
_EXPORT_COLUMNS: Final = (
    "reference", "ref", "date", "period", "account", "functional", "functional_currency", "amount", "currency",
)  # fmt: skip
_POSTED_COLUMNS: Final = ("ref", "amount", "currency", "date")
_SCHEMA: Final = """
create table if not exists entity (code text primary key, currency text not null) without rowid;
create table if not exists period (entity text, month text, closed integer not null, primary key (entity, month))
    without rowid;
create table if not exists account (number text primary key) without rowid;
create table if not exists posting (
    id integer primary key autoincrement, reference text not null, entity text not null, day text not null,
    currency text not null, debit text not null, lines blob not null);
create index if not exists posting_reference on posting (reference);
"""


_FOLDERS: Final = (JOURNALS, HOURS, ANSWERS, EXPORTS, "payroll")
_SAMPLE: Final = files("tieout.connectors.files") / "sample.toml"


class FilesSimulator(OtherDoorSimulator):
    """One office."""

    name: ClassVar[str] = "files"
    schema: ClassVar[str] = _SCHEMA + payroll.SCHEMA
    unsupported_faults: ClassVar[frozenset[FaultKind]] = frozenset(FaultKind) - {
        FaultKind.COMMIT_THEN_DROP,
        FaultKind.COMMIT_THEN_DELAY,
        FaultKind.DROP,
        FaultKind.DELAY,
        FaultKind.HTTP_500,
        FaultKind.FORBIDDEN,
        FaultKind.ALTER_AMOUNT,
        FaultKind.ALTER_CURRENCY,
    }

    def __init__(self, options: SimulatorOptions) -> None:
        super().__init__(options)
        self.root: Path = (options.state_dir / "folders").resolve()
        self.root.mkdir(parents=True, exist_ok=True)
        if not self.state.get("password", ""):
            key = asyncssh.generate_private_key("ssh-ed25519")
            self.state.put("password", secrets.token_urlsafe(16))
            self.state.put("host_key", key.export_private_key().decode())
            self.state.put("host_key_public", key.export_public_key().decode().strip())
        self.door = SftpDoor(self, self.state.get("host_key", ""), port=self.state.get("port", 0))

    def connection_sheet(self, base_url: str) -> ConnectionSheet:
        """Where the SFTP door is, its key, and the password."""
        del base_url
        return ConnectionSheet(
            settings={
                "definition": _SAMPLE.read_text(encoding="utf-8"),
                "url": f"sftp://{USER}@127.0.0.1:{self.door.port}/",
                "host_key": self.state.get("host_key_public", ""),
            },
            secrets={"password": self.state.get("password", "")},
        )

    def passes(self, password: str) -> bool:
        """Whether the password is the right one."""
        return secrets.compare_digest(password, self.state.get("password", ""))

    def fault_of(self, path: str, request: RequestClass) -> Fault | None:
        """The fault to play with this request, or None; every request counts."""
        self.traffic.begin(request)
        self.traffic.end()
        return self.plan.pick(method="PUT" if request == "write" else "GET", path=path, kind_of_request=request)

    def seed(self, firm_dir: Path) -> None:
        """Empty the folders and the ledger, and fill them with what the firm's office has."""
        firm = read_firm(firm_dir)
        with self.state.transaction() as rows:
            for table in ("entity", "period", "account", "posting", "person", "hours_file"):
                rows.execute(f"delete from {table}")  # noqa: S608 - tables of this module
            rows.executemany("insert into entity values (?, ?)", [(one.code, one.currency) for one in firm.entities])
            rows.executemany("insert into account values (?)", [(one,) for one in sorted(set(firm.accounts.values()))])
            rows.executemany(
                "insert into period values (?, ?, ?)",
                [(one.code, month, int(month in one.closed_periods)) for one in firm.entities for month in one.periods],
            )
            rows.executemany("insert into person values (?)", [(one.key,) for one in firm.people])
        for folder in _FOLDERS:
            (self.root / folder).mkdir(exist_ok=True)
            for left in (self.root / folder).iterdir():
                left.unlink()
        drop_payroll(self.root / "payroll", firm)

    def apply_change(self, change: Change) -> None:
        """Finance closes a period; somebody removes a posting."""
        match change:
            case SetPeriod(entity=entity, period=month, closed=closed):
                done = self.state.run(
                    "update period set closed = ? where entity = ? and month = ?", (int(closed), entity, month)
                )
            case DeleteHolding(reference=reference):
                entity_row = self.state.row("select entity from posting where reference = ?", (reference,))
                done = self.state.run("delete from posting where reference = ?", (reference,))
                if entity_row is not None:
                    self._export(entity_row["entity"])
                    for answer in (self.root / ANSWERS).glob(f"*{reference}*.ok"):
                        answer.unlink()
            case _:
                super().apply_change(change)
                return
        if not done:
            raise UnsupportedChangeError(f"there is nothing to apply {change} to")

    async def file_arrived(self, path: str, fault: Fault | None) -> None:
        """Ledger and payroll take a file as soon as it has its name, and say what became of it."""
        folder, _, name = path.rpartition("/")
        if folder not in {JOURNALS, HOURS} or not name.endswith(".csv"):
            return
        content = (self.root / path).read_bytes()
        columns: tuple[str, ...] = payroll.TAKEN_COLUMNS
        row: tuple[str, ...]
        try:
            if folder == HOURS:
                row = payroll.take_hours(self.state, content, dedup=self.dedup)
            else:
                columns, row = _POSTED_COLUMNS, self._take(content.decode(), fault)
        except RefusedFileError as refused:
            self._answer(f"{name}.err", ("code", "text"), (refused.code, refused.words))
            return
        self._answer(f"{name}.ok", columns, row)

    def _take(self, text: str, fault: Fault | None) -> tuple[str, ...]:
        lines = list(csv.DictReader(io.StringIO(text), delimiter=";"))
        if not lines or lines.pop()["reference"] != "T":
            raise RefusedFileError("E01", "The file has no trailer.")
        head = lines[0]
        day = "-".join(reversed(head["date"].split(".")))
        self._judge(head["entity"], day, lines)
        debit = sum((max(payroll.number_of(line["functional"]), Decimal(0)) for line in lines), Decimal(0))
        currency = head["functional_currency"]
        if fault is not None and fault.kind is FaultKind.ALTER_AMOUNT:
            debit += 1
        if fault is not None and fault.kind is FaultKind.ALTER_CURRENCY:
            currency = "XXX" if currency == "EUR" else "EUR"
        with self.state.transaction() as rows:
            taken = rows.execute("select id from posting where reference = ?", (head["reference"],)).fetchone()
            key = (
                taken["id"]
                if taken is not None and self.dedup
                else rows.execute(
                    "insert into posting (reference, entity, day, currency, debit, lines) values (?, ?, ?, ?, ?, ?)",
                    (head["reference"], head["entity"], day, currency, str(debit), msgspec.json.encode(lines)),
                ).lastrowid
            )
        self._export(head["entity"])
        return str(key), str(debit).replace(".", ","), currency, day

    def _judge(self, entity: str, day: str, lines: Sequence[dict[str, str]]) -> None:
        period = self.state.row("select closed from period where entity = ? and month = ?", (entity, day[:7]))
        if period is None or period["closed"]:
            raise RefusedFileError("E10", f"The period {day[:7]} of {entity} is closed.")
        for line in lines:
            if self.state.row("select 1 from account where number = ?", (line["account"],)) is None:
                raise RefusedFileError("E20", f"There is no account {line['account']}.")
        if sum((payroll.number_of(line["functional"]) for line in lines), Decimal(0)) != 0:
            raise RefusedFileError("E30", "The journal does not balance.")

    def _answer(self, name: str, columns: Sequence[str], cells: Sequence[str]) -> None:
        _write_whole(self.root / ANSWERS / name, [columns, cells])

    def _export(self, entity: str) -> None:
        postings = self.state.rows("select * from posting where entity = ? order by id", (entity,))
        lines = (
            (str(posting["id"]), posting["day"], line)
            for posting in postings
            for line in msgspec.json.decode(posting["lines"], type=list[dict[str, str]])
        )
        names = ("account", "functional", "functional_currency", "amount", "currency")
        rows = [(line["reference"], key, day, day[:7], *(line[name] for name in names)) for key, day, line in lines]
        _write_whole(self.root / EXPORTS / f"{entity}.csv", [_EXPORT_COLUMNS, *rows])

    def holdings(self) -> Iterable[Holding]:
        """Every posting and every file of hours, read from the tables of ledger and payroll."""
        yield from payroll.held_hours(self.state)
        for row in self.state.rows("select * from posting order by id"):
            debit = Decimal(row["debit"])
            exponent = debit.as_tuple().exponent
            yield Holding(
                kind="post_journal",
                reference=row["reference"],
                id=str(row["id"]),
                debit_minor=int(debit.scaleb(-exponent)) if isinstance(exponent, int) else None,
                currency=row["currency"],
                accounting_date=row["day"],
                entity=row["entity"],
            )

    def object_counts(self) -> dict[str, int]:
        """Postings of the ledger, files of hours of the payroll."""
        counts = {}
        for table in ("posting", "hours_file"):
            row = self.state.row(f"select count(*) as n from {table}")  # noqa: S608 - tables of this package
            counts[table] = 0 if row is None else int(row["n"])
        return counts


def _write_whole(path: Path, rows: Iterable[Sequence[str]]) -> None:
    """A file that is whole whenever it can be seen."""
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=";", lineterminator="\n").writerows(rows)
    partial = path.with_name(f".{path.name}.part")
    partial.write_text(out.getvalue(), encoding="utf-8")
    partial.replace(path)

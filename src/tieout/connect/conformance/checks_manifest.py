"""Checks of the declaration itself: the engine and the documents rely on it, so it must be whole and true."""

from typing import Final, get_args

from tieout.connect.conformance.bench import Bench
from tieout.connect.conformance.check import Catalogue, always
from tieout.connect.conformance.score import expect
from tieout.connect.manifest import CursorKind, IdempotencyClass
from tieout.model.command import Command

CHECKS: Final = Catalogue()
_COMMANDS: Final = frozenset(str(kind.__struct_config__.tag) for kind in get_args(Command))


@CHECKS.check(always)
async def manifest_is_complete(bench: Bench) -> None:
    """The manifest says everything that the engine and the documents rely on, with sane numbers."""
    manifest = bench.manifest
    for name in ("name", "title", "api_version", "claim"):
        expect(str(getattr(manifest, name)).strip(), f"the manifest's {name} is empty")
    expect(manifest.documentation, "the manifest names no public page of the vendor")
    expect(manifest.reads or manifest.writes, "the manifest declares nothing to read and nothing to write")
    expect(manifest.max_in_flight_s > 0, "max_in_flight_s must be above zero")
    expect(manifest.read_your_write_lag_s >= 0, "read_your_write_lag_s must not be negative")
    expect(
        0 < manifest.request_timeout_s <= manifest.max_in_flight_s,
        "a request may run for request_timeout_s, so it can be in flight at least as long: max_in_flight_s is less",
    )
    limits = manifest.limits
    expect(
        (limits.requests_per_window is None) == (limits.window_s is None),
        "a rate limit needs both requests_per_window and window_s",
    )
    for number in (limits.requests_per_window, limits.window_s, limits.concurrency):
        expect(number is None or number > 0, "a limit must be above zero")


@CHECKS.check(always)
async def capabilities_are_declared_once_and_soundly(bench: Bench) -> None:
    """Every capability is declared once, names a command or an object, and its numbers fit its kind."""
    objects = [one.object for one in bench.manifest.reads]
    expect(len(set(objects)) == len(objects), "an object is declared twice")
    for read in bench.manifest.reads:
        expect(read.object and read.page_size > 0, f"{read.object!r}: a name and a page size above zero are needed")
        expect(read.overlap_s >= 0, f"{read.object}: overlap_s must not be negative")
        expect(
            read.cursor is not CursorKind.UPDATED_AT or read.overlap_s > 0,
            f"{read.object}: a cursor of update times skips equal and late ones unless overlap_s is above zero",
        )
    commands = [one.command for one in bench.manifest.writes]
    expect(len(set(commands)) == len(commands), "a command is declared twice")
    for write in bench.manifest.writes:
        expect(write.command in _COMMANDS, f"{write.command!r} is no command; known are {', '.join(sorted(_COMMANDS))}")
        expect(write.max_batch >= 1, f"{write.command}: max_batch must be at least one")
        expect(
            write.idempotency in IdempotencyClass, f"{write.command}: the idempotency class must be one of K, U, L, N"
        )


@CHECKS.check(always)
async def manifest_matches_the_code(bench: Bench) -> None:
    """What is declared exists as code, and what exists as code is declared."""
    connector, manifest = bench.connector, bench.manifest
    expect(bool(manifest.reads) == (connector.open_source is not None), "reads and open_source do not agree")
    expect(bool(manifest.reads) == (connector.translator is not None), "reads and translator do not agree")
    expect(bool(manifest.writes) == (connector.open_sink is not None), "writes and open_sink do not agree")
    if manifest.write("post_journal") is not None:
        expect(
            connector.open_ledger_reader is not None,
            "a connector that posts journals must read the ledger by another way, for reconciliation",
        )


@CHECKS.check(always)
async def settings_are_declared(bench: Bench) -> None:
    """Every setting and secret that a connection is given is declared, and secrets are declared as secrets."""
    declared = {one.name: one for one in bench.manifest.settings}
    expect(len(declared) == len(bench.manifest.settings), "a setting is declared twice")
    sheet = bench.site.sheet()
    for name in sheet.settings:
        expect(name in declared, f"setting {name!r} is used and not declared")
        expect(name in declared and not declared[name].secret, f"secret {name!r} is given as a plain setting")
    for name in sheet.secrets:
        expect(name in declared and declared[name].secret, f"secret {name!r} is not declared as a secret")
    for setting in bench.manifest.settings:
        expect(setting.description.strip(), f"setting {setting.name!r} is not described")
        expect(not (setting.secret and setting.default), f"secret {setting.name!r} has a default")
        beside = None if setting.beside is None else declared.get(setting.beside)
        expect(
            setting.beside is None or (setting.secret and beside is not None and beside.secret),
            f"{setting.name!r} counts beside {setting.beside!r}; both must be declared secrets",
        )
        given = setting.name in sheet.settings or setting.name in sheet.secrets
        expect(given or not setting.required, f"required setting {setting.name!r} is not needed to connect")

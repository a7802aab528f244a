"""``tieout up``: hub, workers and doors until stopped, in one process group or each role apart."""

import asyncio
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from tieout.cli.access import first_administrator
from tieout.cli.options import HOME, Home
from tieout.cli.output import Words
from tieout.errors import ConfigurationError
from tieout.runtime.installation import Installation, door_database, open_installation
from tieout.storage.embedded import external_url
from tieout.storage.pool import sync_pool
from tieout.web.site import site_of

if TYPE_CHECKING:
    from litestar.types import ControllerRouterHandler

    from tieout.api.server import Door

_LOCK_WAIT_S = 30.0


class Role(StrEnum):
    """What one process group does: everything, only the doors, or everything but the doors."""

    ALL = "all"
    API = "api"
    WORKER = "worker"


def up(
    home: Home = HOME,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the API.")] = 8470,
    address: Annotated[str, typer.Option(help="Address that the API listens on.")] = "127.0.0.1",
    workers: Annotated[int, typer.Option(min=1, help="Worker processes.")] = 1,
    role: Annotated[
        Role, typer.Option(help="all; or api (doors only) and worker (all but doors) apart on TIEOUT_DATABASE_URL.")
    ] = Role.ALL,
) -> None:
    """Run the hub: reads the sources, checks, rates, posts, and takes time over the API."""
    if role is not Role.ALL and external_url(os.environ) is None:
        raise ConfigurationError(code="TIE-STORE-015", message=f"--role {role} needs TIEOUT_DATABASE_URL.")
    if role is Role.WORKER:
        with open_installation(home, make=True) as installation:
            Words(whole=True).print(f"Tieout works from {installation.home}, without a door.")
            asyncio.run(_serve(installation, None, workers=workers))
        return
    # The hub's code is loaded while the database starts: after a crash the first posting waits for both.
    with ThreadPoolExecutor(max_workers=1) as beside:
        opening = beside.submit(_open_door, address, port)
        with open_installation(home, make=True, wait_for_lock_s=_LOCK_WAIT_S) as installation:
            door = opening.result()
            site = site_of(os.environ)
            door.open(door_database(installation), home=installation.home, site=site)
            words = Words(whole=True)
            words.print(f"Tieout serves http://{address}:{port} from {installation.home}.")
            link = first_administrator(installation.url, site.public_url or f"http://{address}:{port}")
            if link is not None:
                words.print(f"Nobody can sign in yet. As administrator, once, within a day: {link}")
            asyncio.run(_serve(installation, door, workers=0 if role is Role.API else workers))


def _open_door(address: str, port: int) -> "Door":
    from tieout.api.server import Door  # noqa: PLC0415 - loaded beside the start of the database
    from tieout.runtime import hub  # noqa: F401, PLC0415 - as above
    from tieout.runtime.clock import SystemClock  # noqa: PLC0415 - as above

    door = Door(address=address, port=port, clock=SystemClock(), pages=_pages)
    door.check()
    return door


def _pages() -> "list[ControllerRouterHandler]":
    from tieout.console.routes import console_routes  # noqa: PLC0415 - loaded beside the hub

    return console_routes()


async def _serve(installation: Installation, door: "Door | None", *, workers: int) -> None:
    """Run until a signal; without ``workers`` only the door."""
    from tieout.runtime.hub import HubOptions, serve  # noqa: PLC0415 - as above

    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    if door is not None and not workers:
        with sync_pool(installation.url, application="tieout-api", size=1) as pool:
            await door(pool, stopping)
        return
    await serve(
        HubOptions(url=installation.url, home=installation.home, workers=workers),
        stopping,
        door,
    )

"""``tieout up``: hub, workers and the first door, until stopped."""

import asyncio
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Annotated

import typer

from tieout.cli.access import first_administrator
from tieout.cli.options import HOME, Home
from tieout.cli.output import Words
from tieout.runtime.installation import Installation, door_database, open_installation
from tieout.web.site import site_of

if TYPE_CHECKING:
    from litestar.types import ControllerRouterHandler

    from tieout.api.server import Door

_LOCK_WAIT_S = 30.0


def up(
    home: Home = HOME,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the API.")] = 8470,
    address: Annotated[str, typer.Option(help="Address that the API listens on.")] = "127.0.0.1",
    workers: Annotated[int, typer.Option(min=1, help="Worker processes.")] = 1,
) -> None:
    """Run the hub: reads the sources, checks, rates, posts, and takes time over the API."""
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
            asyncio.run(_serve(installation, door, workers=workers))


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


async def _serve(installation: Installation, door: "Door", *, workers: int) -> None:
    from tieout.runtime.hub import HubOptions, serve  # noqa: PLC0415 - as above

    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    await serve(
        HubOptions(url=installation.url, home=installation.home, workers=workers),
        stopping,
        door,
    )

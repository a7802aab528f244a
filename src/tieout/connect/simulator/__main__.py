"""``python -m tieout.connect.simulator NAME --state DIR``: run one simulator in a process of its own.

Prints one line of JSON when it listens: ``{"base_url": ..., "admin_url": ..., "pid": ...}``.
"""

import argparse
import asyncio
import sys
from pathlib import Path

from tieout.connect.simulator.base import SimulatorOptions
from tieout.connect.simulator.server import load_simulator, serve_until_stopped
from tieout.errors import ConfigurationError


def main(arguments: list[str] | None = None) -> int:
    """Run the simulator that the command line names; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tieout.connect.simulator", description=__doc__)
    parser.add_argument("name", help="the simulator as registered in tieout.simulators, or module:attribute")
    parser.add_argument("--state", type=Path, required=True, help="directory of its durable state")
    parser.add_argument("--port", type=int, default=0, help="port of the vendor's API; 0 takes any free one")
    parser.add_argument("--seed", type=int, default=0, help="seed of the faults that chance picks")
    parser.add_argument("--faults", type=float, default=0.0, help="share of requests that go wrong, 0 to 1")
    parser.add_argument("--seed-dir", type=Path, help="fill it from the seed firm in this directory before listening")
    parser.add_argument("--no-dedup", action="store_true", help="switch off the vendor's protection against repeats")
    parser.add_argument("--upstream", default="", help="the real system's URL, for the fault proxy")
    parser.add_argument("--longest-in-flight-s", type=float, help="do not act on a request that waited longer")
    parser.add_argument("--with-parent", action="store_true", help="stop when standard input closes")
    chosen = parser.parse_args(arguments)
    try:
        simulator_class = load_simulator(chosen.name)
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n{error.next_step}\n")
        return 2
    options = SimulatorOptions(
        state_dir=chosen.state,
        seed=chosen.seed,
        fault_rate=chosen.faults,
        dedup=False if chosen.no_dedup else None,
        upstream=chosen.upstream,
        longest_in_flight_s=chosen.longest_in_flight_s,
    )
    simulator = simulator_class(options)
    if chosen.seed_dir is not None:
        simulator.seed(chosen.seed_dir)
    asyncio.run(serve_until_stopped(simulator, port=chosen.port, with_parent=chosen.with_parent))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""``python -m benchmarks``: every measurement on a machine of its own, one after the other, as plain tables."""

import argparse

from benchmarks import inbound, latency, memory, plan, restart, whole_way


def main() -> None:
    """Measure and print; without ``--only`` everything but the demo of a whole firm."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=("inbound", "plan", "whole-way", "latency", "restart"))
    parser.add_argument("--entries", type=int, nargs="+", default=[10_000, 100_000], help="sizes of the whole way")
    parser.add_argument("--workers", type=int, default=1, help="worker processes of the whole way")
    parser.add_argument("--times", type=int, default=200, help="entries whose latency is measured")
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--firm", action="store_true", help="memory and time of the demo of a firm, nothing else")
    options = parser.parse_args()
    if options.firm:
        memory.report()
        return
    wanted = {options.only} if options.only else {"inbound", "plan", "whole-way", "latency", "restart"}
    if "inbound" in wanted:
        inbound.main([])
    if "plan" in wanted:
        plan.main([])
    if "whole-way" in wanted:
        whole_way.report(options.entries, workers=options.workers)
    if "latency" in wanted:
        latency.report(options.times)
    if "restart" in wanted:
        restart.report(20_000, kills=options.kills)


if __name__ == "__main__":
    main()

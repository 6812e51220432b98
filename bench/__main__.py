"""`python -m bench`: run the scenarios against our server and the bare one, print a table, keep the numbers as JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import resource
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.catalog import SCENARIOS, Scenario
from bench.hosts import pin_generator
from bench.pace import pace
from bench.scenarios import Options

RESULTS = Path(__file__).parent / "results"


async def run(scenarios: list[Scenario], options: Options) -> list[dict[str, Any]]:
    results = []
    for scenario in scenarios:
        print(f"{scenario.name} ...", file=sys.stderr, flush=True)
        ours = await scenario.run("ours", options)
        goals = {
            key: {"value": goal.value, "kind": type(goal).__name__, "met": goal.met(ours[key])}
            for key, goal in scenario.goals.items()
        }
        result: dict[str, Any] = {"scenario": scenario.name, "ours": ours, "goals": goals}
        if scenario.has_yardstick and options.with_bare:
            result["bare"] = await scenario.run("bare", options)
            key = next(iter(scenario.goals))
            result["ratio"] = round(ours[key] / max(result["bare"][key], 1e-9), 2)
        print(json.dumps(result), file=sys.stderr, flush=True)
        results.append(result)
    return results


def table(results: list[dict[str, Any]]) -> Table:
    drawn = Table("scenario", "measured", "ours", "goal", "", "bare", "ours / bare", "more")
    for result in results:
        others = {key: value for key, value in result["ours"].items() if key not in result["goals"]}
        for row, (key, goal) in enumerate(result["goals"].items()):
            first = row == 0
            drawn.add_row(
                result["scenario"] if first else "",
                key,
                f"{result['ours'][key]:,}",
                f"{'>=' if goal['kind'] == 'AtLeast' else '<='} {goal['value']:,}",
                "met" if goal["met"] else "MISSED",
                f"{result['bare'][key]:,}" if first and "bare" in result else "",
                str(result.get("ratio", "")) if first else "",
                ", ".join(f"{name} {value}" for name, value in others.items()) if first else "",
            )
    return drawn


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("only", nargs="*", help="run only scenarios whose name contains one of these, e.g. S1 S3")
    parser.add_argument("--seconds", type=float, default=5.0, help="measured seconds of each run")
    parser.add_argument("--members", type=int, default=500)
    parser.add_argument("--idle", type=int, default=5000, help="connections of S4")
    parser.add_argument("--no-bare", action="store_true", help="leave the yardstick out")
    arguments = parser.parse_args()
    chosen = [
        s for s in SCENARIOS if not arguments.only or any(word.lower() in s.name.lower() for word in arguments.only)
    ]
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 65_536), most))
    pin_generator()
    options = Options(arguments.seconds, arguments.members, arguments.idle, not arguments.no_bare)
    before = pace()
    results = asyncio.run(run(chosen, options))
    after = pace()
    Console(width=None if sys.stdout.isatty() else 200).print(table(results))
    print(f"pace of the machine, before and after: {before}, {after}")
    RESULTS.mkdir(exist_ok=True)
    machine = {
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "before": before,
        "after": after,
    }
    path = RESULTS / time.strftime("%Y-%m-%dT%H-%M-%S.json")
    path.write_text(json.dumps({"machine": machine, "results": results}, indent=2) + "\n")
    print(f"kept in {path}")
    return 0 if all(goal["met"] for result in results for goal in result["goals"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())

"""One line per check; the checks are coroutines, each with a time limit."""

import asyncio
import sys

LIMIT = 10


async def run(title, checks):
    """Runs `checks`, pairs of a name and a function that makes a coroutine, and ends the process."""
    failed = 0
    for name, make in checks:
        try:
            await asyncio.wait_for(make(), LIMIT)
            print(f"ok    {title}: {name}")
        except Exception as error:
            failed += 1
            print(f"FAIL  {title}: {name}: {type(error).__name__} {error}")
    print(f"python {title}: {len(checks) - failed} passed, {failed} failed")
    return failed == 0


def same(actual, expected):
    if actual != expected:
        raise AssertionError(f"{actual!r:.200} instead of {expected!r:.200}")


def finish(outcomes):
    sys.exit(0 if all(outcomes) else 1)

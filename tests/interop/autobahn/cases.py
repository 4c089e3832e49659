"""cases.py PATTERNS J N: the J-th of N shares of the cases that match, as the body of a JSON list.

PATTERNS are shell patterns of case numbers, separated by spaces or commas, quoted or not.
"""

import fnmatch
import json
import pathlib
import re
import sys

NUMBERS = pathlib.Path(__file__).with_name("case-ids.txt")


def matching(patterns):
    wanted = re.findall(r"[\d.*?]+", patterns)
    return [n for n in NUMBERS.read_text().split() if any(fnmatch.fnmatchcase(n, w) for w in wanted)]


if __name__ == "__main__":
    share, shares = int(sys.argv[2]), int(sys.argv[3])
    print(", ".join(map(json.dumps, matching(sys.argv[1])[share - 1 :: shares])))

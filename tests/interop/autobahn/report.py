"""report.py ROLE PATTERNS INDEX...: judges the results in Autobahn's index.json files.

Every case has to be OK, in its behaviour and in its close. INFORMATIONAL is allowed in three, which
the test suite itself calls undefined: how much of a large message is echoed when a close follows at
once (7.1.6), and close codes above 4999 (7.13.1, 7.13.2). A case of PATTERNS without a result is a
failure too.
"""

import collections
import json
import sys

from cases import matching

INFORMATIONAL = {"7.1.6", "7.13.1", "7.13.2"}

role, patterns, indexes = sys.argv[1], sys.argv[2], sys.argv[3:]
results = {}
for index in indexes:
    with open(index) as file:
        for of_agent in json.load(file).values():
            results.update(of_agent)

counts = collections.Counter()
bad = 0
for number in matching(patterns):
    result = results.get(number, {"behavior": "MISSING", "behaviorClose": "MISSING"})
    behavior, close = result["behavior"], result["behaviorClose"]
    counts[behavior] += 1
    fine = behavior == "OK" or behavior == "INFORMATIONAL" and number in INFORMATIONAL
    if not fine or close not in ("OK", "INFORMATIONAL"):
        bad += 1
        print(f"FAIL  autobahn {role} {number}: {behavior}, close {close}, close code {result.get('remoteCloseCode')}")

summary = ", ".join(f"{count} {behavior}" for behavior, count in counts.most_common())
print(f"autobahn {role}: {sum(counts.values())} cases, {summary}")
sys.exit(1 if bad or not counts else 0)

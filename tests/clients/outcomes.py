"""The outcome of each test in a JUnit file of CPython's regrtest: "passed NAME", sorted by name."""

import sys
import xml.etree.ElementTree as ElementTree


def outcome(case):
    for kind in ("error", "failure", "skipped"):
        if case.find(kind) is not None:
            return kind
    return "skipped" if case.get("result") == "skipped" else "passed"


cases = ElementTree.parse(sys.argv[1]).iter("testcase")
lines = sorted((case.get("name"), outcome(case)) for case in cases)
if not lines:
    sys.exit(f"{sys.argv[1]}: no tests in it")
for name, ended in lines:
    print(ended, name)

"""The outcome of each test in a JUnit file of CPython's regrtest or of pytest: "passed NAME", sorted by name."""

import sys
import xml.etree.ElementTree as ElementTree


def outcome(case):
    for kind in ("error", "failure", "skipped"):
        if case.find(kind) is not None:
            return kind
    return "skipped" if case.get("result") == "skipped" else "passed"


def name(case):
    return ".".join(filter(None, (case.get("classname"), case.get("name"))))


cases = ElementTree.parse(sys.argv[1]).iter("testcase")
lines = sorted((name(case), outcome(case)) for case in cases)
if not lines:
    sys.exit(f"{sys.argv[1]}: no tests in it")
for test, ended in lines:
    print(ended, test)

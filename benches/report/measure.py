"""Measures all sides in turn, round after round: docs/benchmarks/measured.json."""

import datetime
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile

from figures import FIGURES

RESULTS = pathlib.Path("docs/benchmarks/measured.json")
# Seconds for one program, which measures for a fifth of one.
BOUND = 30
SOURCES = {
    "semaphore": "sem/pingpong.c",
    "queue": "mq/posix.c",
    "handover": "mq/handover.c",
    "sysv_semaphore": "sysv/pingpong.c",
    "sysv_queue": "mq/sysv.c",
    "boost": "mq/boost.cpp",
}


def compile_all(directory):
    for name, source in SOURCES.items():
        compiler = os.environ.get("CC", "cc"), "-std=gnu11"
        if source.endswith(".cpp"):
            compiler = os.environ.get("CXX", "c++"), "-std=gnu++17"
        options = ["-D_GNU_SOURCE", "-O2", "-pthread", f"benches/{source}", "-o", directory / name]
        done = subprocess.run([*compiler, *options, "-lrt", "-ldl"], capture_output=True)
        if done.returncode != 0:
            print(f"{source} cannot be compiled: not measured", file=sys.stderr)


def measure(side, command, directory, library):
    """Nanoseconds for one operation; None: it cannot be measured here."""
    program, *arguments = command.split()
    environment = dict(os.environ, **({"LD_PRELOAD": library} if side.ours else {}))
    try:
        done = subprocess.run(
            [directory / program, *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=BOUND,
        )
    except (subprocess.TimeoutExpired, FileNotFoundError) as error:
        print(f"\n{command}: {error}", file=sys.stderr)
        return None
    if done.returncode != 0:
        return None
    nanoseconds, _, file = done.stdout.strip().partition(" ")
    if side.ours != (file == library):
        sys.exit(f"{command}: the measured function is of {file}")
    return float(nanoseconds)


def first_match(pattern, path, default="?"):
    try:
        found = re.search(pattern, pathlib.Path(path).read_text(), re.MULTILINE)
    except OSError:
        return default
    return found.group(1) if found else default


def conditions(rounds):
    boost = first_match(r'BOOST_LIB_VERSION "(.*)"', "/usr/include/boost/version.hpp")
    iceoryx = first_match(r'name = "iceoryx2"\nversion = "(.*)"', "benches/peers/Cargo.lock")
    return {
        "machine": f"{first_match(r'^model name.*: (.*)', '/proc/cpuinfo')}, "
        f"{len(os.sched_getaffinity(0))} processors, Linux {platform.release().split('-')[0]}, "
        f"{' '.join(platform.libc_ver())}, Boost {boost.replace('_', '.')}, iceoryx2 {iceoryx}",
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%MZ")
        + f", load {os.getloadavg()[0]:.2f} before the start",
        "command": f"benches/report/run, {rounds} rounds",
    }


def main():
    library, peers = os.path.realpath(sys.argv[1]), pathlib.Path(sys.argv[2])
    rounds = int(os.environ.get("ROUNDS", "5"))
    results = {"conditions": conditions(rounds), "nanoseconds": {}}
    values = results["nanoseconds"]
    runs = [run for figure in FIGURES for run in figure.runs()]
    with tempfile.TemporaryDirectory() as scratch:
        directory = pathlib.Path(scratch)
        compile_all(directory)
        shutil.copy(peers / "iceoryx2", directory / "iceoryx2")
        for number in range(rounds):
            for done, (name, side, command) in enumerate(runs, 1):
                # Cleared to the end of the line.
                progress = f"round {number + 1}/{rounds}, {done}/{len(runs)}: {name}"
                print(f"\r{progress}\x1b[K", end="", file=sys.stderr, flush=True)
                # What cannot be measured once is not tried again.
                if number > 0 and name not in values:
                    continue
                if (nanoseconds := measure(side, command, directory, library)) is not None:
                    values.setdefault(name, []).append(nanoseconds)
    print(file=sys.stderr)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")


main()

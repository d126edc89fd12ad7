"""visit.py PROFILE COMMAND...: serves page.html, lets this browser look at it, and prints what the
page says of itself: "passed NAME" for each of its tests. Then come our own tests, of the processes
of the browser: those that should have the library have it, also behind a filter for system calls."""

import http.server
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading

profile, *command = sys.argv[1:]
page = pathlib.Path(__file__).with_name("page.html").read_bytes()
said = threading.Event()
words = []


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        # Without these there is no memory that threads share.
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        self.end_headers()
        self.wfile.write(page)

    def do_POST(self):
        words.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.send_response(200)
        self.end_headers()
        said.set()

    def log_message(self, *_):
        pass


def read(pid, name):
    """A file of /proc. Empty: the process has ended."""
    try:
        return (pathlib.Path("/proc") / str(pid) / name).read_text(errors="replace")
    except OSError:
        return ""


def processes(session):
    """Those of a session, by PID: what they were started as, and their filter."""
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit() and read(entry.name, "stat").rpartition(")")[2].split()[3:4] == [str(session)]:
            kind = re.search(r"--type=([a-z-]+)", read(entry.name, "cmdline"))
            is_filtered = "\nSeccomp:\t2" in read(entry.name, "status")
            yield entry.name, kind[1] if kind else "browser", is_filtered


def outcome(name, holds):
    print("passed" if holds else "failed", name)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{server.server_port}/"
browser = subprocess.Popen(
    [*command, f"--user-data-dir={profile}", address], stdout=sys.stderr, start_new_session=True
)
try:
    outcome("the page is through with its tests", said.wait(60))
    print(*words, sep="\n")
    library = os.environ.get("LD_PRELOAD", "").strip()
    there = list(processes(browser.pid))
    renderers = [(pid, is_filtered) for pid, kind, is_filtered in there if kind == "renderer"]
    outcome("renderers run behind a filter", any(is_filtered for _, is_filtered in renderers))
    has_it = all(library in read(pid, "maps") for pid, _ in renderers)
    outcome("renderers have what is preloaded", renderers and has_it)
    browser.terminate()
    outcome("the browser ends when it is asked to", browser.wait(20) == 0)
finally:
    try:
        os.killpg(browser.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass

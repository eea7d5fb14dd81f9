#!/usr/bin/env python3
"""Adds one tag to a collection of 100,000 and publishes it: the Go client and ours, in turn.

Needs cargo and Debian's `notary` (with `notary-server`) and `python3`; no argument. Both clients
speak through a relay that sees when the last byte of the upload has gone and when the first byte of
the reply comes: that wait is the server's, and is printed apart. Each is the only publisher of a
collection of its own; with `shared` they take turns on one, and each begins with a cache that is one
version old.

    benches/publish.py [TAGS [ROUNDS [shared]]]
"""

import base64
import json
import os
import pathlib
import select
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

TAGS = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 5
SHARED = "shared" in sys.argv[3:]
GUN = "registry.example.com/team/large"
OUR_GUN = GUN if SHARED else GUN + "-ours"
PASSPHRASE = "a passphrase"
PROJECT = pathlib.Path(__file__).resolve().parent.parent


class Relay(threading.Thread):
    """Passes bytes on to the server and adds up how long uploads wait for their replies."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.waited, self.requests = server, 0.0, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]

    def run(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.relay, args=(client,), daemon=True).start()

    def relay(self, client):
        server = socket.create_connection(self.server)
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        is_upload, last_byte = False, None
        while True:
            for end in select.select([client, server], [], [])[0]:
                data = end.recv(1 << 20)
                if not data:
                    client.close()
                    server.close()
                    return
                if end is client:
                    is_new = data.split(b" ", 1)[0] in (b"GET", b"POST")
                    self.requests += is_new
                    is_upload = data.startswith(b"POST") if is_new else is_upload
                    server.sendall(data)
                    last_byte = time.monotonic()
                else:
                    if is_upload:
                        self.waited += time.monotonic() - last_byte
                        is_upload = False
                    client.sendall(data)


def start_server(folder):
    config = folder / "server.json"
    config.write_text(json.dumps({
        "server": {"http_addr": "127.0.0.1:0"},
        "trust_service": {"type": "local"},
        "storage": {"backend": "memory"},
        "logging": {"level": "error"},
    }))
    command = ["notary-server", "-config", str(config)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(200):
        time.sleep(0.05)
        port = listening(process.pid)
        if port and answers(port):
            return process, ("127.0.0.1", port)
    process.kill()
    sys.exit("notary-server does not answer")


def listening(pid):
    """The port on which a process listens, or none."""
    sockets = set()
    for link in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            sockets.add(os.readlink(link))
        except OSError:
            pass
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
            return int(fields[1].split(":")[1], 16)
    return None


def answers(port):
    try:
        return urllib.request.urlopen(f"http://127.0.0.1:{port}/_notary_server/health").status == 200
    except OSError:
        return False


def notary(folder, url, *arguments):
    return ["notary", "-s", url, "-d", str(folder), *arguments]


def fill(folder, url, gun):
    """A collection of many tags, published by notary from staged changes."""
    subprocess.run(notary(folder, url, "init", gun), check=True, stdout=subprocess.DEVNULL)
    staged = folder / "tuf" / gun / "changelist"
    staged.mkdir(parents=True, exist_ok=True)
    for number in range(TAGS):
        change = {"action": "create", "role": "targets", "type": "target", "path": f"v0.0-{number:06}"}
        content = json.dumps({"hashes": {"sha256": "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA="}, "length": 1234})
        change["data"] = base64.b64encode(content.encode()).decode()
        (staged / f"{number:020}_change.change").write_text(json.dumps(change))
    subprocess.run(notary(folder, url, "publish", gun), check=True, stdout=subprocess.DEVNULL)


def measure(relay, command):
    """Seconds, of which waiting for the server, of which computing; requests; peak memory in megabytes."""
    relay.waited, relay.requests = 0.0, 0
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds, busy = time.monotonic() - start, usage.ru_utime + usage.ru_stime
    if status != 0:
        sys.exit(f"{command[0]} failed: {status}")
    return seconds, relay.waited, busy, relay.requests, usage.ru_maxrss * 1024 / 1e6


def report(name, runs):
    wall, wait, busy, requests, memory = (statistics.median(column) for column in zip(*runs))
    own = statistics.median(seconds - waited for seconds, waited, *_ in runs)
    print(f"{name:8} {1000 * wall:7.0f} ms, of which the server's {1000 * wait:5.0f}; "
          f"the client's {1000 * own:5.0f} (computing {1000 * busy:5.0f}); {requests:.0f} requests; peak {memory:5.1f} MB")
    return own, memory


def main():
    for program in ("cargo", "notary", "notary-server"):
        if shutil.which(program) is None:
            sys.exit(f"{program} is missing")
    build = ["cargo", "build", "--release", "--quiet", "--example", "push_sign"]
    subprocess.run(build, check=True, cwd=PROJECT)
    for role in ("ROOT", "TARGETS", "SNAPSHOT", "DELEGATION"):
        os.environ[f"NOTARY_{role}_PASSPHRASE"] = PASSPHRASE
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        server, address = start_server(folder)
        try:
            compare(folder, Relay(address))
        finally:
            server.kill()
            server.wait()


def compare(folder, relay):
    relay.start()
    go, ours = folder / "go", folder / "ours"
    fill(go, relay.url, GUN)
    if SHARED:
        shutil.copytree(go, ours)
    else:
        fill(ours, relay.url, OUR_GUN)
    example = PROJECT / os.environ.get("CARGO_TARGET_DIR", "target") / "release" / "examples" / "push_sign"
    common = ["--plain-http", "--server", relay.url, "--trust-dir", str(ours), "--sha256", "ab" * 32]
    runs = {"notary": [], "ours": []}
    for number in range(ROUNDS + 1):
        go_command = notary(go, relay.url, "addhash", GUN, f"go-{number}", "1234", "--sha256", "ab" * 32, "-p")
        our_command = [str(example), *common, "--size", "1234", f"{OUR_GUN}:ours-{number}"]
        for name, command in (("notary", go_command), ("ours", our_command)):
            result = measure(relay, command)
            if number > 0:  # the first run fills caches
                runs[name].append(result)
    print(f"one tag added to {TAGS} and published, medians of {ROUNDS} rounds:")
    (go_time, go_memory), (our_time, our_memory) = (report(name, runs[name]) for name in runs)
    print(f"notary / ours: time {go_time / our_time:.1f}, memory {go_memory / our_memory:.1f}")


if __name__ == "__main__":
    main()

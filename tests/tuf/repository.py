"""An independent judge: python-tuf writes, serves and reads TUF 1.0 repositories.

    repository.py shapes
    repository.py write SHAPE DIR
    repository.py write-all DIR          each into DIR/SHAPE
    repository.py serve DIR [LOG]        prints the port, ends with standard input; logs request paths
    repository.py read HOME URL [TARGET ...]

`read` trusts HOME/root.json, keeps its cache in HOME, asks for URL/metadata/ and URL/targets/, and
prints as JSON what it found. An error of the client is a result, not a failure of this program.
"""

import hashlib
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tuf.ngclient import Updater, UpdaterConfig
from tuf.ngclient.urllib3_fetcher import Urllib3Fetcher

from shapes import SHAPES


def serve(folder, log=None):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            file = find(folder, self.path)
            if log:
                with lock, open(log, "a") as lines:
                    lines.write(f"{self.path}\n")
            if file is None:
                self.send_error(404)
                return
            data = file.read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    lock = threading.Lock()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


def find(folder, path):
    """The file of a request: each segment as it came, which is how metadata files are named, or decoded."""
    file = folder
    for segment in path.split("?")[0].split("#")[0].lstrip("/").split("/"):
        plain = unquote(segment)
        if segment in ("", ".", "..") or plain in (".", "..") and not segment.endswith(".json"):
            return None
        if (file / segment).exists():
            file = file / segment
        elif "/" not in plain:
            file = file / plain
        else:
            return None
    return file if file.is_file() else None


class Recorder(Urllib3Fetcher):
    """Remembers the paths of requests."""

    def __init__(self):
        super().__init__()
        self.paths = []

    def _fetch(self, url):
        self.paths.append(urlsplit(url).path)
        return super()._fetch(url)


def read(home, url, targets):
    cache, downloads = home / "python-tuf", home / "downloads"
    cache.mkdir(exist_ok=True)
    downloads.mkdir(exist_ok=True)
    recorder = Recorder()
    base = urlsplit(url).path.rstrip("/")
    report = {"versions": {}, "targets": [], "requests": [], "error": None}
    try:
        updater = Updater(
            str(cache),
            f"{url}/metadata/",
            str(downloads),
            f"{url}/targets/",
            recorder,
            UpdaterConfig(),
            bootstrap=(home / "root.json").read_bytes(),
        )
        updater.refresh()
        trusted = updater._trusted_set
        for role in ("root", "timestamp", "snapshot", "targets"):
            report["versions"][role] = trusted[role].version
        report["targets"] = [look_up(updater, name) for name in targets]
    except Exception as error:
        report["error"] = said(error)
    report["requests"] = [path.removeprefix(base) for path in recorder.paths]
    json.dump(report, sys.stdout)


def look_up(updater, name):
    row = {"name": name, "result": "absent", "length": None, "hashes": {}, "content": None, "error": None}
    try:
        info = updater.get_targetinfo(name)
    except Exception as error:
        return {**row, "result": "refused", "error": said(error)}
    if info is None:
        return row
    row.update(result="found", length=info.length, hashes=info.hashes)
    try:
        path = updater.find_cached_target(info) or updater.download_target(info)
        row["content"] = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except Exception as error:
        row["error"] = said(error)
    return row


def said(error):
    return f"{type(error).__name__}: {error}"


def main(command, *arguments):
    if command == "shapes":
        print("\n".join(SHAPES))
    elif command == "write":
        SHAPES[arguments[0]](arguments[1])
    elif command == "write-all":
        for name, write in SHAPES.items():
            write(Path(arguments[0]) / name)
    elif command == "serve":
        serve(Path(arguments[0]), *arguments[1:])
    elif command == "read":
        read(Path(arguments[0]), arguments[1].rstrip("/"), arguments[2:])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:])

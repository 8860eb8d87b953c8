import gzip
import hashlib
import os
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from clbench.data import files
from clbench.data.files import File, Published
from clbench.errors import InputError, Unavailable

RAW = b"some content"
GZ = gzip.compress(RAW, mtime=0)
FILE = File("labels", hashlib.md5(GZ).hexdigest(), hashlib.md5(RAW).hexdigest())


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Tiny's folder in the user's cache. No other folder is known, downloads are allowed, no failure is
    remembered."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.delenv("CLBENCH_DATA", raising=False)
    monkeypatch.delenv("CLBENCH_OFFLINE", raising=False)
    monkeypatch.setattr(files, "_refused", {})
    return tmp_path / "cache" / "clbench" / "Tiny" / "raw"


@pytest.fixture
def server():
    """A web server with `.url`, `.answers` (path -> body, promised length) and `.asked`, the paths
    fetched."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            httpd.asked.append(self.path)
            if self.path not in httpd.answers:
                return self.send_error(404)
            body, length = httpd.answers[self.path]
            self.send_response(200)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        httpd.url, httpd.answers, httpd.asked = f"http://127.0.0.1:{httpd.server_port}", {}, []
        threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
        yield httpd
        httpd.shutdown()


def tiny(*mirrors: str) -> Published:
    return Published("Tiny", mirrors, (FILE,), "Tiny/raw")


def put(folder, name: str, content: bytes):
    path = folder / "Tiny" / "raw" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_the_first_folder_that_has_the_file_wins_and_the_cache_is_last(tmp_path, monkeypatch):
    a, b, c = (tmp_path / name for name in "abc")
    monkeypatch.setenv("CLBENCH_DATA", os.pathsep.join(["", str(a), str(b), str(c)]))
    cached = put(tmp_path / "cache" / "clbench", "labels.gz", GZ)
    assert files.get(tiny(), FILE) == cached
    last = put(c, "labels.gz", GZ)
    assert files.get(tiny(), FILE) == last
    raw = put(b, "labels", RAW)
    assert files.get(tiny(), FILE) == raw


@pytest.mark.parametrize(("name", "expected"), [("labels.gz", FILE.md5_gz), ("labels", FILE.md5)])
def test_a_damaged_file_is_named_with_both_sums(tmp_path, monkeypatch, name, expected):
    monkeypatch.setenv("CLBENCH_DATA", str(tmp_path))
    path = put(tmp_path, name, b"damaged")
    with pytest.raises(InputError) as caught:
        files.get(tiny(), FILE)
    for part in (str(path), expected, hashlib.md5(b"damaged").hexdigest()):
        assert part in str(caught.value)


def test_downloads_into_the_cache_only_once_and_past_bad_mirrors(tmp_path, monkeypatch, server, cache):
    given = tmp_path / "given"
    given.mkdir()
    monkeypatch.setenv("CLBENCH_DATA", str(given))
    answers = {"other": (b"<html>", 6), "cut": (GZ[:9], len(GZ)), "good": (GZ, len(GZ))}
    server.answers = {f"/{mirror}/labels.gz": answer for mirror, answer in answers.items()}
    data = tiny(*(f"{server.url}/{mirror}/" for mirror in ("absent", *answers)))
    for _ in range(2):
        assert files.get(data, FILE).read_bytes() == GZ
    assert list(dict.fromkeys(server.asked)) == [
        f"/{mirror}/labels.gz" for mirror in ("absent", "other", "cut", "good")
    ]
    assert server.asked.count("/good/labels.gz") == 1  # then it was there
    assert os.listdir(cache) == ["labels.gz"]
    assert os.listdir(given) == []


def test_a_failed_download_leaves_nothing_says_why_and_is_not_repeated(server, cache):
    server.answers = {"/labels.gz": (b"<html>", 6)}
    data = tiny(f"{server.url}/")
    for _ in range(2):
        with pytest.raises(Unavailable) as caught:
            files.get(data, FILE)
        for part in ("put labels.gz under $CLBENCH_DATA/Tiny/raw", server.url, "gives a file with md5"):
            assert part in str(caught.value)
        assert "\n" not in str(caught.value)
    assert server.asked == ["/labels.gz"]
    assert os.listdir(cache) == []


def test_offline_means_that_nobody_is_asked(monkeypatch, server):
    monkeypatch.setenv("CLBENCH_OFFLINE", "1")
    server.answers = {"/labels.gz": (GZ, len(GZ))}
    with pytest.raises(
        Unavailable, match=r"put labels.gz under \$CLBENCH_DATA/Tiny/raw, or unset CLBENCH_OFFLINE"
    ):
        files.get(tiny(f"{server.url}/"), FILE)
    assert server.asked == []


def test_an_answer_that_stalls_is_given_up_and_leaves_nothing(monkeypatch, cache):
    monkeypatch.setattr(files, "PATIENCE", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepted = []

        def answer():
            accepted.append(listener.accept()[0])
            accepted[0].sendall(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % len(GZ) + GZ[:9])

        threading.Thread(target=answer, daemon=True).start()
        start = time.monotonic()
        with pytest.raises(Unavailable, match="timed out"):
            files.get(tiny(f"http://127.0.0.1:{listener.getsockname()[1]}/"), FILE)
        assert time.monotonic() - start < 5
        accepted[0].close()
    assert os.listdir(cache) == []

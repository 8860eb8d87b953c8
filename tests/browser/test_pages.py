"""The reports in a real browser: they render, log no error, and ask for nothing but themselves."""

import json
import re

import pytest


@pytest.fixture
def reports(folder):
    return folder / "reports"


def requested(netlog) -> set[str]:
    """The addresses that the page asked for; the browser's own requests have "not an origin" as initiator."""
    told = [event.get("params", {}) for event in json.loads(netlog.read_text())["events"]]
    return {
        one["url"]
        for one in told
        if "url" in one and one.get("initiator", "not an origin") != "not an origin"
    }


@pytest.mark.parametrize("name", ["smoke.html", "index.html"])
def test_renders_alone_and_without_errors(chromium, reports, tmp_path, name):
    netlog = tmp_path / "netlog.json"
    dom, log = chromium("--dump-dom", f"--log-net-log={netlog}", (reports / name).as_uri())
    assert "clbench" in dom and dom.rstrip().endswith("</html>")
    assert "CONSOLE" not in log
    assert not {url for url in requested(netlog) if not url.startswith(("file:", "data:"))}


def test_the_check_above_sees_a_request(chromium, reports, tmp_path):
    page, netlog, address = tmp_path / "page.html", tmp_path / "netlog.json", "http://127.0.0.1:9/image.png"
    page.write_text((reports / "index.html").read_text().replace("</body>", f'<img src="{address}"></body>'))
    chromium("--dump-dom", f"--log-net-log={netlog}", page.as_uri())
    assert requested(netlog) == {address}


def test_the_rendered_page_has_its_tables_and_figures(chromium, reports):
    dom, _ = chromium("--dump-dom", (reports / "smoke.html").as_uri())
    assert dom.count("<table") == 9 and dom.count("<figure") == 7 and dom.count("<svg") == 7
    assert "★ 73.3" in dom and "needs task labels" in dom and "avalanche_gem" in dom


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_screenshot_is_neither_empty_nor_one_colour(chromium, reports, tmp_path, scheme):
    numpy, image = pytest.importorskip("numpy"), pytest.importorskip("PIL.Image")
    shot = tmp_path / "page.png"
    chromium(
        f"--blink-settings=preferredColorScheme={int(scheme == 'light')}",
        f"--screenshot={shot}",
        "--window-size=1400,3000",
        (reports / "smoke.html").as_uri(),
    )
    pixels = numpy.asarray(image.open(shot).convert("L"))
    assert pixels.std() > 10 and (numpy.median(pixels) > 128) == (scheme == "light")


def test_nothing_but_tables_is_wider_than_the_window(chromium, reports, tmp_path):
    """Wide tables scroll inside their own box; the page itself never scrolls sideways."""
    page = tmp_path / "measured.html"
    probe = (
        "<script>document.title = document.documentElement.scrollWidth + ' of ' + innerWidth</script></body>"
    )
    page.write_text((reports / "smoke.html").read_text().replace("</body>", probe))
    dom, _ = chromium("--dump-dom", "--window-size=700,900", page.as_uri())
    width, window = map(int, re.search(r"<title>(\d+) of (\d+)</title>", dom).groups())
    assert width <= window

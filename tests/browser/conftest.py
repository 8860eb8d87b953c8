"""Headless Chromium, and the pages that it opens."""

import pytest
from browser import folders
from browser.browser import Browser, found


@pytest.fixture(scope="module", autouse=True)
def known_pairs(fabricated):
    """In these tests the pairs of the fabricated records have source code."""
    with fabricated.known():
        yield


@pytest.fixture(scope="module")
def browser():
    if found() is None:
        pytest.skip("no chromium on PATH (apt-get install chromium)")
    with Browser() as page:
        yield page


@pytest.fixture
def page(browser):
    """The browser as a desktop of light colours; no test may leave an error or a warning behind."""
    browser.size(1400, 1000)
    browser.media("light")
    browser.errors.clear()
    yield browser
    assert not browser.errors


@pytest.fixture(scope="session")
def sound(fabricated, tmp_path_factory):
    with fabricated.known():
        top = tmp_path_factory.mktemp("sound")
        return folders.write(folders.sound(fabricated), top, others=folders.of_others())


@pytest.fixture(scope="session")
def nasty(fabricated, tmp_path_factory):
    with fabricated.known():
        top, others = tmp_path_factory.mktemp("nasty"), folders.nasty_of_others()
        return folders.write(folders.nasty(fabricated), top, "{", others)

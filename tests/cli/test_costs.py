"""`clbench costs`: money, CO2 and storage at rates in a file."""

import json

import pytest

from clbench.results import records


@pytest.fixture(autouse=True)
def known_pairs(fabricated):
    with fabricated.known():
        yield


ACC = [[[0.1, 0.1], [0.8, 0.1], [0.5, 0.7]]]


@pytest.fixture(scope="module")
def place(fabricated, tmp_path_factory):
    """A folder with my_results/: joint takes ten CPU hours, er two with 100 examples of unknown size, lwf
    two with 2 GB, mas more than joint; si ran on a GPU."""
    folder = tmp_path_factory.mktemp("rated")
    gpu = {"cpu_hours": None, "gpu_hours": 3.0, "energy_wh": 900.0}
    for strategy, costs in {
        "naive": {"cpu_hours": 1.0, "memory_bytes": 0},
        "joint": {"cpu_hours": 10.0},
        "er": {"cpu_hours": 2.0, "memory_items": 100, "extra_params": 25},
        "lwf": {"cpu_hours": 2.0, "memory_bytes": 2_000_000_000},
        "mas": {"cpu_hours": 12.0, "memory_bytes": 1000},
        "si": gpu | {"memory_bytes": 0},
    }.items():
        costs = {"setup_s": 0.0} | costs
        records.write(fabricated.make(strategy, ACC, costs=costs), folder / "my_results")
    return folder


@pytest.fixture
def costs(here, place):
    """strategy -> cells, at the rates in this text."""

    def run(text):
        (place / "rates.toml").write_text(text)
        done = here("costs", "--rates", "rates.toml", "--format", "json", cwd=place)
        assert done.returncode == 0 and not done.stderr, done.stderr
        (table,) = json.loads(done.stdout)["tables"]
        return {row["strategy"]: row["cells"] for row in table["rows"]}

    return run


def test_setting_up_costs_nothing(fabricated, here, tmp_path):
    """The first run of a command alone has loaded the libraries and the data."""
    timed = {"cpu_hours": 3.0, "setup_s": 20.0, "train_s": 8.0, "eval_s": 2.0}
    records.write(fabricated.make("er", ACC, costs=timed), tmp_path / "my_results")
    (tmp_path / "rates.toml").write_text("price_per_cpu_hour = 2")
    done = here("costs", "--rates", "rates.toml", "--format", "json")
    assert json.loads(done.stdout)["tables"][0]["rows"][0]["cells"]["money"]["value"] == pytest.approx(2)


def test_money_and_co2(costs):
    found = costs("price_per_cpu_hour = 0.5\nkg_co2_per_kwh = 0.4\nwatts_per_cpu = 50")
    assert found["er"]["money"]["value"] == 1 and found["joint"]["money"]["value"] == 5
    assert found["er"]["kwh"]["value"] == 0.1 and found["er"]["kg_co2"]["value"] == pytest.approx(0.04)
    assert found["si"]["money"]["value"] is None  # no price of its hours
    assert found["si"]["kwh"]["value"] == 0.9  # measured; the watts are of a CPU
    found = costs("price_per_gpu_hour = 2\nprice_per_kwh = 0.3")
    assert found["si"]["money"]["value"] == pytest.approx(3 * 2 + 0.9 * 0.3)
    assert found["er"]["money"]["value"] is None  # of its energy nothing is known: no part of the sum stands
    assert found["er"]["kg_co2"]["text"] == "–"


def test_storage_against_retraining(costs):
    found = costs("price_per_cpu_hour = 1\nprice_per_gb_month = 0.5\nbytes_per_example = 1e6")
    er, lwf = found["er"], found["lwf"]
    assert er["kept_gb"]["value"] == pytest.approx((100 * 1e6 + 25 * 4) / 1e9)
    assert lwf["storage"]["value"] == 1 and lwf["saved"]["value"] == (10 - 2) / 2  # two tasks
    assert lwf["break_even"]["value"] == 4 and er["break_even"]["value"] == pytest.approx(4 / 0.05, rel=1e-4)
    assert found["mas"]["break_even"]["text"] == "never"
    assert found["naive"]["break_even"]["text"] == "keeps nothing"
    assert found["joint"]["saved"]["text"] == found["joint"]["storage"]["text"] == "–"
    assert costs("price_per_cpu_hour = 1\nprice_per_gb_month = 0.5")["er"]["kept_gb"]["value"] is None


def test_the_table_says_the_rates_and_the_machines(here, place):
    (place / "rates.toml").write_text('price_per_cpu_hour = 0.5\ncurrency = "EUR"', encoding="utf-8")
    text = here("costs", "--rates", "rates.toml", "-s", "er", "--format", "markdown", cwd=place).stdout
    assert "| EUR |" in text and "rates: price\\_per\\_cpu\\_hour 0.5, currency EUR;" in text
    assert "made on cpu" in text and "| `er` | 1 |" in text and "`joint`" not in text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no such file"),
        (b"price_per_kwh = ", "no TOML in UTF-8"),
        (b"\xff\xfe", "no TOML in UTF-8"),
        (b"price_per_kw = 1", 'unknown rate "price_per_kw": did you mean "price_per_kwh"?'),
        (b'"\\u0007" = 1', 'unknown rate "\\x07"'),
        (b"price_per_kwh = -1", "price_per_kwh has to be a number from 0 to 1e+12"),
        (b"price_per_kwh = nan", "price_per_kwh has to be a number"),
        (b"price_per_kwh = inf", "price_per_kwh has to be a number"),
        (b"price_per_kwh = true", "price_per_kwh has to be a number"),
        (b'price_per_kwh = "0.3"', "price_per_kwh has to be a number"),
        (b'price_per_kwh = 1\ncurrency = "a\\u001b[2J"', "currency has to be a word"),
        (b'currency = "EUR"', "no rate in it; there are price_per_gpu_hour, "),
        (b"#" * 200_000, "at most 100,000 bytes"),
    ],
)
def test_a_bad_file_of_rates_is_one_line(here, place, tmp_path, content, said):
    path = tmp_path / "bad.toml"
    if content is not None:
        path.write_bytes(content)
    done = here("costs", "--rates", path, cwd=place)
    assert done.returncode == 2 and said in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert not done.stdout and done.stderr.startswith(f"clbench: {path}")

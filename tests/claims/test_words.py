"""Every kind of test and every word, on records whose truth is known."""

import numpy as np
import pytest
from scipy.stats import t, ttest_1samp

from clbench.claims.decide import p_values
from clbench.claims.language import parse
from clbench.metrics.ranks import holm

OTHER = "split_mnist_domain"


@pytest.fixture(scope="module")
def records(row):
    """ACC, in points: naive 40, ewc 41, er 60, joint 90, all with their seeds' own noise."""
    made = [
        row("naive", 40, 0.0, old=20, costs={"flops": 100, "memory_items": 0}),
        row("ewc", 41, 0.4, costs={"flops": 300}),
        row("lwf", 40, 6.0),
        row("er", 60, 1.0, old=40, costs={"flops": 200, "memory_items": 500}),
        row("joint", 90, 1.0, old=95, costs={"flops": 400}),
        row("naive", 40, 0.0, benchmark=OTHER),
        row("er", 45, 1.0, benchmark=OTHER),
        row("naive", 40, 0.5, old=10, profile="full"),
    ]
    return made + [row(f"er(memory={m})", 30 + 5 * i, 0.5) for i, m in enumerate((100, 200, 400))]


WORDS = [
    # order
    ("er > naive by 10", "holds"),
    ("naive < er by 10", "holds"),
    ("er > naive by 19.9", "undecided"),
    ("er > naive by 30", "contradicted"),
    ("naive > er by 1", "reversed"),
    ("ewc > naive", "undecided"),  # by 1, and it is ahead by 1
    ("naive > ewc by -2", "holds"),  # no worse by more than 2
    ("naive > ewc by -0.1", "reversed"),
    # chains and sets
    ("joint > er > naive by 5", "holds"),
    ("joint > er > naive by 25", "contradicted"),
    ("er > joint > naive by 5", "reversed"),
    ("er > {naive, ewc} by 10", "holds"),
    ("er > {naive, lwf} by 16", "undecided"),
    ("{er, ewc} > naive by 5", "contradicted"),
    # numbers
    ("er > 50", "holds"),
    ("er < 50", "reversed"),
    ("er > 60", "undecided"),
    ("{er, joint} > 50", "holds"),
    ("old:naive = 20 within 0.01", "holds"),
    # equal, differ
    ("ewc = naive", "holds"),  # within 2
    ("ewc = naive within 1", "undecided"),
    ("er = naive", "contradicted"),
    ("lwf = naive", "undecided"),
    ("ewc != naive", "undecided"),  # by 1
    ("ewc != naive by 3", "contradicted"),
    ("er != naive by 2", "holds"),
    ("naive != {ewc, er} by 5", "holds"),  # one pair suffices
    ("naive != {ewc, lwf} by 20", "contradicted"),
    # trends
    ("er(memory=100|200|400) ~ up by 4", "holds"),
    ("er(memory=100|200|400) ~ up by 6", "contradicted"),
    ("er(memory=100|200|400) ~ down", "reversed"),
    ("er(memory=100|200|400) ~ up by 5", "undecided"),
    ("er(memory=100|200|400) - naive ~ up by 4", "holds"),
    # interactions, over benchmarks and profiles
    (f"er - naive > er@{OTHER} - naive@{OTHER} by 10", "holds"),
    (f"er@{OTHER} - naive@{OTHER} > er@split_mnist_class - naive@split_mnist_class by 1", "reversed"),
    ("forgetting: naive@full/split_mnist_class > naive@quick/split_mnist_class by 5", "holds"),
    # costs: exact, so compared as numbers
    ("flops: joint > er by x1.5", "holds"),
    ("flops: joint > er by x2", "undecided"),
    ("flops: joint > er by x2.5", "contradicted"),
    ("flops: er > ewc by x1", "reversed"),
    ("flops: naive = er within x3", "holds"),
    ("flops: er > naive by 50", "holds"),
    ("memory_items: naive < 1", "holds"),
    # two metrics of one row
    ("old:joint > acc:joint by 1", "holds"),
    ("old:er > new:er by 5", "reversed"),
]


@pytest.mark.parametrize(("test", "word"), WORDS, ids=[test for test, _ in WORDS])
def test_the_word_is_the_truth(test, word, records, decided):
    (cell,) = [cell for cell in decided(records, test).cells if cell.profile != "full"]
    assert ("reversed" if cell.reverse else cell.alone) == word, cell
    assert cell.seeds_needed is None or cell.alone == "undecided"


def test_a_cell_has_the_effect_and_the_interval_of_a_paired_t_test(row, decided):
    a, b = np.array([60.0, 62, 61, 65, 58]), np.array([50.0, 55, 49, 56, 50])
    records = [row("er", a, costs={"flops": 300}), row("naive", b, costs={"flops": 100})]
    cell = decided(records, "er > naive by 5").cells[0]
    low, high = ttest_1samp(a - b, 0).confidence_interval(0.95)
    assert [cell.effect, cell.low, cell.high] == pytest.approx([np.mean(a - b), low, high])
    assert cell.p == pytest.approx(ttest_1samp(a - b, 5).pvalue) and (cell.n, cell.unit) == (5, "points")
    ratio = decided(records, "acc: er > naive by x1.01").cells[0]
    d = np.log(a / b)
    low, high = np.exp(ttest_1samp(d, 0).confidence_interval(0.95))
    assert [ratio.effect, ratio.low, ratio.high] == pytest.approx([np.exp(d.mean()), low, high])
    exact = decided(records, "flops: er > naive by x2").cells[0]
    assert (exact.effect, exact.low, exact.high, exact.p) == (pytest.approx(3), exact.effect, exact.effect, 0)


def test_seeds_are_paired_on_those_that_both_have(row, decided):
    hard = np.array([10.0, 30, 50, 70, 90])  # that a seed is hard is no noise between two rows
    records = [
        row("naive", hard - [2, 2.2, 1.8, 2, 2.1], seeds=[0, 1, 2, 3, 4]),
        row("er", hard[1:4], seeds=[1, 2, 3]),
    ]
    cell = decided(records, "er > naive by 1").cells[0]
    assert (cell.alone, cell.n) == ("holds", 3) and cell.effect == pytest.approx(2)


def test_the_slope_is_per_doubling(row, decided):
    records = [row(f"er(memory={m})", 20 + 3 * np.log2(m), 1.0) for m in (100, 300, 1600)]
    cell = decided(records, "er(memory=100|300|1600) ~ up by 2").cells[0]
    assert cell.effect == pytest.approx(3) and cell.unit == "points per doubling"


def test_the_weakest_link_is_named(records, decided):
    for test, weakest, links in [
        ("joint > er > naive by 5", "er vs naive", "2 of 2 hold, 0 fail"),
        ("{er, ewc} > naive by 5", "ewc vs naive", "1 of 2 hold, 1 fail"),
        ("er > {naive, lwf} by 16", "er vs lwf", "1 of 2 hold, 0 fail"),
    ]:
        cell = decided(records, test).cells[0]
        assert (cell.weakest, cell.links) == (weakest, links)


def with_p(p: float, n: int = 5) -> np.ndarray:
    """[n] differences whose two-sided t test for 0 has this p, and a mean above 0."""
    d = np.arange(n) - (n - 1) / 2
    return d + t.isf(p / 2, n - 1) * d.std(ddof=1) / np.sqrt(n)


def test_a_failing_link_is_corrected_for_their_number(row, decided):
    records = [row("er", 50 + with_p(0.03)), row("naive", 50 * np.ones(5)), row("ewc", 50 + with_p(0.9))]
    assert decided(records, "naive > er by 0").cells[0].alone == "contradicted"
    cell = decided(records, "naive > {er, ewc} by 0").cells[0]
    assert cell.alone == "undecided" and cell.p == pytest.approx(0.06)


# ---- lines and pages


def on_several(row, ps):
    """er against naive on a benchmark for each p; negative: naive is ahead."""
    names = ["split_mnist_class", "split_mnist_task", "split_mnist_domain", "split_cifar10_class"]
    return [
        one
        for name, p in zip(names, ps, strict=False)
        for one in (
            row("er", 50 + np.sign(p) * with_p(abs(p)), benchmark=name),
            row("naive", 50 * np.ones(5), benchmark=name),
        )
    ]


@pytest.mark.parametrize(
    ("ps", "word", "holds", "contradicted"),
    [
        ([0.01, 0.02], "holds", 2, 0),
        ([0.03, 0.04], "undecided", 0, 0),  # each alone holds; together 0.06
        ([0.001, 0.02, 0.9], "holds", 2, 0),
        ([0.001, 0.5, 0.9], "undecided", 1, 0),
        ([0.001, -0.001, 0.9], "mixed", 1, 1),
        ([-0.001, -0.001, 0.9], "contradicted", 0, 2),
        ([-0.001, 0.5, 0.9], "undecided", 0, 1),
    ],
)
def test_a_line_holds_on_so_many_by_holm(ps, word, holds, contradicted, row, decided):
    made = decided(on_several(row, ps), "er > naive by 0", on=["split_*"])
    line = made.line
    assert (line.word, line.holds, line.contradicted, line.tested) == (word, holds, contradicted, len(ps))
    assert {cell.line for cell in made.telling} == ({"holds", "contradicted"} if word == "mixed" else {word})


def test_a_page_is_corrected_for_its_claims_and_a_line_is_not(row, decided):
    records = on_several(row, [0.03])
    alone, *others = decided(records, "er > naive by 0", *["er > naive by 0.01"] * 2)
    assert (alone.cells[0].line, alone.cells[0].page) == ("holds", "undecided")
    (one,) = [decided(records, "er > naive by 0")]
    assert one.cells[0].page == "holds"


def test_what_lies_beyond_the_scope_has_a_line_of_its_own(row, decided):
    records = on_several(row, [0.001, -0.001, -0.001])
    made = decided(records, "er > naive by 0", on=["split_mnist_class", "~split_*"])
    assert (made.line.word, made.line.tested) == ("holds", 1)
    assert (made.beyond.word, made.beyond.tested) == ("contradicted", 2)
    assert decided(records, "er > naive", on=["~split_*"]).line.word == "not testable"


def test_cells_are_quick_and_full_and_what_is_named(row, decided):
    records = [row(name, 50, profile=p) for name in ("er", "naive") for p in ("smoke", "quick", "full")]
    variant = f"split_mnist_class(memory={7})"
    records += [row(name, 50, benchmark=variant) for name in ("er", "naive")]

    def places(on):
        return [(cell.profile, cell.benchmark) for cell in decided(records, "er > naive", on=[on]).cells]

    both = [("quick", "split_mnist_class"), ("full", "split_mnist_class")]
    assert places("split_mnist_class") == places("split_*") == both  # no variant by a glob
    assert places("smoke/split_*") == [("smoke", "split_mnist_class")]
    assert places("split_mnist_class( memory = 7 )") == [("quick", variant)]


# ---- how often a word is wrong


@pytest.mark.parametrize(
    ("test", "mean"),
    [("er > naive by 2", 2.0), ("er = naive within 2", 2.0), ("er != naive by 2", -2.0)],
)
def test_holds_is_wrong_at_the_margin_in_5_percent_at_most(test, mean):
    statement, rng = parse(test), np.random.default_rng(0)
    for n in (3, 10):
        wrong = [p_values(statement, rng.normal(mean, 1, n))[0] <= 0.05 for _ in range(2000)]
        assert 0.01 < np.mean(wrong) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 2000), (n, np.mean(wrong))


def test_k_of_n_is_too_large_in_5_percent_at_most():
    """Six benchmarks on which it is just not true, that share half of their noise, and two on which it is."""
    statement, rng, wrong = parse("er > naive by 2"), np.random.default_rng(1), []
    for _ in range(1000):
        shared = rng.normal(0, 1, 5)
        d = [2 + shared + rng.normal(0, 1, 5) for _ in range(6)] + [rng.normal(6, 0.5, 5) for _ in range(2)]
        corrected = holm(np.array([min(1, *p_values(statement, one)) for one in d]))
        holds = sum(p <= 0.05 and one.mean() > 2 for p, one in zip(corrected, d, strict=True))
        wrong.append(holds > 2)
    assert 0.0 < np.mean(wrong) < 0.05

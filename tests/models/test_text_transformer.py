"""Transformers of texts against one that is made of torch's own layers."""

from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers import refused
from models.test_tiny_vit import PlainViT

from clbench import registry
from clbench.data import word_vectors
from clbench.data.pairs.words import hash_words
from clbench.models.dual_encoder import DualEncoder
from clbench.models.text_encoder import TextEncoder
from clbench.models.text_transformer import CaptionTransformer, TextTransformer
from clbench.testing.runs import small_run

WORDS, LENGTH, WIDTH = 40, 7, 16


def words(count: int = 5, key: int = 0):
    """Texts of 0, 2, 4, … words."""
    drawn = torch.randint(1, WORDS, (count, LENGTH), generator=torch.Generator().manual_seed(key))
    return drawn * (torch.arange(LENGTH) < 2 * torch.arange(count).unsqueeze(1))


def plain_tower(views, place, texts, prompts=None):
    """Features of texts, each alone and without what stands where it has ended."""
    weights = {name.removeprefix(f"{place}."): view for name, view in views.items()}
    blocks = [PlainViT.block(weights, f"blocks.{i}", WIDTH) for i in range(2)]
    found = []
    for text in texts:
        text = text[text > 0]
        tokens = weights["table"][text] * weights["word_weights"][text, None] + weights["place"][: len(text)]
        if prompts is not None:
            tokens = torch.cat([prompts, tokens])
        for block in blocks:
            tokens = block(tokens.unsqueeze(0)).squeeze(0) if len(tokens) else tokens
        found.append(tokens.mean(0) if len(tokens) else torch.zeros(WIDTH))
    return torch.stack(found)


def moved(net):
    """Weights that are nowhere 0."""
    draws = torch.Generator().manual_seed(1)
    theta = net.init(draws)
    return theta + 0.1 * torch.randn(theta.shape, generator=draws)


@pytest.mark.parametrize("prompts", [None, torch.randn(3, WIDTH, generator=torch.Generator().manual_seed(2))])
def test_reads_texts_as_torchs_own_layers_do(prompts):
    text = TextTransformer(np.linspace(0.5, 2, WORDS, dtype=np.float32), LENGTH, WIDTH)
    caption = CaptionTransformer((8, 8, 3), WORDS, LENGTH, WIDTH)
    images = torch.randint(256, (5, 192), dtype=torch.uint8)
    for net, place, x, side in (
        (text, "body.tower", (words(key=1), words(key=2)), 0),
        (text, "body.tower", (words(key=1), words(key=2)), 1),
        (caption, "body.right", (images, words()), 1),
    ):
        theta = moved(net)
        if prompts is None:
            ours = net.features(theta, x)[side]
        else:
            ours = net.features_behind(theta, x[side], prompts.expand(5, -1, -1), side)
        views = {name: torch.nn.Parameter(view) for name, view in net.layout.views(theta).items()}
        theirs = plain_tower(views, place, x[side], prompts)
        assert torch.allclose(ours, theirs, atol=1e-5) and theirs[1:].std() > 0.1


def test_untrained_it_compares_texts_by_the_words_that_they_share():
    idf = np.linspace(0, 2, WORDS, dtype=np.float32)
    net, x = TextTransformer(idf, LENGTH, WIDTH), (words(key=1), words(key=2))
    theta = net.init(torch.Generator().manual_seed(0))
    left, right = net(theta, x)
    table, place = (net.layout.views(theta)[f"body.tower.{name}"] for name in ("table", "place"))
    for ours, side, scale in ((left, x[0], 10), (right, x[1], 1)):
        there = (side > 0).unsqueeze(-1)
        sums = ((table[side] * torch.from_numpy(idf)[side].unsqueeze(-1) + place) * there).sum(1)
        assert torch.allclose(ours, scale * F.normalize(sums, dim=-1), atol=1e-5)
    assert place.abs().max() < 0.1


def test_a_benchmark_of_pairs_has_it_by_its_argument():
    for spec, kind in (
        ("icons(net='transformer')", CaptionTransformer),
        ("icons", DualEncoder),
        ("driftcaps(n=40, n_test=8, size=8, net='transformer')", CaptionTransformer),
        ("driftcaps(n=40, n_test=8, size=8)", DualEncoder),
    ):
        benchmark = registry.benchmark(spec, "smoke")[1]
        net, stream = benchmark.network(), benchmark.stream([0], torch.device("cpu"))
        assert type(net) is kind
        x = tuple(side[0, :3] for side in stream.test(0, slice(0, 3)))
        assert all(side.shape == (3, 64) for side in net(net.init(torch.Generator().manual_seed(0)), x))


def test_two_texts_have_one_tower_and_a_model_is_a_network_already(tmp_path):
    lines = ["headline,description,date"]
    lines += [f"the {i} th of many,words of {i} sorts,2020-{1 + i // 60:02}-01" for i in range(240)]
    (tmp_path / "texts.csv").write_text("\n".join(lines))
    options = "text='headline', caption='description', min_rows=60, rows=16"
    spec = f"stream(path='{tmp_path / 'texts.csv'}', {options}, net=%s)"
    net = registry.benchmark(spec % "'transformer'", "smoke")[1].network()
    assert type(net) is TextTransformer and net.sides == (0, 1)
    assert type(registry.benchmark(spec % "None", "smoke")[1].network()) is TextEncoder
    both = spec % "'transformer', model='ViT-B-32'"
    assert "model='ViT-B-32' is a network, and so is" in refused(registry.benchmark, both, "smoke")
    assert "a width that 4 divides" in refused(TextTransformer, np.ones(9, np.float32), 5, 30)
    assert "weights='wordllama' are of no network" in refused(
        registry.benchmark, spec % "None, weights='wordllama'", "smoke"
    )


def test_pretrained_vectors_know_words_that_mean_the_same(tmp_path):
    pytest.importorskip("wordllama")
    alike = [("physician", "doctor"), ("automobile", "car"), ("infant", "baby"), ("film", "movie")]
    lines = ["headline,description,date"]
    lines += [
        f"the {alike[i % 4][0]} {i},a {alike[i % 4][1]} {i},2020-{1 + i // 60:02}-01" for i in range(240)
    ]
    (tmp_path / "texts.csv").write_text("\n".join(lines))
    options = "text='headline', caption='description', min_rows=60, rows=16, net='transformer'"
    spec = f"stream(path='{tmp_path / 'texts.csv'}', {options}, weights=%s)"

    def nearest(weights):
        benchmark = registry.benchmark(spec % weights, "smoke")[1]
        net = benchmark.network()
        read = word_vectors.pieces if benchmark.pretrained else partial(hash_words, buckets=benchmark.buckets)
        x = tuple(torch.from_numpy(read(texts, length=24)) for texts in zip(*alike, strict=True))
        views = net.layout.views(net.init(torch.Generator().manual_seed(0)))
        left, right = net(net.layout.flat(views | {"body.tower.word_weights": 1.0}), x)
        return (left @ right.mT).argmax(1).tolist()

    assert nearest("'wordllama'") == [0, 1, 2, 3] != nearest("None")
    assert small_run(registry.strategy("naive").build(), spec % "'wordllama'", steps=3).train().mean() > 0


def test_pieces_of_words_are_the_tokenizers_own():
    pytest.importorskip("wordllama")
    tokenizers, loading = pytest.importorskip("tokenizers"), pytest.importorskip("safetensors.numpy")
    weights = word_vectors.weights()
    reader = tokenizers.Tokenizer.from_file(
        str(weights.parents[1] / "tokenizers" / "l2_supercat_tokenizer_config.json")
    )
    numbers, table = word_vectors.pieces(["A new treaty for oceans", "oceans"], 6), word_vectors.table()
    theirs = loading.load_file(weights)["embedding.weight"].astype(np.float32)
    for row, text in zip(numbers, ("A new treaty for oceans", "oceans"), strict=True):
        ids = reader.encode(text, add_special_tokens=False).ids[:6]
        assert row.tolist() == [1 + one for one in ids] + [0] * (6 - len(ids))
        assert np.array_equal(table[row[: len(ids)]], theirs[ids])
    assert not table[0].any()

"""The sets that code makes: driftcaps and glyphs."""

import hashlib
import json
from collections import Counter

import numpy as np
import pytest

from clbench.data.pairs import driftcaps, glyphs
from clbench.errors import InputError


def drawn(steps=3, n=120, n_test=60, drift=0.5, churn=0.2, size=32, seed=0, period=None):
    return driftcaps.slices(steps, n, n_test, drift, churn, size, seed, period)


def digest(made) -> str:
    """Of attributes and captions, which are the same on every machine; pixels need not be."""
    content = [[one.captions, one.attributes.tolist()] for pair in made for one in pair]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


def test_driftcaps_is_the_same_everywhere():
    assert digest(drawn()) == "390e166d2e6e94fd"


def test_more_test_pairs_or_more_slices_change_no_earlier_training_pair():
    first, more = drawn(), drawn(steps=4, n_test=80)
    for (a, _), (b, _) in zip(first, more, strict=False):
        assert np.array_equal(a.images, b.images) and a.captions == b.captions


def test_test_pairs_of_a_slice_are_distinct():
    for _, test in drawn(n_test=400):
        assert len(np.unique(test.attributes, axis=0)) == 400


def test_without_drift_and_churn_the_slices_are_exchangeable():
    """The same words, shapes and looks throughout: mean image and words agree between the first and the last
    slice."""
    (first, _), *_, (last, _) = drawn(n=600, drift=0, churn=0)
    (then, _), *_, (later, _) = drawn(n=600, drift=1, churn=0.4)
    apart = [np.abs(a.images.mean(0) - b.images.mean(0)).mean() for a, b in ((first, last), (then, later))]
    assert apart[0] < 0.5 * apart[1]
    words = [set(" ".join(one.captions).split()) for one in (first, last, then, later)]
    assert words[0] == words[1] and len(words[3] - words[2]) > 10
    assert set(first.attributes[:, 0]) == set(last.attributes[:, 0])


def test_churn_brings_shapes_never_seen_before():
    seen = [set(train.attributes[:, 0]) for train, _ in drawn(n=600, drift=0, churn=0.5)]
    assert len(seen[1] - seen[0]) == 6 and not (seen[0] - seen[1]) & seen[2]


def test_with_a_period_the_world_returns_and_what_is_drawn_of_it_is_new():
    made, ever_new = drawn(steps=5, n=600, period=2), drawn(steps=5, n=600)
    for t in range(2):  # the first period is as it was without
        assert np.array_equal(made[t][0].images, ever_new[t][0].images)
    words = [set(" ".join(train.captions).split()) for train, _ in made]
    shapes = [set(train.attributes[:, 0]) for train, _ in made]
    assert words[0] == words[2] == words[4] != words[1] == words[3]
    assert shapes[0] == shapes[2] and shapes[0] != shapes[1]
    assert made[0][0].captions != made[2][0].captions


def test_a_caption_names_what_is_shown():
    """Large things cover more of the image than tiny ones."""
    (train, _), *_ = drawn(n=400)
    both = list(zip(train.images, train.captions, strict=True))
    contrast = {
        size: np.mean([image.std() for image, caption in both if size in caption])
        for size in ("tiny", "huge")
    }
    assert contrast["huge"] > contrast["tiny"]


def test_too_many_test_pairs_are_refused():
    with pytest.raises(InputError, match="lower n_test=120000"):
        drawn(steps=1, n=1, n_test=120_000)  # 12 x 10 x 6 x 3 x 9 x 6 = 116,640 are distinct


def test_glyphs_hold_characters_out_with_all_their_fonts():
    rows = list(glyphs.rows())
    assert {row.slice for row in rows} == set(glyphs.RELEASE_DATES)
    often = Counter(row.right for row in rows)
    assert often["latin small letter a"] == 6 and max(often.values()) == 6  # once in each font
    assert all(row.left.shape == (32, 32, 3) and row.left.min() < 128 for row in rows[::50])


def test_ages_of_some_characters():
    ages = glyphs.ages()
    assert [ages[ord(one)] for one in "Aé€ℵ☃𝐀"] == ["1.1", "1.1", "2.1", "1.1", "1.1", "3.1"]

"""Pictures: standardised by channel, and seen another way each time where the stream augments."""

import torch

from clbench import registry
from clbench.core.batch import take
from clbench.core.budget import Budget
from clbench.data.labelled.sources import Images
from clbench.engine.run import Run
from clbench.models.small_conv import SmallConv
from clbench.streams.augmentation import crops_and_flips
from clbench.streams.labelled import split_by_class

SHAPE = (6, 5, 3)
PAD = 2


def pictures() -> Images:
    draws = torch.Generator().manual_seed(0)
    x = torch.randint(256, (80, 90), generator=draws, dtype=torch.uint8)
    y = torch.arange(80) % 4
    return Images(
        x[:60],
        y[:60],
        x[60:],
        y[60:],
        scale=255.0,
        fingerprint="noise",
        shape=SHAPE,
        mean=(0.1, 0.2, 0.3),
        std=(0.5, 0.6, 0.7),
    )


def stream(seeds=(0, 1)):
    return split_by_class(pictures(), [[0, 1], [2, 3]], "class", list(seeds), crops_and_flips(SHAPE, PAD))


def make(spec: str, seeds=(0, 1)) -> Run:
    return Run(
        stream(seeds), SmallConv(SHAPE, 4, (8, 8)), registry.strategy(spec).build(), Budget(steps=4, rows=8)
    )


def test_views_are_all_crops_of_the_padded_picture_and_their_mirror_images():
    views = crops_and_flips(SHAPE, PAD)
    image = torch.arange(1, 91)
    seen = torch.cat([image, torch.zeros(1, dtype=torch.long)])[views].view(-1, *SHAPE)
    padded = torch.nn.functional.pad(image.view(SHAPE), (0, 0, PAD, PAD, PAD, PAD))
    assert len(seen) == 2 * 5 * 5
    for code in range(len(seen)):
        i, j = divmod(code // 2, 5)
        cut = padded[i : i + 6, j : j + 5]
        assert torch.equal(seen[code], cut.flip(1) if code % 2 else cut)


def test_pictures_are_standardised_by_channel_after_they_were_moved():
    views, images = crops_and_flips(SHAPE, PAD), pictures()
    batch = stream().gather(torch.tensor([[[0, 4, 7]], [[0, 4, 24]]]))
    padded = torch.cat([images.x[4], torch.zeros(1, dtype=torch.uint8)])
    for s, code in enumerate((7, 24)):
        expected = (padded[views[code]].float().view(-1, 3) / 255 - torch.tensor(images.mean)) / torch.tensor(
            images.std
        )
        assert torch.allclose(batch.x[s, 0].view(-1, 3), expected, atol=1e-6)
    plain = (images.x_test[:2].float().view(2, -1, 3) / 255 - torch.tensor(images.mean)) / torch.tensor(
        images.std
    )
    index = stream().tasks[0].test[:1]
    assert torch.allclose(stream().test(0, slice(0, 1))[0, 0].view(-1, 3), plain[index[0]], atol=1e-6)


def test_training_batches_have_keyed_views_and_what_is_kept_has_none():
    run = make("er(memory=8)")
    drawn = run.shuffled(run.stream.tasks[0].train, rows=8, steps=30)
    assert drawn.shape == (30, 2, 8, 3)
    assert torch.equal(drawn, make("naive").shuffled(run.stream.tasks[0].train, rows=8, steps=30))
    assert drawn[..., 2].min() == 0 and drawn[..., 2].max() == 49 and drawn[:, 0, :, 2].unique().numel() == 50
    assert not torch.equal(drawn[:, 0, :, 2], drawn[:, 1, :, 2])
    run.train()
    assert run.parts[0].stored.shape == (2, 8, 2)


def test_take_gives_each_seed_its_own_rows():
    table, index = torch.arange(24).view(2, 4, 3), torch.tensor([[3, 0], [1, 1]])
    assert torch.equal(take(table, index), torch.stack([table[0, [3, 0]], table[1, [1, 1]]]))
    assert torch.equal(take(table[..., 0], index), torch.stack([table[0, [3, 0], 0], table[1, [1, 1], 0]]))

"""Profiles: how many seeds, and which benchmarks `--all` takes. A benchmark's budget under a profile stands
in its file; of a published profile, in the profile's."""

from dataclasses import dataclass

from clbench.core import protocols


@dataclass(frozen=True)
class Profile:
    name: str
    summary: str
    seeds: int
    selects: tuple[str, ...]  # globs of benchmark names, for `--all`
    next_bigger: str | None  # the command that shows more


PROFILES = {
    profile.name: profile
    for profile in (
        Profile(
            "smoke",
            "minutes on a laptop, no download: every strategy, a few steps",
            10,
            ("split_digits_*", "driftcaps"),
            "clbench run --all --profile quick",
        ),
        Profile(
            "quick",
            "real data with budgets for two CPU cores: enough to tell methods apart, not to publish",
            5,
            (
                "split_mnist_*",
                "permuted_mnist_*",
                "rotated_mnist_*",
                "split_fashion_mnist_*",
                "split_cifar10_*",
                "driftcaps",
                "glyphs",
                "icons",
                "news",
                "commits",
            ),
            "clbench run --all --profile full   (meant for a GPU)",
        ),
        Profile("full", "converged budgets, ten seeds: meant for a GPU", 10, ("*",), None),
        *(
            Profile(
                name,
                protocols.read(name)["summary"],
                max(protocols.read(name)[stem]["seeds"] for stem in protocols.benchmarks_of(name)),
                tuple(f"{stem}*" for stem in protocols.benchmarks_of(name)),
                None,
            )
            for name in protocols.names()
        ),
    )
}
OWN_PROFILES = tuple(name for name in PROFILES if name not in protocols.names())  # not of a publication

"""The names that `clbench` itself offers, and where they stand: `clbench.Part` is in `clbench.core.part`."""

EXPORTS = {
    # to run and to read
    "run": "clbench.api",
    "Result": "clbench.api",
    "load_results": "clbench.report.frame",
    "load_comparison": "clbench.report.notebook",
    "Comparison": "clbench.report.notebook",
    "load_model": "clbench.artefacts.load",
    "InputError": "clbench.errors",
    "Unavailable": "clbench.errors",
    "to_avalanche": "clbench.interchange",
    "benchmark_from": "clbench.own_data",
    # to write a strategy
    "Part": "clbench.core.part",
    "Batch": "clbench.core.batch",
    "take": "clbench.core.batch",
    "Memory": "clbench.strategies.parts.memory",
    # to write a benchmark
    "Benchmark": "clbench.core.benchmark",
    "ClassSplit": "clbench.core.benchmark",
    "Budget": "clbench.core.budget",
    "Images": "clbench.data.labelled.sources",
    "split_by_class": "clbench.streams.labelled",
    "PairStream": "clbench.streams.pairs",
    # to write a network, or to take one
    "Layout": "clbench.core.layout",
    "Functional": "clbench.models.functional",
    "MLP": "clbench.models.mlp",
    "SmallConv": "clbench.models.small_conv",
    "ResNet18": "clbench.models.resnet",
    "DualEncoder": "clbench.models.dual_encoder",
}
LISTINGS = ("benchmarks", "strategies")  # packages that can be called, see `clbench.listing`

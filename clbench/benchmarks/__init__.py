"""The benchmarks, one family per file: data, tasks, network and budgets."""

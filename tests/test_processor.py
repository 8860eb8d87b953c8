"""How torch computes on the processor."""

import pytest
import torch

from clbench.execution import processor


@pytest.fixture
def forget():
    """What is found out once per process is found out again."""
    caches = (processor.describe_processor, processor._by_onednn)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


@pytest.mark.parametrize("shape", [(128, 784, 400), (1000, 400, 400), (128, 400, 10), (32, 64, 100)])
def test_matrices_are_multiplied_in_float32(shape):
    """bfloat16 would be wrong by some 1e-3 of the lengths multiplied."""
    rows, inner, columns = shape
    a, b = torch.randn(rows, inner), torch.randn(5, inner, columns)
    with processor.one_thread():
        single, several = a @ b[0], a.expand(5, rows, inner) @ b
    lengths = a.norm(dim=1)[:, None] * b.norm(dim=1)[:, None]
    for found, exact, length in (
        (single, a.double() @ b[0].double(), lengths[0]),
        (several, a.double() @ b.double(), lengths),
    ):
        assert ((found - exact).abs() / length).max() < 1e-6


def test_the_settings_are_put_back_whatever_happens():
    def settings():
        return torch.get_num_threads(), torch.backends.mkldnn.matmul.fp32_precision

    with processor.one_thread():
        torch.set_num_threads(2)
        before = settings()
        with pytest.raises(ZeroDivisionError), processor.one_thread():
            assert torch.get_num_threads() == 1
            raise ZeroDivisionError
        assert settings() == before


def test_only_an_amd_processor_with_avx512_gets_onednn(forget, monkeypatch):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    monkeypatch.setattr(processor, "_model", lambda: "Intel(R) Xeon(R) Processor")
    assert processor.describe_processor() == "Intel(R) Xeon(R) Processor, AVX512"


def test_products_that_are_not_float32_are_not_taken(forget, monkeypatch):
    """A processor whose "bf16" is bfloat16 in earnest."""
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    monkeypatch.setattr(processor, "_model", lambda: "AMD EPYC")
    monkeypatch.setattr(torch.Tensor, "__matmul__", lambda a, b: a.bfloat16().float())
    assert processor.describe_processor() == "AMD EPYC, AVX512"

import sys
from functools import lru_cache

import numpy as np
import torch

from clbench.data.sources import Images


@lru_cache
def cifar10():
    sys.path.insert(0, "/work/shared/data")
    import unpack_cifar
    a = []
    for tr in (True, False):
        x, y = unpack_cifar.load(train=tr)
        a += [torch.from_numpy(np.ascontiguousarray(x.reshape(len(x), -1))), torch.from_numpy(y.astype(np.int64))]
    return Images(*a, scale=255.0, fingerprint="tmp", shape=(32,32,3), mean=(0.4914, 0.4822, 0.4465), std=(0.2470, 0.2435, 0.2616))

"""The dual of a projection onto a cone of a few constraints, solved on the device."""

import torch
from torch import Tensor

from clbench.core.batch import take


def solve_dual(Q: Tensor, p: Tensor, low: float, ridge: float = 1e-5) -> Tensor:
    """v [S, t] >= low with the least v'Qv / 2 + p'v; Q [S, t, t] positive semidefinite, p [S, t].

    Lemke's method (1965) for  w = Q u + q,  u >= 0,  w >= 0,  u'w = 0  with u = v - low: one more variable is
    added to every w, so large that u = 0 will do, and brought down to 0 pivot by pivot. That is exact, where
    a gradient method is slow when constraints are strongly correlated. No set of positive u comes up twice,
    so 2^t pivots are enough; on random problems it took at most t + 1. At most 2 t + 1 are made, always as
    many, those after the last one without effect. (If they were too few, v is feasible still.) No
    factorisation, no wait for the device.

    Q is scaled to a unit diagonal; the ridge on it keeps it definite and lets cosines go down to about -ridge
    |g_k| v_k / |g~|.
    """
    t = p.shape[-1]
    size = Q.diagonal(dim1=-2, dim2=-1).double().clamp(min=1e-30).sqrt()  # [S, t]: |g_k|
    eye = torch.eye(t, dtype=size.dtype, device=size.device)
    Q = Q / (size.unsqueeze(-1) * size.unsqueeze(-2)) + ridge * eye
    q = p / size + low * (Q @ size.unsqueeze(-1)).squeeze(-1)
    # An equation a row: the columns of w (0 to t - 1), of u (t to 2 t - 1), of the added variable (2 t), the
    # right-hand side.
    table = torch.cat([eye.expand_as(Q), -Q, -torch.ones_like(q).unsqueeze(-1), q.unsqueeze(-1)], -1)
    basis = torch.arange(t, device=q.device).expand(q.shape)  # the variable of each row
    enter, row = torch.full_like(basis[:, :1], 2 * t), q.argmin(-1, keepdim=True)  # [S, 1] each
    column, live = table[..., 2 * t], (q < 0).any(-1, keepdim=True)
    for _ in range(min(2 * t + 1, 2**t)):
        here = eye[row.squeeze(-1)]  # [S, t]: 1 at the pivot
        factor = torch.where(live, (column - here) / column.gather(1, row), 0)
        table = table - factor.unsqueeze(-1) * take(table, row)
        leave = basis.gather(1, row)
        basis = torch.where(live & (here > 0), enter, basis)
        live, enter = live & (leave != 2 * t), (leave + t) % (2 * t)  # w_k and u_k take turns
        column = take(table.mT, enter).squeeze(1)
        row = torch.where(column > 1e-12, table[..., -1] / column, torch.inf).argmin(-1, keepdim=True)
    u = torch.zeros_like(table[:, 0, :-1]).scatter(1, basis, table[..., -1])[:, t : 2 * t]
    return (low + u / size).to(p.dtype)

"""What code does nothing in a script."""

import ast


def dead_code(node: ast.stmt, checks: bool) -> list[ast.stmt]:
    """The statements that do nothing in a script: what is for streams of pairs, and, if `checks`, what only
    refuses values that clbench has looked at before it wrote the script."""
    dead: list[ast.stmt] = []
    for one in ast.walk(node):
        if isinstance(one, ast.If) and not one.orelse:
            refuses = all(isinstance(inner, ast.Raise) or _is_check(inner) for inner in one.body)
            if _never(one.test) or (checks and refuses):
                dead.append(one)
        elif checks and isinstance(one, ast.stmt) and _is_check(one):
            dead.append(one)
    return dead


def _is_check(node: ast.stmt) -> bool:
    """Whether a statement is an assertion, or a call of nothing but a check."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        return ast.unparse(node.value.func).split(".")[-1].lstrip("_").startswith("check")
    return isinstance(node, ast.Assert)


def _never(test: ast.expr) -> bool:
    """Whether a condition asks for a stream of pairs."""
    if isinstance(test, ast.BoolOp):
        return isinstance(test.op, ast.And) and any(map(_never, test.values))
    return isinstance(test, ast.Compare) and ast.unparse(test).endswith("scenario == 'pairs'")

"""Which names of its module a piece of source code uses, and where they stand."""

import ast
from dataclasses import dataclass, field
from typing import Any

Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


@dataclass(frozen=True)
class Use:
    """A name that is none of the function's own. line, start, end: its place, in bytes of the line."""

    name: str
    line: int
    start: int
    end: int
    attribute: str | None = None  # what is taken of it: `take` of `batch.take`
    end_of_attribute: int | None = None
    annotation: bool = False  # only says of what type something is: never computed


@dataclass
class Names:
    """What a piece of code uses."""

    uses: list[Use] = field(default_factory=list)
    words: set[str] = field(default_factory=set)  # attributes and texts: how members are reached
    own: set[str] = field(default_factory=set)  # attributes of `self`, `cls` and `super()`
    annotated: list[ast.Subscript] = field(default_factory=list)  # Annotated[type, range]


def names_of(node: ast.stmt, inside: set[str], skipped: set[int]) -> Names:
    """inside: names in the body of the statement's class. skipped: ids of statements that are left out."""
    reader = _Reader(inside, skipped)
    reader.visit(node)
    return reader.found


def bound_in(body: list[ast.stmt]) -> set[str]:
    """The names that these statements bind, but for those in functions and classes among them and for imports
    from clbench."""
    found: set[str] = set()
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
            continue
        if isinstance(node, ast.Lambda | Comprehension):
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Import) or (isinstance(node, ast.ImportFrom) and not is_ours(node)):
            found |= {(one.asname or one.name).split(".")[0] for one in node.names}
        elif isinstance(node, ast.ExceptHandler) and node.name:
            found.add(node.name)
        waiting += ast.iter_child_nodes(node)
    return found


def is_ours(node: ast.stmt) -> bool:
    """Whether a statement imports from clbench."""
    if isinstance(node, ast.ImportFrom):
        return (node.module or "").split(".")[0] == "clbench"
    return isinstance(node, ast.Import) and all(one.name.split(".")[0] == "clbench" for one in node.names)


class _Reader(ast.NodeVisitor):
    def __init__(self, inside: set[str], skipped: set[int]) -> None:
        self.found, self.skipped = Names(), skipped
        self.scopes: list[tuple[bool, set[str]]] = [(True, inside)]  # (of a class, names)
        self.annotation = False

    def visit(self, node: ast.AST) -> None:
        if id(node) not in self.skipped:
            super().visit(node)

    # ---- scopes

    def visit_FunctionDef(self, node: Any) -> None:
        arguments = node.args
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        every += filter(None, (arguments.vararg, arguments.kwarg))
        for one in [*getattr(node, "decorator_list", []), *arguments.defaults, *arguments.kw_defaults]:
            if one is not None:
                self.visit(one)
        for one in [*(argument.annotation for argument in every), getattr(node, "returns", None)]:
            if one is not None:
                self._annotation(one)
        body = node.body if isinstance(node.body, list) else [node.body]
        own = {argument.arg for argument in every} | bound_in(body)
        self._within(own, body)

    visit_AsyncFunctionDef = visit_Lambda = visit_FunctionDef

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for one in [*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)]:
            self.visit(one)
        self._within(bound_in(node.body), node.body, of_class=True)

    def _comprehension(self, node: Any) -> None:
        own = {
            one.id for part in node.generators for one in ast.walk(part.target) if isinstance(one, ast.Name)
        }
        self.visit(node.generators[0].iter)
        self.scopes.append((False, own))
        for one in ast.iter_child_nodes(node):
            self.visit(one)
        self.scopes.pop()

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension

    def _within(self, own: set[str], body: list[Any], of_class: bool = False) -> None:
        self.scopes.append((of_class, own))
        for one in body:
            self.visit(one)
        self.scopes.pop()

    def _is_own(self, name: str) -> bool:
        *outer, (_, innermost) = self.scopes
        return name in innermost or any(name in names for of_class, names in outer if not of_class)

    # ---- names

    def visit_Name(self, node: ast.Name) -> None:
        self._use(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        itself = ast.unparse(node.value) in ("self", "cls", "super()")
        (self.found.own if itself else self.found.words).add(node.attr)
        if isinstance(node.value, ast.Name):
            self._use(node.value, node)
        else:
            self.visit(node.value)

    def _use(self, node: ast.Name, whole: ast.Attribute | None = None) -> None:
        if isinstance(node.ctx, ast.Load) and not self._is_own(node.id):
            place = (node.id, node.lineno, node.col_offset, node.end_col_offset or 0)
            if whole and whole.end_lineno == node.lineno:
                use = Use(*place, whole.attr, whole.end_col_offset, self.annotation)
            else:
                use = Use(*place, annotation=self.annotation)
            self.found.uses.append(use)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            if self.annotation:
                self._quoted(node)
            elif node.value.isidentifier():
                self.found.words.add(node.value)

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # a docstring names nothing
            self.visit(node.value)

    # ---- types

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.visit(node.target)
        self._annotation(node.annotation)
        if node.value:
            self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        if (
            isinstance(node.func, ast.Name)
            and node.func.id == "cast"
            and isinstance(node.args[0], ast.Constant)
        ):
            self.visit(node.func)
            self._annotation(node.args[0])
            self.visit(node.args[1])
        else:
            self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        name = node.value.id if isinstance(node.value, ast.Name) else ""
        if name == "Annotated" and isinstance(node.slice, ast.Tuple):
            self.found.annotated.append(node)
            self.visit(node.slice.elts[0])
            return
        before, self.annotation = self.annotation, self.annotation and name != "Literal"
        if name == "Literal":
            self._use(node.value, None) if isinstance(node.value, ast.Name) else None
            self.visit(node.slice)
        else:
            self.generic_visit(node)
        self.annotation = before

    def _annotation(self, node: ast.AST) -> None:
        before, self.annotation = self.annotation, True
        self.visit(node)
        self.annotation = before

    def _quoted(self, node: ast.Constant) -> None:
        """The names of a type in quotes."""
        tree = ast.parse(str(node.value), mode="eval")
        for one in ast.walk(tree):
            if isinstance(one, ast.Name):
                one.lineno, one.col_offset = node.lineno, node.col_offset + 1 + one.col_offset
                one.end_col_offset = one.col_offset + len(one.id)
                self._use(one)

"""What definitions need: all others that they use, directly or not, and of classes the members in use."""

import ast
from dataclasses import dataclass, field

from clbench.facts import assigned_names
from clbench.standalone.names import Names, Use, names_of
from clbench.standalone.sources import Definition, Library, Place, bases_of, names_in_class, resolve
from clbench.standalone.unneeded import dead_code

LOOP = "clbench.standalone.loop"
BENCHMARK = ("clbench.core.benchmark", "Benchmark")
UNREAD = {"__str__", "__repr__", "digest"}  # members that only lists and records read
SAID = {"paper", "keeps"}  # what a class says for readers, and may go on saying
PRUNED = {"NamedTuple", "Generic", "dict"}  # from elsewhere; of classes that derive from others all stays
# Values are checked where a user gives them, and not again in the script.
UNCHECKED = ("clbench.core.budget", "clbench.core.benchmark")


@dataclass
class Kept:
    """A definition of the script, with the statements of it that stay and what they use."""

    definition: Definition
    statements: dict[int, Names] = field(default_factory=dict)  # id of a statement -> what it uses
    dead: list[ast.stmt] = field(default_factory=list)  # what does nothing in the script

    @property
    def fields(self) -> list[str]:
        """Of a dataclass, those that stay."""
        members = [one for one in self.definition.members if id(one) in self.statements]
        return [ast.unparse(one.target) for one in members if isinstance(one, ast.AnnAssign)]

    @property
    def uses(self) -> list[Use]:
        return [use for names in self.statements.values() for use in names.uses]


class Closure:
    """All that the roots need. words: members that the rest of the script reaches. whole: modules whose code
    stays word by word."""

    def __init__(self, roots: list[Definition], words: set[str], whole: set[str]) -> None:
        self.kept: dict[tuple[str, str], Kept] = {}
        self.words, self.whole = SAID | words, whole
        # The first class of a lineage -> the members that its classes reach by `self`.
        self.own: dict[tuple[str, str], set[str]] = {BENCHMARK: {"make_stream", "scenario"}}
        self.overridden: set[tuple[tuple[str, str], str]] = set()  # (class, member) that nobody reaches
        # What a benchmark derives from besides.
        self.mixed = {
            one.key
            for root in roots
            if self._is_benchmark(root)
            for one in lineage(root)
            if isinstance(one, Definition)
        }
        for root in roots:
            self._keep(root)
        while self._grow():
            pass
        self.stand_ins: dict[str, list[Definition]] = {}  # name of a type that nothing computes with
        while self._types():
            pass

    # ---- growth

    def _keep(self, definition: Definition) -> None:
        if definition.key not in self.kept:
            self.kept[definition.key] = Kept(definition)

    def _grow(self) -> bool:
        """Whether anything new is reached."""
        before = self._size()
        for kept in list(self.kept.values()):
            for statement in self._statements(kept.definition):
                if id(statement) not in kept.statements:
                    self._read(kept, statement)
        return before != self._size()

    def _size(self) -> tuple[int, ...]:
        return (
            len(self.kept),
            len(self.words),
            sum(map(len, self.own.values())),
            sum(len(kept.statements) for kept in self.kept.values()),
        )

    def _group(self, definition: Definition) -> tuple[str, str]:
        """The first of the classes that a class derives from: a `self` may mean any of them."""
        ours = [one for one in lineage(definition) if isinstance(one, Definition)]
        return BENCHMARK if self._is_benchmark(definition) or definition.key in self.mixed else ours[-1].key

    def _read(self, kept: Kept, statement: ast.stmt) -> None:
        definition = kept.definition
        checks = not definition.module.startswith("clbench.data.")  # of files, which may be others there
        dead = [] if definition.module in self.whole else dead_code(statement, checks)
        kept.dead += dead
        inside = (
            names_in_class(definition) if definition.members and statement is not definition.node else set()
        )
        read: ast.stmt = statement
        if isinstance(statement, ast.ClassDef) and statement is definition.node:
            read = ast.ClassDef(
                statement.name, statement.bases, statement.keywords, [], statement.decorator_list
            )
        names = names_of(read, inside, {id(one) for one in dead})
        kept.statements[id(statement)] = names
        group = self._group(definition)
        self.own.setdefault(group, set()).update(names.own)
        # A benchmark only makes the stream here: what others reach is not of it.
        (self.own[group] if group == BENCHMARK else self.words).update(names.words)
        if read is not statement and _is_protocol(definition):  # `isinstance` looks for its members
            self.words |= names_in_class(definition)
        for use in names.uses:
            found = meaning(definition, use)
            if isinstance(found, Definition) and not use.annotation:
                self._keep(found)

    def _statements(self, definition: Definition) -> list[ast.stmt]:
        """Those that stay: the definition's own, and of a class the members that something reaches."""
        if isinstance(definition.node, ast.ClassDef):
            return [definition.node, *(one for one in definition.members if self.stays(definition, one))]
        return [definition.node]

    def stays(self, definition: Definition, member: ast.stmt) -> bool:
        """Whether a member of a class is reached."""
        if isinstance(member, ast.Expr):
            return True  # its docstring
        names = [member.name] if isinstance(member, ast.FunctionDef) else assigned_names(member)
        if isinstance(member, ast.AnnAssign):
            names = [ast.unparse(member.target)]
        if not names:
            return not isinstance(member, ast.If)  # which is for type checkers
        if "__post_init__" in names and self._is_checked_before(definition):
            return False
        if any((definition.key, name) in self._overridden() for name in names):
            return False
        if set(names) & UNREAD and definition.module not in self.whole:
            return False
        if isinstance(member, ast.FunctionDef) and names[0].startswith("__"):
            return True
        if isinstance(member, ast.AnnAssign) and self._is_field(definition, member):
            return True
        group = self._group(definition)
        reached = self.own.get(group, set()) | (set() if group == BENCHMARK else self.words)
        return self._is_whole(definition) or bool(set(names) & reached)

    def _overridden(self) -> set[tuple[tuple[str, str], str]]:
        """(class, member) of the bases of the loop's classes, which have their own in its place."""
        if not self.overridden:
            for kept in list(self.kept.values()):
                if kept.definition.module == LOOP and kept.definition.members:
                    own = names_in_class(kept.definition)
                    for base in bases_of(kept.definition):
                        if isinstance(base, Definition):
                            self.overridden |= {(base.key, name) for name in own}
        return self.overridden

    def _is_checked_before(self, definition: Definition) -> bool:
        return any(one.module in UNCHECKED for one in lineage(definition) if isinstance(one, Definition))

    def _is_field(self, definition: Definition, member: ast.AnnAssign) -> bool:
        """Whether the member is a field that a call may give by its place."""
        if "kw_only" in ast.unparse(member.value or ast.Constant(None)) or self._is_benchmark(definition):
            return False
        decorators = [ast.unparse(one) for one in getattr(definition.node, "decorator_list", [])]
        named = any(isinstance(one, Library) and "NamedTuple" in one.statement for one in lineage(definition))
        return named or any(one.startswith("dataclass") for one in decorators)

    def _is_benchmark(self, definition: Definition) -> bool:
        return any(one.key == BENCHMARK for one in lineage(definition) if isinstance(one, Definition))

    def _is_whole(self, definition: Definition) -> bool:
        """Whether code that we do not see may call any member."""
        return _is_protocol(definition) or any(
            isinstance(one, Library) and one.statement.split()[-1] not in PRUNED
            for one in lineage(definition)
        )

    # ---- types

    def _types(self) -> bool:
        """Keeps the types that annotations name and that are made of others; whether there were any."""
        self.stand_ins = {}
        for kept in list(self.kept.values()):
            for use in kept.uses:
                found = meaning(kept.definition, use)
                if not use.annotation or not isinstance(found, Definition) or found.key in self.kept:
                    continue
                if type_within(found):  # which stands there instead
                    continue
                if isinstance(found.node, ast.Assign) and self._is_type(found):
                    self._keep(found)
                    self._read(self.kept[found.key], found.node)
                    return True
                self.stand_ins.setdefault(use.name, []).append(found)
        return False

    def _is_type(self, definition: Definition) -> bool:
        uses = names_of(definition.node, set(), set()).uses
        found = [meaning(definition, use) for use in uses]
        return all(isinstance(one, Library | None) or self._is_plain(one) for one in found)

    def _is_plain(self, one: Definition | Library | Place | None) -> bool:
        return isinstance(one, Definition) and isinstance(one.node, ast.Assign) and self._is_type(one)


def meaning(definition: Definition, use: Use) -> Definition | Library | Place | None:
    """What a used name stands for; of `module.name` the name."""
    found = resolve(definition.module, use.name)
    if isinstance(found, Place) and use.attribute:
        return resolve(found.module, use.attribute)
    return found


def _is_protocol(definition: Definition) -> bool:
    node = definition.node
    return isinstance(node, ast.ClassDef) and any("Protocol" in ast.unparse(base) for base in node.bases)


def type_within(definition: Definition) -> ast.expr | None:
    """The type of `Count = Annotated[type, range]`; None of any other definition."""
    value = definition.node.value if isinstance(definition.node, ast.Assign) else None
    if isinstance(value, ast.Subscript) and ast.unparse(value.value) == "Annotated":
        assert isinstance(value.slice, ast.Tuple)
        return value.slice.elts[0]
    return None


def lineage(definition: Definition) -> list[Definition | Library | None]:
    """A class and all that it derives from; a definition that is no class alone."""
    if not isinstance(definition.node, ast.ClassDef):
        return [definition]
    found: list[Definition | Library | None] = [definition]
    for base in bases_of(definition):
        found += lineage(base) if isinstance(base, Definition) else [base]
    return found

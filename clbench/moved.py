"""Old names of modules, under which users' files may import them: they go on working."""

import sys
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

# old name -> where its contents are, more than one place where it has been split
MOVED = {
    "clbench.benchmark": ("clbench.core.benchmark",),
    "clbench.data.cifar": ("clbench.data.labelled.cifar",),
    "clbench.data.sources": ("clbench.data.labelled.sources",),
    "clbench.engine.part": ("clbench.core.part",),
    "clbench.engine.theta": ("clbench.core.layout",),
    "clbench.keyed": ("clbench.core.keyed",),
    "clbench.pair_stream": ("clbench.streams.pairs",),
    "clbench.stream": (
        "clbench.core.batch",
        "clbench.core.budget",
        "clbench.streams.stream",
        "clbench.streams.augmentation",
        "clbench.streams.labelled",
    ),
    "clbench.tree": ("clbench.core.pytree",),
}
# old name of a module -> what has another name since: old name -> new one
RENAMED = {"clbench.stream": {"Stream": "LabelledStream"}}


class MovedModules(MetaPathFinder, Loader):
    """Imports an old name as a module that holds what the new ones do."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        return ModuleSpec(fullname, self) if fullname in MOVED or self._strategy(fullname) else None

    def exec_module(self, module: ModuleType) -> None:
        for place in new_names(module.__name__):
            contents = vars(import_module(place))
            vars(module).update(
                {name: value for name, value in contents.items() if not name.startswith("__")}
            )
        for old, new in RENAMED.get(module.__name__, {}).items():
            setattr(module, old, getattr(module, new))

    @staticmethod
    def _strategy(fullname: str) -> str | None:
        """clbench.strategies.er is now in the folder of its family."""
        package, _, name = fullname.rpartition(".")
        if package != "clbench.strategies":
            return None
        from clbench import registry

        entry = registry.strategies().get(name)
        return entry.module if entry and entry.module.startswith("clbench.strategies.") else None


def new_names(module: str) -> tuple[str, ...]:
    """Where the contents of a module are: itself, unless it has moved."""
    strategy = MovedModules._strategy(module) if module.startswith("clbench.strategies.") else None
    return (strategy,) if strategy else MOVED.get(module, (module,))


def install() -> None:
    """Behind Python's own finders, which do not find these names."""
    if not any(isinstance(finder, MovedModules) for finder in sys.meta_path):
        sys.meta_path.append(MovedModules())

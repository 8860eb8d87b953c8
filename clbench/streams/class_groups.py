"""Which classes of a user's each task has, in the names that the user gives them."""

from typing import Any, Literal

from clbench.errors import InputError

TASKS = 5  # where nothing is said
NAMES = 20  # that a message lists


def class_groups(
    names: tuple[str, ...],
    first_seen: tuple[int, ...],
    seeds: list[int],
    *,
    order: list[Any] | Literal["name", "given", "seed"],
    tasks: int | None,
    classes: list[Any] | None,
) -> list[list[int]]:
    """The places in `names` of the classes of each task.

    first_seen: the places in the order of the files. order: in which they come; of `names` for "name", of
    `first_seen` for "given", drawn by the one seed for "seed". tasks: how many of as equal size as can be;
    classes: how many each task has, or their names. Raises InputError for what does not fit these classes.
    """
    places = list(range(len(names)))
    if isinstance(order, list):
        places = _named(names, order)
        if sorted(places) != list(range(len(names))):
            raise InputError(f"order names {len(places)} classes, and there are {len(names)}: name each once")
    elif order == "given":
        places = list(first_seen)
    elif order == "seed":
        from clbench.streams.labelled import class_order  # here, since it imports torch

        places = class_order(seeds, places)
    if classes and all(isinstance(one, list) for one in classes):
        return [_named(names, group) for group in classes]
    sizes = _sizes(len(places), tasks, classes)
    ends = [sum(sizes[: t + 1]) for t in range(len(sizes))]
    return [places[end - size : end] for end, size in zip(ends, sizes, strict=True)]


def _sizes(count: int, tasks: int | None, classes: list[Any] | None) -> list[int]:
    """How many of the classes each task has."""
    if classes:
        if not all(type(one) is int and one > 0 for one in classes) or sum(classes) != count:
            raise InputError(
                f"classes={classes}: give how many classes each task has, {count} together, or lists of "
                "their names"
            )
        return list(classes)
    tasks = tasks or min(TASKS, count)
    if tasks > count:
        raise InputError(f"tasks={tasks}: there are {count} classes, at least one for each task")
    return [count // tasks + (t < count % tasks) for t in range(tasks)]


def _named(names: tuple[str, ...], wanted: list[Any]) -> list[int]:
    """The places of these classes. Raises InputError for one that is not there."""
    known = {name: place for place, name in enumerate(names)}
    for name in wanted:
        if str(name) not in known:
            raise InputError(f"no class {name!r}; there are {', '.join(names[:NAMES])}")
    return [known[str(name)] for name in wanted]


def check_groups(groups: list[list[int]], names: tuple[str, ...], tested: set[int], scenario: str) -> None:
    """Raises InputError for tasks that cannot be learnt or tested. tested: classes that have test rows."""
    listed = [place for group in groups for place in group]
    for place in set(listed):
        if scenario == "domain" and listed.count(place) > 1:
            raise InputError(
                f"class {names[place]!r} is in two tasks: in the domain-incremental scenario its output "
                "would be its place in both; take labelled_class or labelled_task"
            )
    for t, group in enumerate(groups, 1):
        if not tested & set(group):
            called = ", ".join(names[place] for place in group)
            raise InputError(
                f"task {t} has no test row of its classes ({called}): put them with others, with tasks= or "
                "classes="
            )

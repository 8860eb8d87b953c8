"""Claims as they are written down: tables `[[claim]]` of a TOML file, with eight fields.

    id       name
    says     the statement, in words
    source   list of {paper, place, read, seen_in}; read: confirmed (read in that place, or in a copy that
             seen_in names), secondary (somebody's summary) or memory
    scope    {scenario, data, network, budget, memory} that the source made the claim about
    test     one line, see `clbench.claims.language`
    on       benchmarks, as names, specs or globs, each perhaps behind a profile: `smoke/split_digits_*`. `~`
             before all of that: outside the source's scope, reported apart. None are needed where the test
             names its benchmarks
    given    conditions for a benchmark to count: `memory`, `flops`, `steps`: the rows are equal within 10 %;
             `room M`: retraining beats fine-tuning by M points of ACC, so there is something to win
    caveats  what changes the answer

A user's own file needs `id`, `says`, `test` and `on`; those of the field, in field.toml, have all eight.
"""

import re
import tomllib
from pathlib import Path
from typing import Any, Literal

import msgspec

from clbench import registry
from clbench.claims.language import NUMBER, Statement, check_spec, parse, profile_of
from clbench.core.paths import check_file
from clbench.core.text import printable
from clbench.errors import InputError
from clbench.spec import suggestion

FIELD = Path(__file__).with_name("field.toml")
GIVEN = re.compile(rf"memory|flops|steps|room {NUMBER}")
EXAMPLES = {
    "id": '"replay-helps"',
    "says": '"Replay helps."',
    "test": '"er > naive by 5"',
    "on": '["split_mnist_class"]',
    "given": '["memory"]',
    "source": '[{paper = "Doe 2024", place = "table 2", read = "confirmed"}]',
    "scope": '{data = "split MNIST", network = "MLP 400-400"}',
    "caveats": '"One pass."',
}
LARGEST = 1 << 20  # bytes of a file of claims


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a claim is made, and who has looked."""

    paper: str
    place: str = ""
    read: Literal["confirmed", "secondary", "memory"] = "memory"
    seen_in: str = ""


class Scope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the source made the claim about; empty: it does not say."""

    scenario: str = ""
    data: str = ""
    network: str = ""
    budget: str = ""
    memory: str = ""


class Claim(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry; the module says what each field is."""

    id: str
    says: str
    test: str
    source: tuple[Source, ...] = ()
    scope: Scope = Scope()
    on: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    caveats: str = ""

    @property
    def statement(self) -> Statement:
        return parse(self.test)

    @property
    def places(self) -> list[tuple[bool, str, str]]:
        """Of each entry of `on`: whether it lies in scope, the profile that it names or "", the benchmark."""
        return [(not one.startswith("~"), *profile_of(one.removeprefix("~"))) for one in self.on]


def read(path: Path = FIELD) -> list[Claim]:
    """The claims of a file. InputError, one line that names the file and the entry, for what is none."""
    entries = _tables(path)
    claims: list[Claim] = []
    for place, entry in enumerate(entries, 1):
        named = entry.get("id") if isinstance(entry, dict) else None
        name = f'claim "{named}"' if isinstance(named, str) and named else f"claim {place}"
        try:
            claim = msgspec.convert(entry, Claim)
            _check(claim)
        except (msgspec.ValidationError, InputError) as error:
            said = _in_words(str(error)) if isinstance(error, msgspec.ValidationError) else error
            raise InputError(printable(f"{path}: {name}: {said}")) from None
        if any(other.id == claim.id for other in claims):
            raise InputError(printable(f"{path}: {name} stands there twice; give each its own id"))
        claims.append(claim)
    return claims


def _in_words(error: str) -> str:
    """What msgspec says, in the words of TOML and with an example where there is one."""
    place = error.rpartition(" - at `$.")[2].rstrip("`") if " - at `$." in error else ""
    name = re.sub(r"\[.*|\..*", "", place)
    if unknown := re.match(r"Object contains unknown field `(.*?)`", error):
        of_place = {"source": Source, "scope": Scope}.get(name, Claim)
        fields = of_place.__struct_fields__
        near = suggestion(unknown[1], fields)
        return f'{name or "it"} has no field "{unknown[1]}"{near}; there are {", ".join(fields)}'
    if missing := re.match(r"Object missing required field `(.*?)`", error):
        return f"{missing[1]} is missing{f' in {name}' if name else ''}"
    if name in EXAMPLES and error.startswith("Expected"):
        return f"write {name} like this: {name} = {EXAMPLES[name]}"
    return error


def _tables(path: Path) -> list[Any]:
    check_file(path)
    if path.stat().st_size > LARGEST:
        raise InputError(f"{path}: more than {LARGEST >> 20} MiB are no file of claims")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(printable(f"{path}: no TOML: {error or 'nested too deeply'}")) from None
    entries = content.pop("claim", None)
    if content or not isinstance(entries, list) or not entries:
        raise InputError(f"{path}: a file of claims has tables [[claim]] and nothing else")
    return entries


def _check(claim: Claim) -> None:
    """InputError for what has the right type and is wrong all the same."""
    if not re.fullmatch(r"[\w.-]{1,80}", claim.id, re.ASCII):
        raise InputError("an id is of letters, digits and - . _, 80 at most")
    if not claim.says.strip():
        raise InputError("says is empty: write the statement in words")
    statement = claim.statement
    if not claim.on and not statement.names_benchmarks:
        raise InputError('on is empty: name benchmarks there, or in the test, as in "er@split_mnist_class"')
    for _, _, benchmark in claim.places:
        if not registry.is_glob(benchmark):
            check_spec(benchmark)
    for condition in claim.given:
        if not GIVEN.fullmatch(condition):
            raise InputError(
                f'given "{condition}": use memory, flops, steps, or "room" and a number of points'
            )

"""Errors, events and what an engine is made from can be sent to another process with all their fields."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import itertools
import pickle
import pkgutil
import posixpath
import threading
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

import asrcli
from asrcli.audio import opening, source
from asrcli.audio.microphone import devices
from asrcli.audio.microphone import mic_source as microphone
from asrcli.engine import control, spec
from asrcli.fleet.messages import pack
from asrcli.output import base
from asrcli.runs import request
from asrcli.values import events, kinds, parameters
from asrcli.values.errors import AsrcliError, Bug
from asrcli.wire import dial, link_events, proxies

# Every class of values in these is built; and whatever else is in the unions of what is told.
MODULES = [base, control, devices, dial, link_events, microphone, opening, proxies, request, source, spec]
UNIONS = [events.Event, link_events.InboxItem, control.OutsideItem, opening.Input]
# Values that not every text and number makes.
CHECKED = {
    source.RawFormat: source.RawFormat(8000, 2, "s24le"),
    microphone.MicOptions: microphone.MicOptions(8000, 2, 3.0, 4.0, 5.0),
    parameters.Parameter: parameters.Parameter("a", "--a", kinds.Number(1, 2), "b", "c", "d", "e", "f", "g"),
    # What it is handed to call has to be a function of a module there, if it is to leave the process.
    base.Shape: base.Shape(False, False, True, True, True, 40, 3, 5000, True, Path("a"), posixpath.basename, str.upper),
}

_numbers = itertools.count(1)


def all_modules() -> Iterator[types.ModuleType]:
    for found in pkgutil.walk_packages(asrcli.__path__, "asrcli."):
        if found.name != "asrcli.__main__":
            yield importlib.import_module(found.name)


def subclasses(kind: type[AsrcliError]) -> Iterator[type[AsrcliError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from subclasses(each)


def error_kinds() -> list[type[AsrcliError]]:
    list(all_modules())
    return [kind for kind in dict.fromkeys(subclasses(AsrcliError)) if kind.__module__.startswith("asrcli.")]


def value_kinds() -> list[type]:
    values = [module for module in all_modules() if module.__name__.startswith("asrcli.values.")]
    members = [kind for union in UNIONS for kind in typing.get_args(union)]
    for module in (*values, *MODULES):
        members += [kind for _, kind in inspect.getmembers(module, is_value) if kind.__module__ == module.__name__]
    return list(dict.fromkeys(members))


def is_value(kind: object) -> bool:
    return isinstance(kind, type) and (dataclasses.is_dataclass(kind) or hasattr(kind, "_fields"))


def identify(kind: type) -> str:
    return f"{kind.__module__.removeprefix('asrcli.')}.{kind.__qualname__}"


# --- one of each, with every field set ------------------------------------------------------------------------------


def sample(hint: typing.Any) -> typing.Any:
    """Something of the type `hint` that is no default of anything. Raises TypeError where none is known."""
    arguments = [each for each in typing.get_args(hint) if each is not type(None)]
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return sample(arguments[0])
    if origin in (tuple, Sequence):
        return tuple(sample(each) for each in arguments if each is not Ellipsis)
    if origin is Mapping:
        return {sample(arguments[0]): sample(arguments[1])}
    if hint in SIMPLE:
        return SIMPLE[hint](next(_numbers))
    if isinstance(hint, type) and issubclass(hint, AsrcliError):
        return error_of(hint)
    if is_value(hint):
        return value_of(hint)
    raise TypeError(f"a sample of {hint} is not known")


def value_of(kind: typing.Any) -> typing.Any:
    if kind in CHECKED:
        return CHECKED[kind]
    return kind(**{name: sample(hint) for name, hint in hints_of(kind).items()})


def error_of(kind: typing.Any) -> AsrcliError:
    arguments = hints_of(kind.__init__)
    arguments.pop("return")
    error: AsrcliError = kind(**{name: sample(hint) for name, hint in arguments.items()})
    error.hint = sample(str)
    # What else is set later has its default in the class.
    for name, hint in hints_of(kind).items():
        setattr(error, name, sample(hint))
    return error


def hints_of(of: typing.Any) -> dict[str, typing.Any]:
    names = {name: value for module in MODULES for name, value in vars(module).items()}
    return typing.get_type_hints(of, localns=names)


def raised() -> BaseException:
    """What cannot be pickled, as it comes."""

    class Local(Exception):  # noqa: N818
        def __init__(self) -> None:
            super().__init__(threading.Lock())

    try:
        raise Local
    except Local as error:
        return error


SIMPLE: dict[object, typing.Callable[[int], object]] = {
    bool: bool,
    int: int,
    float: lambda number: number + 0.5,
    str: "text {}".format,
    bytes: "bytes {}".format,
    Path: lambda number: Path(f"path {number}"),
    object: lambda number: [number, {"key": f"value {number}"}],
    BaseException: lambda number: raised(),
}


# --- there and back -------------------------------------------------------------------------------------------------


def check_same(one: object, other: object) -> None:
    assert type(one) is type(other)
    if isinstance(one, AsrcliError):
        assert isinstance(other, AsrcliError)
        assert (one.args, str(one), one.code, one.reason) == (other.args, str(other), other.code, other.reason)
        assert vars(one).keys() == vars(other).keys()
        for name, value in vars(one).items():
            check_same(value, vars(other)[name])
    elif dataclasses.is_dataclass(one):
        for field in dataclasses.fields(one):
            check_same(getattr(one, field.name), getattr(other, field.name))
    elif isinstance(one, tuple):
        assert isinstance(other, tuple)
        for each, its_like in zip(one, other, strict=True):
            check_same(each, its_like)
    else:
        assert one == other


def check_plain(value: object) -> None:
    """Whether it is text, numbers, and tuples and errors of those."""
    if isinstance(value, AsrcliError):
        check_plain(tuple(vars(value).values()))
    elif isinstance(value, tuple):
        for each in value:
            check_plain(each)
    else:
        assert isinstance(value, str | int | float | None)


@pytest.mark.parametrize("kind", error_kinds(), ids=identify)
def test_every_error_survives_with_every_field(kind):
    error = error_of(kind)
    assert all(vars(error).values())
    check_plain(error)
    again = pickle.loads(pack(error))
    check_same(error, again)
    assert (again.message, again.hint) == (error.message, error.hint)


@pytest.mark.parametrize("kind", value_kinds(), ids=identify)
def test_every_value_survives_with_every_field(kind):
    value = value_of(kind)
    check_same(value, pickle.loads(pack(value)))


def test_all_are_found():
    assert {Bug, AsrcliError} < {*error_kinds()}
    assert {events.Ended, events.Sentence, spec.Spec, request.Request, link_events.LinkClosed} < {*value_kinds()}
    assert {kind for union in UNIONS for kind in typing.get_args(union)} < {*value_kinds()}


def test_what_cannot_be_built_is_not_passed_over():
    @dataclasses.dataclass
    class New:
        what: complex

    class NewError(AsrcliError):
        def __init__(self, what: complex) -> None:
            super().__init__(f"{what}")

    for build, kind in ((value_of, New), (error_of, NewError)):
        with pytest.raises(TypeError, match="complex"):
            build(kind)


def test_a_bug_tells_where_it_was_raised_wherever_it_gets_to():
    bug = Bug(raised())
    with pytest.raises((TypeError, AttributeError, pickle.PicklingError)):
        pickle.dumps(bug.__cause__)
    again = pickle.loads(pack(bug))
    assert again.__cause__ is None
    assert again.trace == bug.trace
    assert again.trace.startswith("Traceback (most recent call last)")
    assert "in raised" in again.trace

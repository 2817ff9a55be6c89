"""What the package has of include/dog.h agrees with it. Tests/packages/test_tables.py looks at how it is made."""

import inspect
import re

import dog
import pytest

from dog import _native, classes
from dog import header as made


@pytest.fixture(scope="module")
def header(sources):
    return (sources.parent.parent / "include" / "dog.h").read_text()


def members(header, struct):
    """The names of a struct's members that are numbers, enums or strings."""
    body = re.search(rf"^typedef struct {struct} {{$(.*?)^}} {struct}_t;$", header, re.MULTILINE | re.DOTALL).group(1)
    body = re.sub(r"/\*.*?\*/", "", body, flags=re.DOTALL)
    return re.findall(r"^\s+[\w ]+[ *](\w+);", body, re.MULTILINE)


def constants(header, enum):
    body = re.search(rf"typedef enum {enum} {{(.*?)}} {enum}_t;", header, re.DOTALL).group(1)
    body = re.sub(r"/\*.*?\*/", "", body, flags=re.DOTALL)
    return {name: int(value, 0) for name, value in re.findall(r"(DOG_\w+) = (-?\w+)", body) if "_MAX" not in name}


def test_every_option_of_an_engine_is_an_argument(header):
    arguments = set(inspect.signature(dog.Engine.__init__).parameters) - {"self", "tasks_max", "json"}
    of_the_binding = {"size", "log", "log_user", "delivery"}
    assert arguments == set(members(header, "dog_options")) - of_the_binding


def test_every_member_of_a_class_is_an_attribute(header):
    of_the_binding = {"size", "name", "child", "user", "identify", "clusterize", "clusterize_events", "onretire"}
    assert set(members(header, "dog_gateway_class")) - of_the_binding == set(classes.GATEWAY_OPTIONS)
    callbacks = {name for name in members(header, "dog_shard_class") if name.startswith("on") or name == "receive"}
    of_the_binding = {"size", "name", "parent", "user", "origins", "origin_count", "gossip_events", "start_later"}
    of_the_binding |= callbacks
    assert set(members(header, "dog_shard_class")) - of_the_binding == set(classes.SHARD_OPTIONS)
    assert {"identify", "clusterize", "onretire"} <= set(vars(dog.Gateway))
    assert {name for name in vars(dog.Shard) if name.startswith("on")} | {"receive"} == callbacks


def test_every_option_of_a_listener_is_taken(header):
    arguments = set(inspect.signature(dog.Engine.listen).parameters) - {"self", "more"}
    wanted = set(members(header, "dog_listen_options")) - {"size", "certificate_count"}
    assert arguments <= wanted
    # A member that has no argument of its own is one of `more`: all that it may not be is unknown.
    for name in wanted - {"certificates"}:
        native = _native.Engine({})
        with pytest.raises((TypeError, ValueError), match=f"^{name} is "):
            native.listen({name: ()}, [])
        native.close()


# All that these two may be, a number of 32 bits can say.
ANYTHING = {"connections_per_address_max", "admission_memory_bytes"}


@pytest.mark.parametrize("name", sorted(_native.defaults()))
def test_every_option_of_an_engine_reaches_it(name):
    """One of 0 and the highest is refused, by the name of the option."""
    refusals = []
    for value in (0, 2**32 - 1):
        try:
            dog.Engine(**{name: value}).close()
        except dog.InvalidError as error:
            refusals.append(str(error))
    assert all(name in refusal for refusal in refusals)
    assert bool(refusals) is (name not in ANYTHING)


def test_the_defaults_are_those_that_the_header_tells(header):
    defaults = _native.defaults()
    body = re.search(r"typedef struct dog_options {(.*?)\n}", header, re.DOTALL).group(1)
    told = dict(re.findall(r"uint\d+_t (\w+); +/\* ([\d,]+)[:;,]", body))
    assert len(told) > 40
    assert {name: int(text.replace(",", "")) for name, text in told.items()} == {name: defaults[name] for name in told}
    assert (defaults["log_level"], defaults["outbox_policy"], defaults["rate_policy"]) == (
        dog.LogLevel.WARN, dog.OutboxPolicy.CLOSE, dog.RatePolicy.CLOSE)


def test_statuses_are_those_of_the_header(header):
    assert {f"DOG_{status.name}": status.value for status in dog.Status} == constants(header, "dog_status")


@pytest.mark.parametrize(
    "ours, enum",
    [
        (dog.LogLevel, "dog_log_level"),
        (dog.OutboxPolicy, "dog_outbox_policy"),
        (dog.RatePolicy, "dog_rate_policy"),
        (dog.Placement, "dog_placement"),
        (dog.ClientCertificate, "dog_client_certificate"),
    ],
)
def test_enums_are_those_of_the_header(header, ours, enum):
    theirs = constants(header, enum)
    prefix = {"dog_log_level": "DOG_LOG_", "dog_outbox_policy": "DOG_OUTBOX_", "dog_rate_policy": "DOG_RATE_",
              "dog_placement": "DOG_PLACE_", "dog_client_certificate": "DOG_CLIENT_CERTIFICATE_"}[enum]
    assert {prefix + each.name: each.value for each in ours} == theirs


def test_event_types_are_those_of_the_header(header):
    theirs = constants(header, "dog_event_type")
    assert {f"DOG_EVENT_{event.name}": event.value for event in made.Event} == theirs


def test_stats_are_those_of_the_header(header):
    assert list(dog.Stats._fields) == members(header, "dog_stats")[1:]
    assert list(dog.GatewayStats._fields) == members(header, "dog_gateway_stats")[1:]


def test_handlers_have_as_long_as_the_engine_gives_them():
    assert dog.Engine()._timeouts == {"identify": 10.0, "receive": 30.0}
    assert dog.Engine(identify_timeout_ms=250)._timeouts == {"identify": 0.25, "receive": 30.0}


def test_versions_are_those_of_the_header(header, sources):
    parts = [re.search(rf"#define DOG_VERSION_{part} (\d+)", header).group(1) for part in ("MAJOR", "MINOR", "PATCH")]
    version = ".".join(parts)
    assert dog.__version__ == version
    assert f'version = "{version}"' in (sources / "pyproject.toml").read_text()


@pytest.mark.parametrize("status", [status for status in dog.Status if status is not dog.Status.OK])
def test_every_status_has_an_exception_that_says_it(status):
    error = dog.errors.make(status)
    assert isinstance(error, dog.Error) and error.status is status and f"DOG_{status.name}" in str(error)


def test_a_status_of_a_later_library_is_an_exception_too():
    error = dog.errors.make(-99)
    assert error.status is dog.Status.ESYSTEM and "DOG_EUNKNOWN" in str(error)

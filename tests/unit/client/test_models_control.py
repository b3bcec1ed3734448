"""Updating models without a server: what is asked of Triton, and what is told."""

import json

import pytest
from darkroom_client import BadOption, LoadFailed, NotAllowed, NotServed
from darkroom_client.link import drive
from darkroom_client.models_control import PIN_PARAMETER, ModelControl
from darkroom_client.wire import Failure
from fake_link import FakeLink, core, no_jobs_model, told

MIB = 2**20
BROKEN = (
    "load failed for model 'denoise': version 3 is at UNAVAILABLE state: Internal: RuntimeError: no is not found\n\n"
    "At:\n  /repository/denoise/3/model.py(1): <module>\n;\n"
)


class FakeTriton:
    """The model-control API of one model `denoise`, as it was measured: see docs/models.md."""

    def __init__(self, published=(1, 2), served=(2,), policy=None, available=1000 * MIB):
        self.published, self.served = list(published), list(served)
        self.policy = policy or {"latest": {"num_versions": 1}}
        self.parameters = {}
        self.available = available
        self.broken = set()
        self.seen_published = list(published)
        self.loads = []
        self.link = FakeLink(script=None, jobs=self.versions)
        self.link.answers = {
            "index": self.index,
            "model_config": lambda _: {
                "name": "denoise",
                "version_policy": self.policy,
                "parameters": dict(self.parameters),
            },
            "load": self.load,
            "unload": self.unload,
        }

    def versions(self, call):
        models = {"denoise": [{"version": version, "memory_bytes": 100 * MIB} for version in self.published]}
        return told(call, models=models, available_bytes=self.available)

    def index(self, _):
        known = [
            {"name": "denoise", "version": str(version), "state": "READY" if version in self.served else "UNAVAILABLE"}
            for version in self.seen_published
        ]
        return [*(known or [{"name": "denoise"}]), {"name": "jobs", "version": "1", "state": "READY"}]

    def load(self, question):
        self.loads.append(None if question.config is None else json.loads(question.config))
        changed = self.seen_published != self.published
        if question.config is not None:
            self.policy, parameters = self.loads[-1]["version_policy"], self.loads[-1]["parameters"]
        elif changed or not self.served:
            self.policy, parameters = {"latest": {"num_versions": 1}}, {}
        else:
            return
        chosen = [int(version) for version in self.policy.get("specific", {}).get("versions", ())]
        wanted = chosen or self.published[-1:]
        if self.broken & set(wanted):
            raise Failure("INVALID_ARGUMENT", BROKEN)
        self.seen_published, self.served, self.parameters = list(self.published), wanted, parameters

    def unload(self, _):
        self.served = []

    def control(self, key="key"):
        return ModelControl(core(self.link, admin_key=key))


def run(coroutine):
    return drive(coroutine)


def test_the_overview_tells_what_is_served_and_what_is_newer():
    triton = FakeTriton(published=(1, 2, 3), served=(2,))
    denoise, jobs = run(triton.control().overview())
    assert (denoise.served, denoise.published, denoise.newer, denoise.pinned) == ((2,), (1, 2, 3), 3, False)
    assert denoise.note == "version 3 is newer and not loaded"
    assert (jobs.name, jobs.served) == ("jobs", (1,))


def test_the_overview_without_the_jobs_model_knows_what_triton_knows():
    triton = FakeTriton(published=(1, 2), served=(2,))
    triton.link.jobs = no_jobs_model
    denoise = run(triton.control().overview(["denoise"]))[0]
    assert (denoise.published, denoise.available_bytes) == ((1, 2), None)


def test_load_serves_what_was_published():
    triton = FakeTriton(published=(1,), served=(1,))
    triton.published.append(2)
    change = run(triton.control().load("denoise"))
    assert triton.loads == [None]
    assert change.sentence == "denoise: version 2 served (before: 1)."


def test_load_ends_a_pin_also_where_nothing_was_published():
    triton = FakeTriton(served=(1,), policy={"specific": {"versions": ["1"]}})
    change = run(triton.control().load("denoise"))
    assert triton.loads[0] is None
    assert triton.loads[1]["version_policy"] == {"latest": {"num_versions": 1}}
    assert (change.after.served, change.after.pinned) == ((2,), False)


def test_a_pin_is_the_models_own_configuration_with_another_policy():
    triton = FakeTriton(published=(1, 2, 3), served=(3,))
    change = run(triton.control().pin("denoise", 2))
    assert triton.loads == [
        {
            "name": "denoise",
            "version_policy": {"specific": {"versions": [2]}},
            "parameters": {PIN_PARAMETER: {"string_value": "2"}},
        }
    ]
    assert change.after.pinned
    assert change.sentence == (
        "denoise: version 2 served, pinned (before: 3). Note: version 3 is newer and hidden by the pin."
    )


def test_rollback_pins_the_version_before():
    triton = FakeTriton(published=(1, 2, 4), served=(4,))
    assert run(triton.control().rollback("denoise")).after.served == (2,)
    assert run(triton.control().rollback("denoise")).after.served == (1,)
    with pytest.raises(BadOption, match="no version before 1; the repository has 1, 2, 4"):
        run(triton.control().rollback("denoise"))


def test_two_versions_side_by_side():
    triton = FakeTriton(published=(1, 2, 3), served=(3,))
    change = run(triton.control().load("denoise", [3, 1]))
    assert triton.loads[0]["version_policy"] == {"specific": {"versions": [1, 3]}}
    assert change.sentence == "denoise: versions 1, 3 served, pinned (before: 3)."


def test_unload_and_load_again():
    triton = FakeTriton()
    assert run(triton.control().unload("denoise")).sentence == "denoise: no version is served (before: 2)."
    assert run(triton.control().load("denoise")).after.served == (2,)


def test_pinning_a_model_that_is_not_served_loads_it_first():
    triton = FakeTriton(served=())
    assert run(triton.control().pin("denoise", 1)).after.served == (1,)
    assert triton.loads[0] is None


def test_a_version_that_cannot_be_loaded():
    triton = FakeTriton(published=(1, 2), served=(2,))
    triton.published.append(3)
    triton.broken.add(3)
    with pytest.raises(LoadFailed) as error:
        run(triton.control().load("denoise"))
    assert error.value.message == (
        "denoise could not be loaded: RuntimeError: no is not found. What was served before (2) goes on."
    )
    triton.served = []
    with pytest.raises(LoadFailed, match="It serves no version: take the newest out"):
        run(triton.control().load("denoise"))


@pytest.mark.parametrize("versions", [[9], [1, 9]])
def test_an_unknown_version_is_named_with_those_there_are(versions):
    triton = FakeTriton()
    with pytest.raises(BadOption, match="has no version 9; the repository has 1, 2"):
        run(triton.control().load("denoise", versions))
    assert triton.loads == []


def test_an_unknown_model_is_named_with_those_there_are():
    with pytest.raises(NotServed, match="no model 'colourise'; the repository has denoise, jobs"):
        run(FakeTriton().control().unload("colourise"))


def test_memory_is_looked_at_first():
    triton = FakeTriton(published=(1, 2, 3), served=(2,), available=150 * MIB)
    with pytest.raises(LoadFailed, match=r"denoise 1, 3 would need about 200 MiB .* and 150 MiB are left"):
        run(triton.control().load("denoise", [1, 3]))
    assert triton.loads == []
    assert run(triton.control().load("denoise", [1, 3], force=True)).after.served == (1, 3)


def test_what_is_served_already_needs_no_further_memory():
    assert run(FakeTriton(available=0).control().load("denoise")).after.served == (2,)


@pytest.mark.parametrize(("key", "says"), [(None, "none was given"), ("wrong", "the one given is not right")])
def test_without_the_key_nothing_happens(key, says):
    triton = FakeTriton()
    triton.link.answers["index"] = Failure("PERMISSION_DENIED", "This API is restricted, expecting header 'x'")
    with pytest.raises(NotAllowed, match=f"needs the server's admin key; {says}"):
        run(triton.control(key).load("denoise"))

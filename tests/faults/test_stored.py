"""What the harness stores itself, and users' weights: damaged files are refused, never believed."""

import dataclasses
import io
import json
import math
import random
import types
import typing
from hashlib import sha256
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save
from scipy.io import savemat

from harness.experiment import checkpoints
from harness.experiment.checkpoints import STATE_FILE, WEIGHTS_FILE
from harness.experiment.training_state import TrainingState
from harness.models import registry
from harness.records import record as records
from harness.records.record import Record
from harness.weights import load
from harness.weights.sealed import seal
from tests.faults.damage import (
    DAMAGES,
    VALUES,
    Content,
    as_json,
    files,
    flipped,
    mutated_value,
    truncated,
    values,
)
from tests.faults.watch import Watch

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", autouse=True)
def _all_is_loaded(tmp_path_factory):
    """Do everything once before anything is watched: importing takes seconds."""
    folder = tmp_path_factory.mktemp("first")
    path = folder / "espcn.pth"
    path.write_bytes(users_files()[0])
    Watch(folder).command("checkpoint", "inspect", path)


RUNS = ROOT / "results" / "runs"
OTHERS = ("wdsr_basic-x2-s0-", "wdsr_awru-x2-s0-", "bicubic-x2-")
KINDS = ("wdsr_awru-x2-s1-", "wdsr_wru-x2-s0-", "imdn-x2-", "awsrn-x2-s0-*-drop3", *OTHERS)


def committed(start):
    """Return the first committed record whose id begins so."""
    return sorted(RUNS.glob(f"{start}*/record.json"))[0]


def stored_records():
    """Records of every kind, most of them rows of the first ablation."""
    paths = [ROOT / "tests" / "files" / "record.json", *map(committed, KINDS)]
    whole = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    return [follows(content, random.Random(0)) for content in whole]  # quicker with few images


def follows(content, chance):
    """Return a record whose means are those of its images again, as far as it has any."""
    scores = content.get("scores") if isinstance(content, dict) else None
    for score in scores if isinstance(scores, list) else ():
        try:
            score["images"] = score["images"][: chance.randrange(1, 4)]
            for key in ("psnr_db", "ssim"):
                score[key] = fmean(image[key] for image in score["images"])
        except (TypeError, KeyError, AttributeError, ValueError, OverflowError):
            continue
    return content


RECORDS = stored_records()


@st.composite
def record_files(draw):
    """Draw the bytes of records."""
    times, content = draw(values(RECORDS))
    chance = random.Random(draw(st.integers(0, 2**24 - 1)))
    if chance.random() < 0.5:
        content = follows(content, chance)
    written = as_json(content, chance)
    if times != 0 and chance.random() < 0.3:
        written = chance.choice(DAMAGES)(written, chance)
    return times, Content(written)


def is_of(value, kind):
    """Tell whether a value is of a declared type, to the depth of it."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return is_of(value, inner[0])
    if origin in (typing.Union, types.UnionType):
        return any(is_of(value, one) for one in inner)
    if origin is typing.Literal:
        return any(value == one and type(value) is type(one) for one in inner)
    if origin is tuple:
        return type(value) is tuple and all(is_of(item, inner[0]) for item in value)
    if origin is dict:
        return type(value) is dict and all(
            is_of(key, inner[0]) and is_of(item, inner[1]) for key, item in value.items()
        )
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind, include_extras=True)
        return type(value) is kind and all(
            is_of(getattr(value, item.name), hints[item.name]) for item in dataclasses.fields(kind)
        )
    if kind is float:
        return type(value) in (int, float) and not math.isnan(value)
    return kind is typing.Any or type(value) is kind


@given(record_files())
def test_records(watch, drawn):
    times, written = drawn
    runs = watch.folder / "results" / "runs"
    if not runs.is_dir():
        for start in OTHERS:
            beside = json.loads(committed(start).read_text(encoding="utf-8"))
            beside["id"] += "-beside"  # one id twice is refused, and no damage
            (runs / start).mkdir(parents=True)
            (runs / start / "record.json").write_text(json.dumps(beside), encoding="utf-8")
    path = runs / "one" / "record.json"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(written)
    read = watch.accepted(records.read_file, path)
    if read is None:
        assert times != 0
        return
    assert is_of(read, Record)
    for score in read.scores:
        finite = [image.psnr_db for image in score.images if image.psnr_db != math.inf]
        mean = np.mean(finite) if finite else math.inf
        assert score.psnr_db == pytest.approx(mean, rel=1e-8)
        assert score.ssim == pytest.approx(
            np.mean([image.ssim for image in score.images]), rel=1e-8
        )
    assert Record.from_json(read.to_json(), source="again") == read
    watch.command("records", "--results", watch.folder)
    watch.command("records", "--results", watch.folder, "--images", "--format", "csv")
    Watch(watch.folder).accepted(watch.command, "tables", "awru", "--results", watch.folder)


def network(seed=0, **options):
    torch.manual_seed(seed)
    return registry.get("awsrn_s").build(scale=2, num_units=1, channels=4, **options)


def state():
    net = network()
    optimizer = torch.optim.Adam(net.parameters())
    net(torch.rand(1, 3, 4, 4)).mean().backward()
    optimizer.step()
    return {
        "format": 1,
        "fingerprint": "f" * 64,
        "step": 7,
        "network": net.state_dict(),
        "optimizer": optimizer.state_dict(),
        "rng": torch.get_rng_state(),
        "cuda_rng": [],
        "losses": [1.5, 1.25],
        "seconds": 3.0,
    }


FINGERPRINT = "f" * 64
TENSORS = (
    *(torch.zeros(()), torch.zeros(1), torch.full((2, 2), math.nan), torch.ones(3).double()),
    *(torch.zeros(2, dtype=torch.int64), torch.zeros(0), torch.zeros(2, dtype=torch.complex64)),
    *(torch.eye(3).to_sparse(), torch.zeros(3, dtype=torch.bool), torch.empty(2, device="meta")),
)


def saved(content, **options):
    """Return what torch writes of a content."""
    buffer = io.BytesIO()
    torch.save(content, buffer, **options)
    return buffer.getvalue()


def state_file(payload):
    """Return the bytes of a checkpoint with the digest that it needs."""
    return b"awsrn-harness state, sha256 " + sha256(payload).hexdigest().encode() + b"\n" + payload


@st.composite
def damaged(draw, valid, sealed, damages=DAMAGES):
    """Draw the bytes of a stored file, and whether they must be refused.

    Of a valid file, or of one with another content that was written just so, it is as it was, or
    damaged after it was sealed, or before, or never sealed.

    Args:
        draw: Given by hypothesis.
        valid: Makes the content that is sealed from an own generator of chance; and none at all
            where nothing is changed in it.
        sealed: Seals it.
        damages: How it is damaged.
    """
    how = draw(
        st.sampled_from(("whole", "after", "after", "after", "before", "never", "other", "other"))
    )
    chance = random.Random(draw(st.integers(0, 2**24 - 1)))
    content = valid(chance if how == "other" else None)
    whole = sealed(content)
    times = chance.choice((1, 2, 3))
    match how:
        case "after":
            changed = whole
            for _ in range(times):
                changed = chance.choice((flipped, flipped, truncated))(changed, chance)
            return Content(changed), changed != whole
        case "before" | "never":
            for _ in range(times):
                content = chance.choice(damages)(content, chance)
            return Content(sealed(content) if how == "before" else content), False
    return Content(whole), False


def state_content(chance):
    content = state()
    for _ in range(chance.choice((1, 2, 3)) if chance else 0):
        content = mutated_value(content, chance, (*VALUES, *TENSORS))
    return saved(content)


STATE = saved(state())


@given(damaged(lambda chance: state_content(chance) if chance else STATE, state_file))
def test_training_states(watch, drawn):
    written, must_be_refused = drawn
    (watch.folder / STATE_FILE).write_bytes(written)
    read = watch.accepted(lambda: checkpoints.read_state(watch.folder, fingerprint=FINGERPRINT))
    if read is None:
        assert written != state_file(STATE)
        return
    assert not must_be_refused
    assert isinstance(read, TrainingState)
    assert read.fingerprint == FINGERPRINT
    assert type(read.step) is int
    assert read.step >= 0
    assert type(read.seconds) is float
    assert 0 <= read.seconds < math.inf
    assert all(type(loss) is float and math.isfinite(loss) for loss in read.losses)
    assert type(read.network) is dict or type(read.network).__name__ == "OrderedDict"
    assert all(type(name) is str and torch.is_tensor(t) for name, t in read.network.items())
    assert not any(tensor.is_meta for tensor in read.network.values())
    for generator in (read.rng, *read.cuda_rng):
        assert generator.dtype is torch.uint8
        assert generator.ndim == 1
    torch.get_rng_state().copy_(read.rng)


def weights_content(chance):
    """Return a state dict as safetensors: of the network, or of one that is nearly it."""
    tensors = dict(network().state_dict())
    if chance:
        name = chance.choice(sorted(tensors))
        value = tensors[name]
        changes = (value.double(), value[..., None], value * math.nan, value.to(torch.int8), None)
        change = chance.choice(changes)
        tensors |= {"more": value} if change is None else {name: change}
        if chance.random() < 0.3:
            del tensors[chance.choice(sorted(tensors))]
    return save({name: tensor.clone().contiguous() for name, tensor in tensors.items()})


def sealed_weights(content):
    """Return a safetensors file with the digest that it needs, if it is one at all."""
    from safetensors.torch import load as loaded

    try:
        return seal(loaded(content))
    except Exception:  # a damaged one cannot be sealed
        return content


WEIGHTS = weights_content(None)


@given(damaged(lambda chance: weights_content(chance) if chance else WEIGHTS, sealed_weights))
def test_finished_weights(watch, drawn):
    written, must_be_refused = drawn
    path = watch.folder / WEIGHTS_FILE
    path.write_bytes(written)
    net = network(seed=1)
    types = {name: tensor.dtype for name, tensor in net.state_dict().items()}
    read = watch.accepted(lambda: checkpoints.read_weights(path, net))
    if read is None:
        assert written not in (WEIGHTS, sealed_weights(WEIGHTS))
        return
    assert not must_be_refused
    assert types == {name: tensor.dtype for name, tensor in net.state_dict().items()}
    assert all(bool(torch.isfinite(tensor).all()) for tensor in net.state_dict().values())
    if written == sealed_weights(WEIGHTS):
        for name, tensor in network().state_dict().items():
            assert torch.equal(net.state_dict()[name], tensor)


def users_files():
    """The weights of ESPCN in the forms in which users have such files."""
    torch.manual_seed(0)
    weights = registry.get("espcn").build(scale=2).state_dict()
    parallel = {f"module.{name}": tensor for name, tensor in weights.items()}
    averaged = {"params": {name: 0 * tensor for name, tensor in weights.items()}}
    averaged |= {"params_ema": weights}
    lightning = {f"model.{name}": tensor for name, tensor in weights.items()}
    trained = {"epoch": 3, "loss": np.float64(1.5), "state_dict": lightning, "optimizer": {}}
    entry = [("name", object), ("value", object)]
    matlab = np.array([(f"conv{n}f", t.numpy()) for n, t in enumerate(weights.values())], entry)
    buffer = io.BytesIO()
    savemat(buffer, {"net": {"params": matlab}})  # type: ignore[arg-type]
    return (
        saved(weights),
        saved(weights, _use_new_zipfile_serialization=False),
        saved(parallel),
        saved(averaged),
        saved(trained),
        saved(averaged | trained, _use_new_zipfile_serialization=False),
        save(dict(weights)),
        seal(weights),
        buffer.getvalue(),
    )


@given(files(users_files()))
def test_users_weights(watch, drawn):
    number, times, written = drawn
    path = watch.folder / "espcn.pth"
    path.write_bytes(written)
    loaded = watch.accepted(lambda: load.load("espcn", scale=2, checkpoint=path))
    if loaded is None:
        assert times != 0 or number == 8  # MatConvNet's names are of no scheme
    else:
        tensors = loaded.network.state_dict()
        assert all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values())
        assert {tensor.dtype for tensor in tensors.values()} == {torch.float32}
        assert Watch(watch.folder).accepted(watch.command, "checkpoint", "inspect", path)

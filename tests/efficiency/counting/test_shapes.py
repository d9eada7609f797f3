"""What is remembered of operators is what PyTorch says of them, and nothing else is."""

import pytest
import torch
from torch.nn import functional as F

from harness.efficiency.counting.shapes import Remembering, Shapes


def image(*shape, dtype=torch.float32):
    return torch.empty(*shape, dtype=dtype, device="meta")


FORWARDS = {
    "convolution": lambda x: F.conv2d(x, image(8, 4, 3, 3), padding=1),
    "strided": lambda x: F.conv2d(x, image(8, 4, 3, 3), stride=2),
    "channels last": lambda x: F.relu(x.to(memory_format=torch.channels_last)),
    "a view": lambda x: x.view(2, 4, -1),
    "a view of a view": lambda x: x[:, 1:, 2:].permute(0, 2, 3, 1) + 1,
    "itself": lambda x: x.contiguous(),
    "several": lambda x: F.max_pool2d(x, 2, return_indices=True),
    "several views": lambda x: x.chunk(2, dim=1),
    "by a whole number": lambda x: x.to(torch.int32) * 2,
    "by a real number": lambda x: x.to(torch.int32) * 2.0,
    "by a truth": lambda x: x.to(torch.bool) * True,
    "by a tensor on the CPU": lambda x: x.half() * torch.tensor(2.0),
    "in place": lambda x: x.clone().mul_(2),
    "in place on a view": lambda x: x.clone()[:, :2].relu_(),
    "a change of form in place": lambda x: x.clone().transpose_(1, 2),
    "another type": lambda x: (x > 0).sum(),
    "batch normalisation": lambda x: F.batch_norm(x, image(4), image(4)),
}


def told(results):
    """What there is to tensors without values: forms, and which of them share memory."""
    tensors = results if isinstance(results, tuple | list) else [results]
    forms = [(t.shape, t.stride(), t.storage_offset(), t.dtype, t.device.type) for t in tensors]
    memories = [t.untyped_storage()._cdata for t in tensors]
    return forms, [memories.index(memory) for memory in memories]


@pytest.mark.parametrize("forward", FORWARDS.values(), ids=FORWARDS)
def test_a_result_is_pytorch_s_the_first_time_and_later(forward):
    x = image(2, 4, 6, 5)
    expected = told(forward(x))
    with Remembering():
        for _ in range(3):
            results = forward(x)
            assert told(results) == expected
    alone = forward(x)
    first = results[0] if isinstance(results, tuple | list) else results
    plain = alone[0] if isinstance(alone, tuple | list) else alone
    assert (first.untyped_storage()._cdata == x.untyped_storage()._cdata) == (
        plain.untyped_storage()._cdata == x.untyped_storage()._cdata
    )


def test_numbers_that_are_equal_but_of_another_type_are_told_apart():
    with Remembering():
        types = [(image(2, dtype=torch.int32) * factor).dtype for factor in (1, 1.0, True, 1.0)]
    assert types == [torch.int32, torch.float32, torch.int32, torch.float32]


def test_what_is_refused_is_refused_every_time():
    with Remembering():
        for _ in range(2):
            with pytest.raises(RuntimeError, match="shape"):
                image(2, 3).view(4)


def test_pytorch_is_asked_once_a_form():
    asked = []

    class Add:
        namespace = "aten"
        _schema = torch.ops.aten.add.Tensor._schema

        def __call__(self, *args):
            asked.append(args)
            return torch.ops.aten.add.Tensor(*args)

    shapes, add = Shapes(), Add()
    for shape in ((2, 3), (2, 3), (4, 3), (2, 3)):
        assert told(shapes.run(add, (image(*shape), image(*shape)), {})) == told(image(*shape))
    assert len(asked) == 2
    add.namespace = "mine"  # an operator of somebody else's may have more to it
    shapes.run(add, (image(2, 3), image(2, 3)), {})
    assert len(asked) == 3


def test_tensors_with_values_are_computed():
    with Remembering():
        sums = [float(torch.add(torch.tensor([1.0]), number)) for number in (1, 2)]
    assert sums == [2, 3]

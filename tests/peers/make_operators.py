#!/usr/bin/env python3
"""Models of one operator each, with what Google's interpreter gives for them: tests/fixtures/ai/operators.json.

    make_operators.py

Needs a Python with `ai-edge-litert`, `flatbuffers` and `numpy`. Options that converters seldom write are in no exported
model; here each operator is asked for them. Weights and inputs are sines, so that every run writes the same files.
"""

import base64
import json
import pathlib

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

FILE = pathlib.Path(__file__).resolve().parents[1] / "fixtures/ai/operators.json"
SAME, VALID = 0, 1
NONE, RELU, CLIP, RELU6 = range(4)


def wave(dims, speed=0.7, size=2.0, shift=0.0):
    """Real numbers that look like nothing, the same every time."""
    count = int(np.prod(dims)) if len(dims) else 1
    values = size * np.sin(speed * np.arange(count) + 0.3) + 0.4 * np.cos(1.9 * np.arange(count)) + shift
    return values.astype(np.float32).reshape(dims)


def ints(*values):
    return np.array(values, np.int32)


def conv(padding, steps, act=NONE, dilations=(1, 1)):
    return "Conv2DOptions", dict(padding=padding, strideH=steps[0], strideW=steps[1], fusedActivationFunction=act,
                                 dilationHFactor=dilations[0], dilationWFactor=dilations[1])


def depthwise(padding, steps, multiplier, act=NONE, dilations=(1, 1)):
    return "DepthwiseConv2DOptions", dict(
        padding=padding, strideH=steps[0], strideW=steps[1], depthMultiplier=multiplier, fusedActivationFunction=act,
        dilationHFactor=dilations[0], dilationWFactor=dilations[1])


def transposed(padding, steps, act=NONE):
    return "TransposeConvOptions", dict(padding=padding, strideH=steps[0], strideW=steps[1],
                                        fusedActivationFunction=act)


def pool(padding, steps, size, act=NONE):
    return "Pool2DOptions", dict(padding=padding, strideH=steps[0], strideW=steps[1], filterHeight=size[0],
                                 filterWidth=size[1], fusedActivationFunction=act)


def dense(act=NONE, keep=False):
    return "FullyConnectedOptions", dict(fusedActivationFunction=act, keepNumDims=keep)


def strided(begin=0, end=0, shrink=0):
    return "StridedSliceOptions", dict(beginMask=begin, endMask=end, ellipsisMask=0, newAxisMask=0, shrinkAxisMask=shrink)


def reducer(keep):
    return "ReducerOptions", dict(keepDims=keep)


X, Y = "given", "given too"  # an input of the model; all other inputs are constants


def cases():
    """Name, operator, options, inputs in order (X and Y with their values), outputs."""
    for act, name in ((NONE, "plain"), (RELU, "relu"), (CLIP, "clip"), (RELU6, "relu6")):
        size = 6.0 if act == RELU6 else 2.0
        yield f"add_{name}", "ADD", ("AddOptions", dict(fusedActivationFunction=act)), [(X, wave([3, 5], size=size)), wave([5])], 1
    for name in ("ADD", "SUB", "MUL", "DIV"):
        options = {"ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions", "DIV": "DivOptions"}[name], dict(fusedActivationFunction=0)
        low = name.lower()
        yield f"{low}_same", name, options, [(X, wave([2, 3, 4])), (Y, wave([2, 3, 4], 1.3, 1.0, 4.0))], 1
        yield f"{low}_row", name, options, [(X, wave([2, 3, 4])), (Y, wave([4], 1.3, 1.0, 4.0))], 1
        yield f"{low}_column", name, options, [(X, wave([2, 3, 4])), (Y, wave([3, 1], 1.3, 1.0, 4.0))], 1
        yield f"{low}_one_first", name, options, [wave([], shift=1.5), (X, wave([2, 3, 4], 1.3, 1.0, 4.0))], 1
        yield f"{low}_grown", name, options, [(X, wave([4], 1.3)), (Y, wave([2, 3, 4], 0.9, 1.0, 4.0))], 1
    for name, low in (("MAXIMUM", "maximum"), ("MINIMUM", "minimum")):
        yield f"{low}_row", name, ("MaximumMinimumOptions", {}), [(X, wave([3, 4])), wave([4], 1.1)], 1
        yield f"{low}_column", name, ("MaximumMinimumOptions", {}), [(X, wave([3, 4])), wave([3, 1], 1.1)], 1
    yield "squared_difference", "SQUARED_DIFFERENCE", ("SquaredDifferenceOptions", {}), [(X, wave([3, 4])), (Y, wave([1, 4], 1.1))], 1
    positive = dict(speed=0.9, size=1.5, shift=2.5)
    for name, options, values in (
        ("ABS", "AbsOptions", {}), ("ELU", None, {}), ("EXP", "ExpOptions", {}), ("HARD_SWISH", "HardSwishOptions", dict(size=5.0)),
        ("LOG", None, positive), ("LOGISTIC", None, dict(size=9.0)), ("NEG", "NegOptions", {}), ("RELU", None, {}),
        ("RELU6", None, dict(size=9.0)), ("RELU_N1_TO_1", None, {}), ("RSQRT", None, positive), ("SQRT", None, positive),
        ("SQUARE", "SquareOptions", {}), ("TANH", None, dict(size=4.0)),
    ):
        yield name.lower(), name, (options, {}), [(X, wave([2, 19], **values))], 1
    yield "leaky_relu", "LEAKY_RELU", ("LeakyReluOptions", dict(alpha=0.3)), [(X, wave([4, 5]))], 1
    yield "softmax", "SOFTMAX", ("SoftmaxOptions", dict(beta=1.0)), [(X, wave([3, 7]))], 1
    yield "softmax_beta", "SOFTMAX", ("SoftmaxOptions", dict(beta=0.4)), [(X, wave([2, 3, 5]))], 1

    yield "dense", "FULLY_CONNECTED", dense(), [(X, wave([3, 20])), wave([9, 20], 1.1), wave([9])], 1
    yield "dense_relu_no_bias", "FULLY_CONNECTED", dense(RELU), [(X, wave([3, 20])), wave([9, 20], 1.1)], 1
    yield "dense_keeps_dimensions", "FULLY_CONNECTED", dense(keep=True), [(X, wave([2, 3, 20])), wave([9, 20], 1.1), wave([9])], 1
    yield "dense_many_terms", "FULLY_CONNECTED", dense(RELU6), [(X, wave([7, 200], size=0.2)), wave([2, 200], 1.1, 0.1), wave([2])], 1
    yield "dense_wide", "FULLY_CONNECTED", dense(), [(X, wave([13, 33])), wave([150, 33], 1.1), wave([150])], 1
    for name, padding in (("same", SAME), ("valid", VALID)):
        for steps in ((1, 1), (2, 2), (1, 3)):
            label = f"{name}_{steps[0]}x{steps[1]}"
            yield f"conv_{label}", "CONV_2D", conv(padding, steps), [(X, wave([2, 7, 9, 3])), wave([5, 3, 2, 3], 1.3, 0.5), wave([5])], 1
            yield f"conv_line_{label}", "CONV_2D", conv(padding, (1, steps[1]), RELU), [(X, wave([2, 1, 20, 3])), wave([6, 1, 5, 3], 1.3, 0.5), wave([6])], 1
            yield f"depthwise_{label}", "DEPTHWISE_CONV_2D", depthwise(padding, (steps[0], steps[0]), 1, RELU), [(X, wave([2, 7, 9, 3])), wave([1, 3, 2, 3], 1.3, 0.5), wave([3])], 1
            yield f"max_{label}", "MAX_POOL_2D", pool(padding, steps, (3, 2)), [(X, wave([2, 7, 9, 3]))], 1
            yield f"average_{label}", "AVERAGE_POOL_2D", pool(padding, steps, (3, 2), RELU), [(X, wave([2, 7, 9, 3]))], 1
        yield f"conv_dilated_{name}", "CONV_2D", conv(padding, (1, 1), dilations=(2, 3)), [(X, wave([1, 9, 11, 2])), wave([4, 2, 3, 2], 1.3), wave([4])], 1
        yield f"conv_line_dilated_{name}", "CONV_2D", conv(padding, (1, 1), dilations=(1, 2)), [(X, wave([1, 1, 15, 2])), wave([4, 1, 3, 2], 1.3), wave([4])], 1
        yield f"depthwise_multiplied_{name}", "DEPTHWISE_CONV_2D", depthwise(padding, (1, 1), 2, dilations=(2, 2)), [(X, wave([1, 8, 9, 3])), wave([1, 3, 2, 6], 1.3), wave([6])], 1
    for steps, kernel, padding, size in (
        ((1, 2), (1, 5), SAME, (1, 16)), ((1, 2), (1, 5), VALID, (1, 19)), ((2, 3), (3, 4), SAME, (8, 15)),
        ((2, 2), (3, 3), VALID, (9, 11)), ((1, 1), (1, 4), SAME, (1, 8)), ((2, 2), (1, 1), SAME, (8, 10)),
    ):
        given = [1, 8] if size[0] == 1 else [4, 5]
        label = f"transposed_{kernel[0]}x{kernel[1]}_by_{steps[0]}x{steps[1]}_{'same' if padding == SAME else 'valid'}"
        yield label, "TRANSPOSE_CONV", transposed(padding, steps), [
            ints(2, *size, 3), wave([3, *kernel, 4], 1.3), (X, wave([2, *given, 4])), wave([3])], 1
    yield "transposed_relu_no_bias", "TRANSPOSE_CONV", transposed(SAME, (2, 2), RELU), [ints(1, 8, 10, 3), wave([3, 3, 3, 4], 1.3), (X, wave([1, 4, 5, 4]))], 1

    for name in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_PROD"):
        for axes in ((0,), (1,), (-1,), (0, 2), (0, 1, 2)):
            yield f"{name.lower()}_{'_'.join(str(a).replace('-', 'last') for a in axes)}", name, reducer(len(axes) == 2), [(X, wave([2, 3, 4], size=1.0)), ints(*axes)], 1
    yield "concatenation_last", "CONCATENATION", ("ConcatenationOptions", dict(axis=-1, fusedActivationFunction=0)), [(X, wave([2, 3, 2])), wave([2, 3, 1]), (Y, wave([2, 3, 3]))], 1
    yield "concatenation_first", "CONCATENATION", ("ConcatenationOptions", dict(axis=0, fusedActivationFunction=0)), [(X, wave([2, 3])), wave([1, 3])], 1
    yield "pack_middle", "PACK", ("PackOptions", dict(valuesCount=2, axis=1)), [(X, wave([2, 3])), (Y, wave([2, 3], 1.1))], 1
    yield "unpack_middle", "UNPACK", ("UnpackOptions", dict(num=3, axis=1)), [(X, wave([2, 3, 4]))], 3
    yield "split_middle", "SPLIT", ("SplitOptions", dict(numSplits=2)), [ints(1).reshape([]), (X, wave([2, 4, 3]))], 2
    yield "split_last", "SPLIT", ("SplitOptions", dict(numSplits=3)), [ints(-1).reshape([]), (X, wave([2, 2, 6]))], 3
    yield "tile", "TILE", ("TileOptions", {}), [(X, wave([2, 1, 3])), ints(2, 3, 1)], 1
    yield "tile_last", "TILE", ("TileOptions", {}), [(X, wave([2, 3])), ints(1, 2)], 1
    yield "pad", "PAD", ("PadOptions", {}), [(X, wave([2, 3, 2])), ints(1, 0, 0, 2, 1, 1).reshape(3, 2)], 1
    yield "transpose", "TRANSPOSE", ("TransposeOptions", {}), [(X, wave([2, 3, 4])), ints(2, 0, 1)], 1
    yield "transpose_kept_last", "TRANSPOSE", ("TransposeOptions", {}), [(X, wave([2, 3, 4])), ints(1, 0, 2)], 1
    yield "reverse", "REVERSE_V2", ("ReverseV2Options", {}), [(X, wave([2, 5, 3])), ints(1)], 1
    yield "gather", "GATHER", ("GatherOptions", dict(axis=1, batchDims=0)), [(X, wave([2, 5, 3])), ints(4, 0, 0)], 1
    yield "gather_last", "GATHER", ("GatherOptions", dict(axis=-1, batchDims=0)), [(X, wave([2, 5])), ints(3, 1, 0, 2).reshape(2, 2)], 1
    yield "slice", "SLICE", ("SliceOptions", {}), [(X, wave([3, 4, 5])), ints(1, 0, 2), ints(2, -1, 2)], 1
    yield "strided_slice", "STRIDED_SLICE", strided(), [(X, wave([5, 6, 4])), ints(1, 0, -3), ints(5, 6, 4), ints(2, 3, 1)], 1
    yield "strided_slice_masks", "STRIDED_SLICE", strided(begin=1, end=2), [(X, wave([5, 6, 4])), ints(3, 2, 1), ints(-1, 1, 3), ints(1, 2, 1)], 1
    yield "strided_slice_picked", "STRIDED_SLICE", strided(shrink=5), [(X, wave([5, 6, 4])), ints(-1, 1, 2), ints(0, 5, 3), ints(1, 1, 1)], 1
    yield "strided_slice_few", "STRIDED_SLICE", strided(), [(X, wave([5, 6, 4])), ints(2), ints(4), ints(1)], 1
    yield "space_to_batch", "SPACE_TO_BATCH_ND", ("SpaceToBatchNDOptions", {}), [(X, wave([2, 5, 6, 3])), ints(2, 3), ints(1, 0, 1, 2).reshape(2, 2)], 1
    yield "batch_to_space", "BATCH_TO_SPACE_ND", ("BatchToSpaceNDOptions", {}), [(X, wave([12, 3, 3, 2])), ints(2, 3), ints(1, 0, 1, 2).reshape(2, 2)], 1
    yield "expand_dims", "EXPAND_DIMS", ("ExpandDimsOptions", {}), [(X, wave([2, 3])), ints(-2).reshape([])], 1
    yield "squeeze_named", "SQUEEZE", ("SqueezeOptions", dict(squeezeDims=[-2])), [(X, wave([1, 3, 1, 2]))], 1
    yield "squeeze_all", "SQUEEZE", ("SqueezeOptions", dict(squeezeDims=[])), [(X, wave([1, 3, 1, 2]))], 1
    yield "reshape", "RESHAPE", ("ReshapeOptions", dict(newShape=[3, -1])), [(X, wave([2, 3, 2])), ints(3, -1)], 1


def tensor(model, value, is_given):
    made = schema.TensorT()
    made.name = b"given" if is_given else b"constant"
    made.shape = list(value.shape)
    made.type = schema.TensorType.INT32 if value.dtype == np.int32 else schema.TensorType.FLOAT32
    made.buffer = 0
    if not is_given:
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(value.tobytes(), np.uint8)
        made.buffer = len(model.buffers)
        model.buffers.append(buffer)
    return made


def build(operator, options, inputs, outputs):
    model, graph, node, code = schema.ModelT(), schema.SubGraphT(), schema.OperatorT(), schema.OperatorCodeT()
    model.version, model.buffers, model.subgraphs, model.operatorCodes = 3, [schema.BufferT()], [graph], [code]
    code.builtinCode = getattr(schema.BuiltinOperator, operator)
    code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), 1
    graph.tensors, graph.operators, graph.inputs = [], [node], []
    node.inputs, node.outputs, node.opcodeIndex = [], [], 0
    for value in inputs:
        is_given = isinstance(value, tuple)
        if is_given:
            graph.inputs.append(len(graph.tensors))
            value = value[1]
        node.inputs.append(len(graph.tensors))
        graph.tensors.append(tensor(model, value, is_given))
    # Sizes are found at run time; only SLICE asks for what the file says.
    dims = [2, 4, 2] if operator == "SLICE" else [1]
    for _ in range(outputs):
        node.outputs.append(len(graph.tensors))
        graph.tensors.append(tensor(model, np.zeros(dims, np.float32), True))
    graph.outputs = list(node.outputs)
    name, fields = options
    if name:
        node.builtinOptionsType = getattr(schema.BuiltinOptions, name)
        node.builtinOptions = getattr(schema, f"{name}T")()
        for field, value in fields.items():
            assert hasattr(node.builtinOptions, field), (name, field)
            setattr(node.builtinOptions, field, value)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def listed(values):
    values = np.asarray(values, np.float32)
    return {"dims": list(values.shape), "values": [float(f"{value:.9g}") for value in values.ravel()]}


def main():
    references = {}
    for name, operator, options, inputs, outputs in cases():
        content = build(operator, options, inputs, outputs)
        given = [value[1] for value in inputs if isinstance(value, tuple)]
        # The plain kernels: the delegate approximates some functions.
        interpreter = Interpreter(model_content=content, num_threads=1,
                                  experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
        interpreter.allocate_tensors()
        for place, value in zip(interpreter.get_input_details(), given):
            interpreter.set_tensor(place["index"], value)
        interpreter.invoke()
        results = [interpreter.get_tensor(place["index"]) for place in interpreter.get_output_details()]
        assert name not in references, name
        model = base64.b64encode(content).decode()
        references[name] = {"model": model, "inputs": [listed(value) for value in given], "outputs": [listed(value) for value in results]}
    lines = [f"{json.dumps(name)}: {json.dumps(reference)}" for name, reference in sorted(references.items())]
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{len(references)} models")


if __name__ == "__main__":
    main()

//! Codes of the built-in operators that are implemented, or refused by a rule of their own: `BuiltinOperator` of
//! TensorFlow's schema.fbs, version 3c.

/// Sum of two tensors, broadcast as in numpy.
pub const ADD: i32 = 0;
/// Mean of each window over the rows and columns of images.
pub const AVERAGE_POOL_2D: i32 = 1;
/// Joins tensors along a dimension that they have.
pub const CONCATENATION: i32 = 2;
/// Convolution over the rows and columns of images, summed over their channels.
pub const CONV_2D: i32 = 3;
/// Convolution of each channel separately.
pub const DEPTHWISE_CONV_2D: i32 = 4;
/// Conversion of quantised integers to real numbers.
pub const DEQUANTIZE: i32 = 6;
/// Matrix product with constant or computed weights and an optional bias: a dense layer.
pub const FULLY_CONNECTED: i32 = 9;
/// 1 / (1 + exp(−x)): the sigmoid function.
pub const LOGISTIC: i32 = 14;
/// Largest value of each window over the rows and columns of images.
pub const MAX_POOL_2D: i32 = 17;
/// Product of two tensors, value by value, broadcast as in numpy.
pub const MUL: i32 = 18;
/// Replaces negative values by 0.
pub const RELU: i32 = 19;
/// Clips values to -1..1.
pub const RELU_N1_TO_1: i32 = 20;
/// Clips values to 0..6.
pub const RELU6: i32 = 21;
/// Changes the dimensions and keeps the values and their order.
pub const RESHAPE: i32 = 22;
/// exp(beta · x), normalised so that the values of the last dimension sum to 1.
pub const SOFTMAX: i32 = 25;
/// Hyperbolic tangent.
pub const TANH: i32 = 28;
/// An operator that is not built in, named by a text in the file, such as TensorFlow's list operators.
pub const CUSTOM: i32 = 32;
/// Adds zeros before and after each dimension.
pub const PAD: i32 = 34;
/// Picks slices of a dimension by their indices.
pub const GATHER: i32 = 36;
/// Inverse of `SPACE_TO_BATCH_ND`, with margins that are cropped afterwards.
pub const BATCH_TO_SPACE_ND: i32 = 37;
/// Pads with zeros and turns each position within a block into a batch, for dilated convolutions.
pub const SPACE_TO_BATCH_ND: i32 = 38;
/// Permutes the dimensions.
pub const TRANSPOSE: i32 = 39;
/// Mean over some dimensions.
pub const MEAN: i32 = 40;
/// Difference of two tensors, broadcast as in numpy.
pub const SUB: i32 = 41;
/// Quotient of two tensors, value by value, broadcast as in numpy.
pub const DIV: i32 = 42;
/// Removes dimensions of length one.
pub const SQUEEZE: i32 = 43;
/// An LSTM layer over all steps of a sequence.
pub const UNIDIRECTIONAL_SEQUENCE_LSTM: i32 = 44;
/// Part of a tensor from begin to end with a step, for each dimension.
pub const STRIDED_SLICE: i32 = 45;
/// Exponential function.
pub const EXP: i32 = 47;
/// Divides a dimension into parts of equal length.
pub const SPLIT: i32 = 49;
/// Larger of two values at each position, broadcast as in numpy.
pub const MAXIMUM: i32 = 55;
/// Smaller of two values at each position, broadcast as in numpy.
pub const MINIMUM: i32 = 57;
/// Truth values of x < y, broadcast as in numpy.
pub const LESS: i32 = 58;
/// Changes the sign of each value.
pub const NEG: i32 = 59;
/// Part of a tensor from a begin with a size, for each dimension.
pub const SLICE: i32 = 65;
/// Transposed convolution, which spreads each value over a window of the output.
pub const TRANSPOSE_CONV: i32 = 67;
/// Repeats a tensor along each dimension.
pub const TILE: i32 = 69;
/// Inserts a dimension of length one.
pub const EXPAND_DIMS: i32 = 70;
/// Natural logarithm.
pub const LOG: i32 = 73;
/// Sum over some dimensions.
pub const SUM: i32 = 74;
/// Square root.
pub const SQRT: i32 = 75;
/// Reciprocal of the square root.
pub const RSQRT: i32 = 76;
/// Dimensions of a tensor, as a tensor of integers.
pub const SHAPE: i32 = 77;
/// Product over some dimensions; converters compute sizes by it.
pub const REDUCE_PROD: i32 = 81;
/// Largest value over some dimensions.
pub const REDUCE_MAX: i32 = 82;
/// Stacks tensors of equal shape along a new dimension.
pub const PACK: i32 = 83;
/// Conjunction of truth values, broadcast as in numpy.
pub const LOGICAL_AND: i32 = 86;
/// Slices of a dimension, each without that dimension.
pub const UNPACK: i32 = 88;
/// x².
pub const SQUARE: i32 = 92;
/// A tensor of a given shape with one value everywhere.
pub const FILL: i32 = 94;
/// Multiplies negative values by a slope.
pub const LEAKY_RELU: i32 = 98;
/// (x − y)², broadcast as in numpy.
pub const SQUARED_DIFFERENCE: i32 = 99;
/// Absolute value.
pub const ABS: i32 = 101;
/// Reverses a dimension, as the backward layer of a bidirectional one needs it.
pub const REVERSE_V2: i32 = 105;
/// x, or exp(x) − 1 where x is negative.
pub const ELU: i32 = 111;
/// Conversion of real numbers to quantised integers, or between two quantisations.
pub const QUANTIZE: i32 = 114;
/// x · clamp(x + 3, 0, 6) / 6.
pub const HARD_SWISH: i32 = 117;
/// Loop over two subgraphs, a condition and a body: a recurrent layer that was not fused.
pub const WHILE: i32 = 119;
/// Runs the subgraph that initialises variables; refused, as all operators on variables are.
pub const CALL_ONCE: i32 = 129;
/// Names a variable; refused.
pub const VAR_HANDLE: i32 = 142;
/// Value of a variable; refused, because no file holds it.
pub const READ_VARIABLE: i32 = 143;
/// Sets a variable; refused.
pub const ASSIGN_VARIABLE: i32 = 144;
/// Random values of mean 0 and deviation 1; run as zeros, so that scores do not change between runs.
pub const RANDOM_STANDARD_NORMAL: i32 = 146;

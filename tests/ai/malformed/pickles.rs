//! Scalers that run something when a Python reads them, and scalers whose numbers are wrong.
//!
//! Written from CPython's `pickletools`, once more and not with the reader's names, so that the two check each other.

use super::MARKER;
use super::bytes::{gzip, zlib};
use crate::support::{row_vec, rows};

/// More than any model has.
pub const FEATURES_OF_NO_MODEL: usize = 977;

/// Functions that a pickle may want to call, each with one text; the first one runs a command.
const FUNCTIONS: [(&str, &str); 22] = rows![
    "posix", "system"; "os", "system"; "os", "popen"; "nt", "system"; "subprocess", "getoutput";
    "subprocess", "Popen"; "builtins", "eval"; "builtins", "exec"; "builtins", "__import__";
    "builtins", "getattr"; "builtins", "open"; "__builtin__", "eval"; "importlib", "import_module";
    "runpy", "run_path"; "pickle", "loads"; "joblib", "load"; "numpy", "load";
    "numpy.testing._private.utils", "runstring"; "sklearn.preprocessing._data", "FunctionTransformer";
    "sklearn.pipeline", "Pipeline"; "ctypes", "CDLL"; "copyreg", "_reconstructor";
];

fn text(text: &str) -> Vec<u8> {
    let len = u32::try_from(text.len()).expect("a short text");
    [b"X".as_slice(), &len.to_le_bytes(), text.as_bytes()].concat()
}

fn short_text(text: &str) -> Vec<u8> {
    let len = u8::try_from(text.len()).expect("a short text");
    [&[0x8c, len], text.as_bytes()].concat()
}

fn global(module: &str, name: &str) -> Vec<u8> {
    format!("c{module}\n{name}\n").into_bytes()
}

/// Of these functions every way of calling them is tried, of the others those of `COMMON`.
const IN_EVERY_WAY: usize = 4;
const COMMON: [&str; 3] = ["by_name_on_the_stack", "in_a_field", "before_the_scaler"];

/// Functions in ways of calling them, plain and packed.
pub fn hostile(scaler: &[u8]) -> Vec<(String, Vec<u8>)> {
    let command = format!("touch {MARKER}");
    let mut cases = Vec::new();
    for (at, (module, name)) in FUNCTIONS.into_iter().enumerate() {
        for (form, bytes) in calls(module, name, &command, scaler) {
            if at >= IN_EVERY_WAY && !COMMON.contains(&form) {
                continue;
            }
            let what = format!("pickle_calls_{name}_{form}");
            if at == 0 || form == "by_name_on_the_stack" {
                cases.push((format!("{what}_in_zlib"), zlib(&bytes)));
                cases.push((format!("{what}_in_gzip"), gzip(&bytes)));
            }
            cases.push((what, bytes));
        }
    }
    cases
}

/// The ways in which a pickle calls a function with a text.
fn calls(module: &str, name: &str, command: &str, scaler: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let (function, argument) = (global(module, name), text(command));
    let call = [&function, &argument, b"\x85R".as_slice()].concat();
    let of_protocol = |protocol: u8, body: &[&[u8]]| [&[0x80, protocol], body.concat().as_slice()].concat();
    let class = global("sklearn.preprocessing._data", "MinMaxScaler");
    let on_the_stack = [short_text(module), short_text(name), b"\x93".to_vec()].concat();
    let nested = of_protocol(2, &[&call, b"."]);
    row_vec![
        "by_name", of_protocol(2, &[&call, b"."]);
        "by_name_on_the_stack", of_protocol(4, &[&on_the_stack, &argument, b"\x85R."]);
        "as_text", format!("c{module}\n{name}\n(V{command}\ntR.").into_bytes();
        "as_instance", format!("(V{command}\ni{module}\n{name}\n.").into_bytes();
        "as_object", of_protocol(2, &[b"(", &function, &argument, b"o."]);
        "as_new_object", of_protocol(2, &[&function, &argument, b"\x85\x81."]);
        "as_new_object_with_names", of_protocol(4, &[&function, &argument, b"\x85}\x92."]);
        "before_the_scaler", of_protocol(4, &[&call, b"0", scaler]);
        "in_a_field", of_protocol(4, &[&class, b")\x81}", &text("scale_"), &call, b"sb."]);
        "as_a_key", of_protocol(4, &[&class, b")\x81}", &call, b"Nsb."]);
        "as_state", of_protocol(4, &[&class, b")\x81", &call, b"b."]);
        "as_argument", of_protocol(4, &[&global("numpy", "dtype"), &call, b"\x85R."]);
        "in_an_array_of_objects", of_protocol(4, &[&class, b")\x81}", &text("scale_"), &wrapper("O8", 1), &nested, b"sb."]);
    ]
}

/// joblib's wrapper of an array, up to where the array's own bytes begin. Without an alignment there is no padding.
fn wrapper(dtype: &str, len: i32) -> Vec<u8> {
    let dtype = [global("numpy", "dtype"), text(dtype), b"\x85R".to_vec()].concat();
    let shape = [b"J".as_slice(), &len.to_le_bytes(), b"\x85"].concat();
    let entries = [
        [text("subclass"), global("numpy", "ndarray")].concat(),
        [text("shape"), shape].concat(),
        [text("order"), text("C")].concat(),
        [text("dtype"), dtype].concat(),
        [text("allow_mmap"), b"\x89".to_vec()].concat(),
    ];
    [
        global("joblib.numpy_pickle", "NumpyArrayWrapper"),
        b")\x81}(".to_vec(),
        entries.concat(),
        b"ub".to_vec(),
    ]
    .concat()
}

fn array(values: &[f64]) -> Vec<u8> {
    let len = i32::try_from(values.len()).expect("a short array");
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    [wrapper("f8", len), bytes].concat()
}

/// A file of a scaler with these fields, each a name and the instructions of its value.
fn file(class: &str, fields: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let fields: Vec<u8> =
        fields.iter().flat_map(|(name, value)| [text(name), value.clone()].concat()).collect();
    let object = global("sklearn.preprocessing._data", class);
    [b"\x80\x04".as_slice(), &object, b")\x81}(", &fields, b"ub."].concat()
}

fn minmax(scale: Vec<u8>, min: Vec<u8>) -> Vec<u8> {
    file("MinMaxScaler", &[("scale_", scale), ("min_", min), ("clip", b"\x89".to_vec())])
}

/// Scalers without a payload: not fitted, of other classes, with numbers that cannot be, and costly ones.
pub fn wrong(scaler: &[u8]) -> Vec<(&'static str, Vec<u8>, bool)> {
    let pickled = |body: &[&[u8]]| [b"\x80\x04".as_slice(), &body.concat()].concat();
    let many = vec![0.5; FEATURES_OF_NO_MODEL];
    let none = || b"N".to_vec();
    let refused = rows![
        "scaler_of_too_many_features", minmax(array(&many), array(&many));
        "scaler_of_no_feature", minmax(array(&[]), array(&[]));
        "scaler_of_unequal_lengths", minmax(array(&[1.0, 2.0]), array(&[1.0]));
        "scaler_scale_zero", minmax(array(&[0.0]), array(&[1.0]));
        "scaler_scale_nan", minmax(array(&[f64::NAN]), array(&[1.0]));
        "scaler_scale_infinite", minmax(array(&[f64::INFINITY]), array(&[1.0]));
        "scaler_min_infinite", minmax(array(&[1.0]), array(&[f64::NEG_INFINITY]));
        "scaler_scale_text", minmax(text("1.0"), array(&[1.0]));
        "scaler_scale_list", minmax([b"](".as_slice(), b"K\x01e"].concat(), array(&[1.0]));
        "scaler_scale_none", minmax(none(), none());
        "scaler_scale_itself",
            pickled(&[&global("sklearn.preprocessing._data", "MinMaxScaler"), b")\x81\x94}", &text("scale_"), b"h\0sb."]);
        "scaler_without_fields", file("MinMaxScaler", &[]);
        "scaler_without_mean", file("StandardScaler", &[("with_mean", b"\x88".to_vec()), ("with_std", b"\x89".to_vec())]);
        "scaler_without_flags", file("StandardScaler", &[("mean_", array(&[1.0])), ("scale_", array(&[1.0]))]);
        "scaler_without_center",
            file("RobustScaler", &[("with_centering", b"\x88".to_vec()), ("with_scaling", b"\x89".to_vec())]);
        "scaler_maxabs_of_none", file("MaxAbsScaler", &[("scale_", none())]);
        "scaler_of_another_class", file("QuantileTransformer", &[("scale_", array(&[1.0]))]);
        "scaler_is_a_function_of_its_module", file("minmax_scale", &[]);
        "scaler_is_a_dict", pickled(&[b"}", &text("scale_"), &array(&[1.0]), b"s."]);
        "scaler_is_an_array", pickled(&[&array(&[1.0]), b"."]);
        "scaler_is_none", pickled(&[b"N."]);
        "scaler_is_a_class", pickled(&[&global("sklearn.preprocessing._data", "MinMaxScaler"), b"."]);
        "scaler_shape_huge", minmax(wrapper("f8", i32::MAX), none());
        "scaler_shape_negative", minmax(wrapper("f8", -1), none());
        "scaler_array_of_texts", minmax([wrapper("U4", 1), vec![0; 16]].concat(), none());
        "scaler_array_of_records", minmax([wrapper("V8", 1), vec![0; 8]].concat(), none());
        "scaler_text_of_an_exabyte", pickled(&[b"\x8d\0\0\0\0\0\0\0\x10text."]);
        "scaler_bytes_past_the_end", pickled(&[b"\x8e\xff\xff\xff\xff\xff\xff\xff\xff."]);
        "scaler_recalls_nothing", pickled(&[b"j\xff\xff\xff\xff."]);
        "scaler_long_number", pickled(&[b"\x8a\xff", &[0x7f; 255], b"."]);
        "scaler_nested_tuples", pickled(&[b")", &b"\x85".repeat(150_000), b"."]);
        "scaler_nested_lists", pickled(&[&b"]".repeat(100_000), &b"a".repeat(99_999), b"."]);
        "scaler_doubled_tuples",
            pickled(&[b")\x94", &(0..200_u8).flat_map(|at| [b'h', at, b'h', at, 0x86, 0x94]).collect::<Vec<_>>(), b"."]);
        "scaler_marks_without_end", pickled(&[&b"(".repeat(1_000_000), b"."]);
        "scaler_without_end", pickled(&[&b"N0".repeat(1_000_000)]);
        "scaler_of_protocol_6", [b"\x80\x06", &scaler[2.min(scaler.len())..]].concat();
        "scaler_persistent_id", pickled(&[b"NQ."]);
        "scaler_extension", pickled(&[b"\x82\x01."]);
        "scaler_next_buffer", pickled(&[b"\x97."]);
        "scaler_set", pickled(&[b"\x8f(K\x01\x90."]);
    ];
    let mut cases: Vec<_> = refused.into_iter().map(|(name, bytes)| (name, bytes, true)).collect();
    // Python looks at nothing behind the end either.
    cases.push(("scaler_with_a_tail", [scaler, b"cos\nsystem\n."].concat(), false));
    cases.push(("scaler_twice", [scaler, scaler].concat(), false));
    cases
}

//! Malicious or invalid files: each is refused with its reason, nothing runs, nothing panics.

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use proptest::prelude::*;

use super::scaler_tests::{files, is_refused};
use super::*;
use basalt_fuzz::rows;

/// File that the payload of every `evil_*` fixture writes when Python loads it.
const MARKER: &str = "/tmp/tfl_pwned_marker";

fn global(name: &str) -> ScalerError {
    ScalerError::Global(name.to_owned())
}

fn class(name: &str) -> ScalerError {
    ScalerError::Class(name.to_owned())
}

#[test]
fn hostile_and_foreign_files_are_refused_with_their_reason_and_nothing_runs() {
    let _ = fs::remove_file(MARKER);
    let expected = [
        ("broken_infinite.joblib", ScalerError::NotFinite("scale_")),
        ("broken_lengths.joblib", ScalerError::Length("min_")),
        ("broken_nan.joblib", ScalerError::NotFinite("min_")),
        ("broken_zero.joblib", ScalerError::ZeroScale("scale_")),
        ("evil_doubling.pkl", ScalerError::NotAScaler),
        ("evil_eval.joblib", global("builtins.eval")),
        ("evil_eval.p0.pkl", ScalerError::NotAPickle),
        ("evil_eval.pkl", global("builtins.eval")),
        ("evil_eval.z3.joblib", global("builtins.eval")),
        ("evil_getattr.pkl", ScalerError::NotAPickle),
        ("evil_huge_len.pkl", ScalerError::Truncated),
        ("evil_inside_scaler.joblib", global("posix.system")),
        ("evil_inside_scaler.pkl", global("posix.system")),
        ("evil_object_array.joblib", global("posix.system")),
        ("evil_system.joblib", global("posix.system")),
        ("evil_system.p0.pkl", ScalerError::NotAPickle),
        ("evil_system.pkl", global("posix.system")),
        ("evil_system.z3.joblib", global("posix.system")),
        ("evil_truncated.joblib", ScalerError::Truncated),
        ("evil_zlib_bomb.joblib", ScalerError::Inflated),
        ("unfitted_maxabs.pkl", ScalerError::NotFitted(ScalerKind::MaxAbs)),
        ("unfitted_minmax.pkl", ScalerError::NotFitted(ScalerKind::MinMax)),
        ("unfitted_robust.pkl", ScalerError::NotFitted(ScalerKind::Robust)),
        ("unfitted_standard.pkl", ScalerError::NotFitted(ScalerKind::Standard)),
        ("unfitted_standard_bare.pkl", ScalerError::NotFitted(ScalerKind::Standard)),
        ("unsupported_array.joblib", ScalerError::NotAScaler),
        ("unsupported_bz2.joblib", ScalerError::Compression("bz2")),
        ("unsupported_dict.joblib", ScalerError::NotAScaler),
        ("unsupported_linreg.pkl", class("sklearn.linear_model._base.LinearRegression")),
        ("unsupported_lzma.joblib", ScalerError::Compression("lzma")),
        ("unsupported_power.pkl", class("sklearn.preprocessing._data.PowerTransformer")),
        ("unsupported_xz.joblib", ScalerError::Compression("xz")),
    ];
    let refused: Vec<_> = files().into_iter().filter(|(name, _)| is_refused(name)).collect();
    let results: Vec<_> = refused.iter().map(|(name, bytes)| (name.as_str(), Scaler::read(bytes))).collect();
    assert_eq!(results, expected.map(|(name, reason)| (name, Err(reason))));
    assert!(!Path::new(MARKER).exists(), "a payload ran");
}

/// Builds a pickle of protocol 4 from the opcodes after its header.
pub(super) fn pickle(instructions: &[&[u8]]) -> Vec<u8> {
    [b"\x80\x04".as_slice()].into_iter().chain(instructions.iter().copied()).collect::<Vec<_>>().concat()
}

pub(super) fn named(module: &str, name: &str) -> Vec<u8> {
    format!("c{module}\n{name}\n").into_bytes()
}

/// Checks that each named file is refused for its reason.
fn all_refused<const N: usize>(rows: [(&str, Vec<u8>, ScalerError); N]) {
    for (name, bytes, reason) in rows {
        assert_eq!(Scaler::read(&bytes), Err(reason), "{name}");
    }
}

#[test]
fn what_is_no_pickle_is_refused_at_its_first_bytes() {
    all_refused([
        ("empty", vec![], ScalerError::Truncated),
        ("text", b"hello".to_vec(), ScalerError::NotAPickle),
        ("a_picture", b"\x89PNG\r\n\x1a\n".to_vec(), ScalerError::NotAPickle),
        ("protocol_1", b"\x80\x01N.".to_vec(), ScalerError::NotAPickle),
        ("protocol_6", b"\x80\x06N.".to_vec(), ScalerError::NotAPickle),
        ("joblib_0_9", b"ZF0x1f".to_vec(), ScalerError::Compression("joblib 0.9")),
        ("lz4", b"\x04\x22\x4d\x18rest".to_vec(), ScalerError::Compression("lz4")),
        ("too_large", vec![b'x'; MAX_FILE + 1], ScalerError::TooLarge),
        ("not_deflate", b"\x78\x9cgarbage".to_vec(), ScalerError::Damaged),
    ]);
}

#[test]
fn names_and_instructions_that_no_scaler_has_are_refused_where_they_stand() {
    all_refused([
        ("inst", pickle(&[b"(ios\nsystem\n."]), ScalerError::Instruction(b'i')),
        ("persistent_id", pickle(&[b"NQ."]), ScalerError::Instruction(b'Q')),
        ("extension", pickle(&[b"\x82\x01."]), ScalerError::Instruction(0x82)),
        ("newobj_ex", pickle(&[b"N)}\x92."]), ScalerError::Instruction(0x92)),
        ("os", pickle(&[b"cos\nsystem\n."]), global("os.system")),
        ("reconstructor", pickle(&[b"ccopyreg\n_reconstructor\n."]), global("copyreg._reconstructor")),
        ("numpy_load", pickle(&[b"cnumpy\nload\n."]), global("numpy.load")),
        ("dotted", pickle(&[b"cnumpy\ndtype.__class__\n."]), global("numpy.dtype.__class__")),
        ("escapes", pickle(&[b"c\x1b[2J\nx\n."]), global("\\u{1b}[2J.x")),
        ("cut", pickle(&[&named(&"x".repeat(500), "y"), b"."]), ScalerError::Global("x".repeat(120) + "…")),
    ]);
}

#[test]
fn objects_and_states_that_no_scaler_has_are_refused() {
    let scaler = named("sklearn.preprocessing._data", "MinMaxScaler");
    let no_state = ScalerError::Malformed("a state for what takes none");
    all_refused([
        ("nothing", pickle(&[b"N."]), ScalerError::NotAScaler),
        ("a_class", pickle(&[&scaler, b"."]), ScalerError::NotAScaler),
        ("no_state", pickle(&[&scaler, b")\x81."]), ScalerError::NotFitted(ScalerKind::MinMax)),
        ("state_of_none", pickle(&[&scaler, b")\x81Nb."]), no_state.clone()),
        ("two_states", pickle(&[&scaler, b")\x81}b}b."]), no_state),
        ("empty_state", pickle(&[&scaler, b")\x81}b."]), ScalerError::NotFitted(ScalerKind::MinMax)),
        (
            "arguments",
            pickle(&[&scaler, b"N\x85\x81."]),
            ScalerError::Malformed("an object is made with arguments"),
        ),
        ("called", pickle(&[&scaler, b")R."]), ScalerError::Malformed("a call of a class")),
        ("call_of_text", pickle(&[b"\x8c\x01x)R."]), ScalerError::Malformed("a call of what is no function")),
        ("underflow", pickle(&[b"0."]), UNDERFLOW),
        ("no_mark", pickle(&[b"t."]), UNDERFLOW),
        ("stop_at_mark", pickle(&[b"(."]), UNDERFLOW),
        ("not_kept", pickle(&[b"h\x05."]), ScalerError::Malformed("the pickle recalls what it has not kept")),
    ]);
}

#[test]
fn arrays_that_no_scaler_has_are_refused() {
    let ndarray = named("numpy", "ndarray");
    let reconstruct = named("numpy.core.multiarray", "_reconstruct");
    let dtype = |of: &str| [named("numpy", "dtype"), pickled_text(of), b"\x85R".to_vec()].concat();
    // An array with the state (1, a shape, a dtype, Fortran order, bytes).
    let array = |shape: &[u8], of: &str, rest: &[u8]| {
        pickle(&[&reconstruct, &ndarray, b"K\0\x85C\x01b\x87R(K\x01", shape, &dtype(of), rest, b"tb."])
    };
    let wrong_length = ScalerError::Malformed("an array has more or fewer bytes than its shape");
    all_refused(rows![
        "texts", pickle(&[&dtype("U7"), b"."]), ScalerError::ArrayType("U7".to_owned());
        "of_a_class_of_its_own", pickle(&[&reconstruct, &named("numpy", "dtype"), b"K\0\x85C\x01b\x87R."]),
            ScalerError::Malformed("an array of a class of its own");
        "negative_shape", array(b"J\xff\xff\xff\xff\x85", "f8", b"\x89C\0"),
            ScalerError::Malformed("the shape of an array is wrong");
        "huge", array(b"J\0\0\0\x7f\x85", "f8", b"\x89C\0"), ScalerError::Excessive("an array is too large");
        "too_few_bytes", array(b"K\x02\x85", "f8", b"\x89C\x01x"), wrong_length.clone();
        "too_many_bytes", array(b"K\x01\x85", "u1", b"\x89C\x02xy"), wrong_length;
        "by_columns", array(b"K\x01K\x01\x86", "u1", b"\x88C\x01x"),
            ScalerError::Malformed("an array is saved by columns");
        "objects", array(b"K\x01\x85", "O", b"\x89]Na"),
            ScalerError::Malformed("an array of objects that are not texts");
    ]);
}

const UNDERFLOW: ScalerError = ScalerError::Malformed("the pickle takes more than it has put");

pub(super) fn pickled_text(text: &str) -> Vec<u8> {
    [&[0x8c, text.len() as u8], text.as_bytes()].concat()
}

/// Programs that produce much from little: a limit stops each of them.
#[test]
fn a_small_file_cannot_cost_much() {
    let text = |bytes: usize| [b"X".as_slice(), &(bytes as u32).to_le_bytes(), &vec![b'a'; bytes]].concat();
    let encode = [named("_codecs", "encode"), b"\x940".to_vec(), text(1 << 20), b"\x940".to_vec()].concat();
    let encode_again = b"h\0h\x01\x8c\x06latin1\x86R0".repeat(20_000);
    let dtype = [named("numpy", "dtype"), pickled_text("u1"), b"\x85R\x940".to_vec()].concat();
    let bytes = [b"B".as_slice(), &(1_u32 << 20).to_le_bytes(), &vec![0; 1 << 20], b"\x940"].concat();
    let buffer = [named("numpy._core.numeric", "_frombuffer"), b"\x940".to_vec(), dtype, bytes].concat();
    let buffer_again = b"h\0(h\x02h\x01J\0\0\x10\0\x8c\x01CtR0".repeat(10_000);
    let names = [
        named("numpy.core.multiarray", "_reconstruct"),
        b"\x940".to_vec(),
        named("numpy", "ndarray"),
        b"\x940](".to_vec(),
        b"\x8c\x01a".repeat(90_000),
        b"e\x940".to_vec(),
        [named("numpy", "dtype"), pickled_text("O"), b"\x85R\x940".to_vec()].concat(),
    ];
    let names_again = b"h\0h\x01)C\x01b\x87R(K\x01K\x01h\x03\x89h\x02tb0".repeat(5_000);
    let too_large = ScalerError::Excessive("an array is too large");
    let rows = [
        ("no_end", b"N".repeat(300_000), ScalerError::Excessive("too many pickle instructions")),
        ("one_text_encoded_again", [encode, encode_again].concat(), too_large.clone()),
        ("one_buffer_decoded_again", [buffer, buffer_again].concat(), too_large.clone()),
        ("one_list_of_names_again", [names.concat(), names_again].concat(), too_large),
        (
            "a_dict_of_many",
            [b"}(".to_vec(), b"\x8c\x01kN".repeat(200), b"u".to_vec()].concat(),
            ScalerError::Excessive("too many entries in a dict"),
        ),
    ];
    for (name, instructions, reason) in rows {
        let file = pickle(&[&instructions]);
        let mut packer = ZlibEncoder::new(Vec::new(), Compression::best());
        packer.write_all(&file).unwrap();
        let packed = packer.finish().unwrap();
        assert_eq!(Scaler::read(&file), Err(reason.clone()), "{name}");
        assert_eq!(Scaler::read(&packed), Err(reason), "{name}, packed");
    }
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    for (name, bytes) in files().into_iter().filter(|(name, _)| !is_refused(name)) {
        // The last bytes of gzip and zlib are checksums, which show that the content before them is complete.
        for len in 0..bytes.len() {
            assert!(Scaler::read(&bytes[..len]).is_err(), "{name} cut to {len} of {} bytes", bytes.len());
        }
    }
}

#[derive(Debug, Clone)]
enum FileMutation {
    Flip(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    Remove(prop::sample::Index, prop::sample::Index),
    Repeat(prop::sample::Index, prop::sample::Index),
    Insert(prop::sample::Index, Vec<u8>),
}

impl FileMutation {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let span = |a: &prop::sample::Index, b: &prop::sample::Index, len: usize| {
            let (a, b) = (a.index(len), b.index(len));
            a.min(b)..a.max(b)
        };
        match self {
            FileMutation::Flip(at, bits) => {
                let at = at.index(bytes.len());
                bytes[at] ^= bits;
            }
            FileMutation::Cut(at) => bytes.truncate(at.index(bytes.len())),
            FileMutation::Remove(a, b) => drop(bytes.drain(span(a, b, bytes.len()))),
            FileMutation::Repeat(a, b) => bytes.extend_from_within(span(a, b, bytes.len())),
            FileMutation::Insert(at, new) => {
                let at = at.index(bytes.len());
                drop(bytes.splice(at..at, new.iter().copied()));
            }
        }
    }
}

fn change() -> impl Strategy<Value = FileMutation> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        6 => (at(), 1..=255_u8).prop_map(|(at, bits)| FileMutation::Flip(at, bits)),
        1 => at().prop_map(FileMutation::Cut),
        1 => (at(), at()).prop_map(|(a, b)| FileMutation::Remove(a, b)),
        1 => (at(), at()).prop_map(|(a, b)| FileMutation::Repeat(a, b)),
        2 => (at(), prop::collection::vec(any::<u8>(), 1..9)).prop_map(|(at, new)| FileMutation::Insert(at, new)),
    ]
}

fn read_within_bounds(bytes: &[u8]) {
    if let Ok(scaler) = Scaler::read(bytes) {
        // A changed byte within a number may be accepted; the scaler must then be usable.
        let row = vec![1.0; scaler.features()];
        let mut out = vec![0.0; row.len()];
        scaler.transform(&row, &mut out);
        assert!(scaler.feature_names().is_none_or(|names| names.len() == row.len()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn a_changed_file_is_refused_or_read_but_never_panics(
        of in any::<prop::sample::Index>(),
        changes in prop::collection::vec(change(), 1..6),
    ) {
        static FILES: std::sync::LazyLock<Vec<Vec<u8>>> = std::sync::LazyLock::new(|| {
            files().into_values().filter(|bytes| bytes.len() < 4_000).collect()
        });
        let mut bytes = of.get(&FILES).clone();
        for change in changes {
            change.apply(&mut bytes);
        }
        read_within_bounds(&bytes);
    }

    #[test]
    fn any_instructions_are_refused_or_read_but_never_panic(
        instructions in prop::collection::vec(
            prop_oneof![
                Just(b")".to_vec()), Just(b"(".to_vec()), Just(b"t".to_vec()), Just(b"}".to_vec()),
                Just(b"u".to_vec()), Just(b"e".to_vec()), Just(b"]".to_vec()), Just(b"R".to_vec()),
                Just(b"b".to_vec()), Just(b"\x81".to_vec()), Just(b"\x85".to_vec()), Just(b"\x86".to_vec()),
                Just(b"\x87".to_vec()), Just(b"\x94".to_vec()), Just(b"2".to_vec()), Just(b"0".to_vec()),
                Just(named("numpy", "dtype")), Just(named("numpy", "ndarray")),
                Just(named("numpy.core.multiarray", "_reconstruct")),
                Just(named("numpy.core.multiarray", "scalar")),
                Just(named("numpy.core.numeric", "_frombuffer")),
                Just(named("joblib.numpy_pickle", "NumpyArrayWrapper")),
                Just(named("sklearn.preprocessing._data", "MinMaxScaler")),
                Just(pickled_text("f8")), Just(pickled_text("O")), Just(pickled_text("C")),
                Just(b"C\x08aaaaaaaa".to_vec()), Just(b"K\x01".to_vec()),
                any::<u8>().prop_map(|at| vec![b'h', at % 16]),
                any::<u8>().prop_map(|byte| vec![byte]),
            ],
            0..60,
        )
    ) {
        let slices: Vec<&[u8]> = instructions.iter().map(Vec::as_slice).collect();
        read_within_bounds(&pickle(&slices));
    }
}

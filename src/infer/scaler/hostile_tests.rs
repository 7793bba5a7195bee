//! Files that want something, or are wrong: each is refused with its reason, nothing runs, nothing panics.

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use proptest::prelude::*;

use super::scaler_tests::{files, is_refused};
use super::*;

/// What the payload of every `evil_*` fixture writes when a Python loads it.
const MARKER: &str = "/tmp/tfl_pwned_marker";

fn global(name: &str) -> Refused {
    Refused::Global(name.to_owned())
}

fn class(name: &str) -> Refused {
    Refused::Class(name.to_owned())
}

#[test]
fn hostile_and_foreign_files_are_refused_with_their_reason_and_nothing_runs() {
    let _ = fs::remove_file(MARKER);
    let expected = [
        ("broken_infinite.joblib", Refused::NotFinite("scale_")),
        ("broken_lengths.joblib", Refused::Length("min_")),
        ("broken_nan.joblib", Refused::NotFinite("min_")),
        ("broken_zero.joblib", Refused::ZeroScale("scale_")),
        ("evil_doubling.pkl", Refused::NotAScaler),
        ("evil_eval.joblib", global("builtins.eval")),
        ("evil_eval.p0.pkl", Refused::NotAPickle),
        ("evil_eval.pkl", global("builtins.eval")),
        ("evil_eval.z3.joblib", global("builtins.eval")),
        ("evil_getattr.pkl", Refused::NotAPickle),
        ("evil_huge_len.pkl", Refused::Truncated),
        ("evil_inside_scaler.joblib", global("posix.system")),
        ("evil_inside_scaler.pkl", global("posix.system")),
        ("evil_object_array.joblib", global("posix.system")),
        ("evil_system.joblib", global("posix.system")),
        ("evil_system.p0.pkl", Refused::NotAPickle),
        ("evil_system.pkl", global("posix.system")),
        ("evil_system.z3.joblib", global("posix.system")),
        ("evil_truncated.joblib", Refused::Truncated),
        ("evil_zlib_bomb.joblib", Refused::Inflated),
        ("unfitted_maxabs.pkl", Refused::NotFitted(Kind::MaxAbs)),
        ("unfitted_minmax.pkl", Refused::NotFitted(Kind::MinMax)),
        ("unfitted_robust.pkl", Refused::NotFitted(Kind::Robust)),
        ("unfitted_standard.pkl", Refused::NotFitted(Kind::Standard)),
        ("unfitted_standard_bare.pkl", Refused::NotFitted(Kind::Standard)),
        ("unsupported_array.joblib", Refused::NotAScaler),
        ("unsupported_bz2.joblib", Refused::Compression("bz2")),
        ("unsupported_dict.joblib", Refused::NotAScaler),
        ("unsupported_linreg.pkl", class("sklearn.linear_model._base.LinearRegression")),
        ("unsupported_lzma.joblib", Refused::Compression("lzma")),
        ("unsupported_power.pkl", class("sklearn.preprocessing._data.PowerTransformer")),
        ("unsupported_xz.joblib", Refused::Compression("xz")),
    ];
    let refused: Vec<_> = files().into_iter().filter(|(name, _)| is_refused(name)).collect();
    let told: Vec<_> = refused.iter().map(|(name, bytes)| (name.as_str(), Scaler::read(bytes))).collect();
    assert_eq!(told, expected.map(|(name, reason)| (name, Err(reason))));
    assert!(!Path::new(MARKER).exists(), "a payload ran");
}

/// A pickle of protocol 4 from the instructions after its header.
pub(super) fn pickle(instructions: &[&[u8]]) -> Vec<u8> {
    [b"\x80\x04".as_slice()].into_iter().chain(instructions.iter().copied()).collect::<Vec<_>>().concat()
}

pub(super) fn named(module: &str, name: &str) -> Vec<u8> {
    format!("c{module}\n{name}\n").into_bytes()
}

/// Each named file is refused for its reason.
fn all_refused<const N: usize>(rows: [(&str, Vec<u8>, Refused); N]) {
    for (name, bytes, reason) in rows {
        assert_eq!(Scaler::read(&bytes), Err(reason), "{name}");
    }
}

#[test]
fn what_is_no_pickle_is_refused_at_its_first_bytes() {
    all_refused([
        ("empty", vec![], Refused::Truncated),
        ("text", b"hello".to_vec(), Refused::NotAPickle),
        ("a_picture", b"\x89PNG\r\n\x1a\n".to_vec(), Refused::NotAPickle),
        ("protocol_1", b"\x80\x01N.".to_vec(), Refused::NotAPickle),
        ("protocol_6", b"\x80\x06N.".to_vec(), Refused::NotAPickle),
        ("joblib_0_9", b"ZF0x1f".to_vec(), Refused::Compression("joblib 0.9")),
        ("lz4", b"\x04\x22\x4d\x18rest".to_vec(), Refused::Compression("lz4")),
        ("too_large", vec![b'x'; MAX_FILE + 1], Refused::TooLarge),
        ("not_deflate", b"\x78\x9cgarbage".to_vec(), Refused::Damaged),
    ]);
}

#[test]
fn names_and_instructions_that_no_scaler_has_are_refused_where_they_stand() {
    all_refused([
        ("inst", pickle(&[b"(ios\nsystem\n."]), Refused::Instruction(b'i')),
        ("persistent_id", pickle(&[b"NQ."]), Refused::Instruction(b'Q')),
        ("extension", pickle(&[b"\x82\x01."]), Refused::Instruction(0x82)),
        ("newobj_ex", pickle(&[b"N)}\x92."]), Refused::Instruction(0x92)),
        ("os", pickle(&[b"cos\nsystem\n."]), global("os.system")),
        ("reconstructor", pickle(&[b"ccopyreg\n_reconstructor\n."]), global("copyreg._reconstructor")),
        ("numpy_load", pickle(&[b"cnumpy\nload\n."]), global("numpy.load")),
        ("dotted", pickle(&[b"cnumpy\ndtype.__class__\n."]), global("numpy.dtype.__class__")),
        ("escapes", pickle(&[b"c\x1b[2J\nx\n."]), global("\\u{1b}[2J.x")),
        ("cut", pickle(&[&named(&"x".repeat(500), "y"), b"."]), Refused::Global("x".repeat(120) + "…")),
    ]);
}

#[test]
fn objects_and_states_that_no_scaler_has_are_refused() {
    let scaler = named("sklearn.preprocessing._data", "MinMaxScaler");
    let no_state = Refused::Malformed("a state for what takes none");
    all_refused([
        ("nothing", pickle(&[b"N."]), Refused::NotAScaler),
        ("a_class", pickle(&[&scaler, b"."]), Refused::NotAScaler),
        ("no_state", pickle(&[&scaler, b")\x81."]), Refused::NotFitted(Kind::MinMax)),
        ("state_of_none", pickle(&[&scaler, b")\x81Nb."]), no_state.clone()),
        ("two_states", pickle(&[&scaler, b")\x81}b}b."]), no_state),
        ("empty_state", pickle(&[&scaler, b")\x81}b."]), Refused::NotFitted(Kind::MinMax)),
        (
            "arguments",
            pickle(&[&scaler, b"N\x85\x81."]),
            Refused::Malformed("an object is made with arguments"),
        ),
        ("called", pickle(&[&scaler, b")R."]), Refused::Malformed("a call of a class")),
        ("call_of_text", pickle(&[b"\x8c\x01x)R."]), Refused::Malformed("a call of what is no function")),
        ("underflow", pickle(&[b"0."]), UNDERFLOW),
        ("no_mark", pickle(&[b"t."]), UNDERFLOW),
        ("stop_at_mark", pickle(&[b"(."]), UNDERFLOW),
        ("not_kept", pickle(&[b"h\x05."]), Refused::Malformed("the pickle recalls what it has not kept")),
    ]);
}

#[test]
fn arrays_that_no_scaler_has_are_refused() {
    let ndarray = named("numpy", "ndarray");
    let reconstruct = named("numpy.core.multiarray", "_reconstruct");
    let dtype = |of: &str| [named("numpy", "dtype"), pickled_text(of), b"\x85R".to_vec()].concat();
    // An array whose state is (1, a shape, a dtype, by columns, bytes).
    let array = |shape: &[u8], of: &str, rest: &[u8]| {
        pickle(&[&reconstruct, &ndarray, b"K\0\x85C\x01b\x87R(K\x01", shape, &dtype(of), rest, b"tb."])
    };
    let wrong_length = Refused::Malformed("an array has more or fewer bytes than its shape");
    all_refused([
        ("texts", pickle(&[&dtype("U7"), b"."]), Refused::ArrayType("U7".to_owned())),
        (
            "of_a_class_of_its_own",
            pickle(&[&reconstruct, &named("numpy", "dtype"), b"K\0\x85C\x01b\x87R."]),
            Refused::Malformed("an array of a class of its own"),
        ),
        (
            "negative_shape",
            array(b"J\xff\xff\xff\xff\x85", "f8", b"\x89C\0"),
            Refused::Malformed("the shape of an array is wrong"),
        ),
        ("huge", array(b"J\0\0\0\x7f\x85", "f8", b"\x89C\0"), Refused::Excessive("an array is too large")),
        ("too_few_bytes", array(b"K\x02\x85", "f8", b"\x89C\x01x"), wrong_length.clone()),
        ("too_many_bytes", array(b"K\x01\x85", "u1", b"\x89C\x02xy"), wrong_length),
        (
            "by_columns",
            array(b"K\x01K\x01\x86", "u1", b"\x88C\x01x"),
            Refused::Malformed("an array is saved by columns"),
        ),
        (
            "objects",
            array(b"K\x01\x85", "O", b"\x89]Na"),
            Refused::Malformed("an array of objects that are not texts"),
        ),
    ]);
}

const UNDERFLOW: Refused = Refused::Malformed("the pickle takes more than it has put");

pub(super) fn pickled_text(text: &str) -> Vec<u8> {
    [&[0x8c, text.len() as u8], text.as_bytes()].concat()
}

/// Programs that make much out of little: each is stopped by a bound.
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
    let too_large = Refused::Excessive("an array is too large");
    let rows = [
        ("no_end", b"N".repeat(300_000), Refused::Excessive("too many pickle instructions")),
        ("one_text_encoded_again", [encode, encode_again].concat(), too_large.clone()),
        ("one_buffer_decoded_again", [buffer, buffer_again].concat(), too_large.clone()),
        ("one_list_of_names_again", [names.concat(), names_again].concat(), too_large),
        (
            "a_dict_of_many",
            [b"}(".to_vec(), b"\x8c\x01kN".repeat(200), b"u".to_vec()].concat(),
            Refused::Excessive("too many entries in a dict"),
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
        // The last bytes of gzip and zlib are checksums, which say that the content before them is whole.
        for len in 0..bytes.len() {
            assert!(Scaler::read(&bytes[..len]).is_err(), "{name} cut to {len} of {} bytes", bytes.len());
        }
    }
}

#[derive(Debug, Clone)]
enum Change {
    Flip(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    Remove(prop::sample::Index, prop::sample::Index),
    Repeat(prop::sample::Index, prop::sample::Index),
    Insert(prop::sample::Index, Vec<u8>),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let span = |a: &prop::sample::Index, b: &prop::sample::Index, len: usize| {
            let (a, b) = (a.index(len), b.index(len));
            a.min(b)..a.max(b)
        };
        match self {
            Change::Flip(at, bits) => {
                let at = at.index(bytes.len());
                bytes[at] ^= bits;
            }
            Change::Cut(at) => bytes.truncate(at.index(bytes.len())),
            Change::Remove(a, b) => drop(bytes.drain(span(a, b, bytes.len()))),
            Change::Repeat(a, b) => bytes.extend_from_within(span(a, b, bytes.len())),
            Change::Insert(at, new) => {
                let at = at.index(bytes.len());
                drop(bytes.splice(at..at, new.iter().copied()));
            }
        }
    }
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        6 => (at(), 1..=255_u8).prop_map(|(at, bits)| Change::Flip(at, bits)),
        1 => at().prop_map(Change::Cut),
        1 => (at(), at()).prop_map(|(a, b)| Change::Remove(a, b)),
        1 => (at(), at()).prop_map(|(a, b)| Change::Repeat(a, b)),
        2 => (at(), prop::collection::vec(any::<u8>(), 1..9)).prop_map(|(at, new)| Change::Insert(at, new)),
    ]
}

fn read_within_bounds(bytes: &[u8]) {
    if let Ok(scaler) = Scaler::read(bytes) {
        // What is accepted, if a changed byte was of a number, can be used.
        let row = vec![1.0; scaler.features()];
        let mut out = vec![0.0; row.len()];
        scaler.transform(&row, &mut out);
        assert!(scaler.feature_names().is_none_or(|names| names.len() == row.len()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

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

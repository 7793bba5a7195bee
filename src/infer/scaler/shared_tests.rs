//! Values shared within a pickle: a few bytes can refer to the same megabyte again, and each copy is charged.

use proptest::prelude::*;

use super::hostile_tests::{named, pickle, pickled_text};
use super::*;

/// Features of a scaler that states their number without any array.
const MAX_FEATURES_WITHOUT_ARRAYS: u16 = 10_000;

fn text(bytes: usize) -> Vec<u8> {
    [b"X".as_slice(), &(bytes as u32).to_le_bytes(), &vec![b'a'; bytes]].concat()
}

/// Opcodes that leave an array of objects: `text`, memoized, and repeated `names` times.
fn array_of_one_text(text: &[u8], names: usize) -> Vec<u8> {
    let head = [
        named("numpy.core.multiarray", "_reconstruct"),
        named("numpy", "ndarray"),
        b"K\0\x85C\x01b\x87R(K\x01K\x01\x85".to_vec(),
        named("numpy", "dtype"),
        [pickled_text("O"), b"\x85R\x89](".to_vec()].concat(),
    ];
    [head.concat(), text.to_vec(), b"\x94".to_vec(), b"h\0".repeat(names - 1), b"etb".to_vec()].concat()
}

/// A `StandardScaler` that neither centres nor scales, with this many features and these feature names.
fn scaler(features: u16, names: &[u8]) -> Vec<u8> {
    let class = named("sklearn.preprocessing._data", "StandardScaler");
    let flags = [pickled_text("with_mean"), b"\x89".to_vec(), pickled_text("with_std"), b"\x89".to_vec()];
    let count = [pickled_text("n_features_in_"), vec![b'M'], features.to_le_bytes().to_vec()];
    let state = [flags.concat(), count.concat(), pickled_text("feature_names_in_"), names.to_vec()].concat();
    pickle(&[&class, b")\x81}(", &state, b"ub."])
}

#[test]
fn one_text_as_the_name_of_every_feature_is_taken_as_far_as_it_is_paid_for() {
    let name = |bytes: usize, names: usize| array_of_one_text(&text(bytes), names);
    let read = |features: u16, names: Vec<u8>| Scaler::read(&scaler(features, &names));
    let short = read(MAX_FEATURES_WITHOUT_ARRAYS, name(8, MAX_FEATURES_WITHOUT_ARRAYS.into()))
        .expect("eighty thousand bytes are little");
    assert_eq!(short.feature_names().map(<[String]>::len), Some(MAX_FEATURES_WITHOUT_ARRAYS.into()));
    let too_long = ScalerError::Excessive("the names of its features are too long");
    assert_eq!(
        read(MAX_FEATURES_WITHOUT_ARRAYS, name(64 << 10, MAX_FEATURES_WITHOUT_ARRAYS.into())),
        Err(too_long)
    );
    // As many names as the opcode limit allows, each of megabytes: their number alone is wrong.
    let wrong = ScalerError::Length("feature_names_in_");
    assert_eq!(read(3, name(2 << 20, 150_000)), Err(wrong));
}

#[test]
fn a_long_name_of_a_type_is_not_looked_at_again_and_again() {
    let long = "<".repeat(1 << 20) + "f8";
    let dtype = [named("numpy", "dtype"), b"\x940".to_vec()].concat();
    let shared = [b"X".as_slice(), &(long.len() as u32).to_le_bytes(), long.as_bytes(), b"\x940"].concat();
    let again = b"h\0h\x01\x85R0".repeat(30_000);
    let file = pickle(&[&dtype, &shared, &again, b"N."]);
    assert_eq!(Scaler::read(&file), Err(ScalerError::ArrayType("<".repeat(16))));
}

/// Fields of a scaler that all share one array.
fn one_array(features: usize, fields: &[&str]) -> Vec<u8> {
    let class = named("sklearn.preprocessing._data", "MinMaxScaler");
    let bytes = 1.5_f64.to_le_bytes().repeat(features);
    let array = [
        named("numpy._core.numeric", "_frombuffer"),
        b"(B".to_vec(),
        (bytes.len() as u32).to_le_bytes().to_vec(),
        bytes,
        [named("numpy", "dtype"), pickled_text("f8"), b"\x85R".to_vec()].concat(),
        [b"J".as_slice(), &(features as u32).to_le_bytes(), b"\x8c\x01CtR\x940"].concat(),
    ];
    let entries: Vec<u8> =
        fields.iter().flat_map(|field| [pickled_text(field), b"h\0".to_vec()].concat()).collect();
    pickle(&[&array.concat(), &class, b")\x81}(", &entries, b"ub."])
}

#[test]
fn one_array_for_every_field_is_copied_as_far_as_it_is_paid_for() {
    let read = |features| Scaler::read(&one_array(features, &["scale_", "min_", "data_min_"]));
    assert_eq!(read(1000).expect("it is small").features(), 1000);
    assert_eq!(read((4 << 20) / 8 - 1000).map(|scaler| scaler.features()), Ok((4 << 20) / 8 - 1000));
    // Twice as many values, compressed: decoded once and copied once they reach the limit of derived bytes.
    let file = one_array(1 << 20, &["scale_", "min_"]);
    let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut packer, &file).expect("memory takes it");
    let packed = packer.finish().expect("memory takes it");
    assert_eq!(Scaler::read(&packed), Err(ScalerError::Excessive("an array is too large")));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However often values are shared, an accepted scaler holds no more than its file may produce.
    #[test]
    fn what_is_taken_has_been_paid_for(
        bytes in prop_oneof![0..100_usize, 1000..70_000_usize],
        names in 1..12_000_usize,
        features in prop_oneof![Just(None), (1..12_000_u16).prop_map(Some)],
    ) {
        let features = features.unwrap_or(names as u16);
        match Scaler::read(&scaler(features, &array_of_one_text(&text(bytes), names))) {
            Ok(scaler) => {
                prop_assert!(scaler.memory_bytes() <= 17 << 20, "{} bytes", scaler.memory_bytes());
                prop_assert_eq!(scaler.feature_names().map(<[String]>::len), Some(features.into()));
            }
            Err(ScalerError::Length("feature_names_in_")) => prop_assert_ne!(usize::from(features), names),
            Err(ScalerError::Field("n_features_in_")) => prop_assert!(features > 10_000),
            Err(refused) => {
                let is_bound = matches!(refused, ScalerError::Excessive(_));
                prop_assert!(is_bound && (bytes + 24) * names > 15 << 20, "{refused}: {bytes} x {names}");
            }
        }
    }
}

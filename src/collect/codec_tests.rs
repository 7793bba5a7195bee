//! Every type in every word order, with the values that all peer implementations serve.

use proptest::prelude::*;

use super::*;

/// Kind, value, and its words in ABCD, CDAB, BADC, DCBA.
type Row = (StreamKind, NumericValue, [&'static [u16]; 4]);

const TABLE: &[Row] = &[
    (StreamKind::Bit, NumericValue::Bit(true), [&[0x0001], &[0x0001], &[0x0100], &[0x0100]]),
    (StreamKind::Bit, NumericValue::Bit(false), [&[0x0000], &[0x0000], &[0x0000], &[0x0000]]),
    (StreamKind::Byte, NumericValue::Uint(0x34), [&[0x0034], &[0x0034], &[0x3400], &[0x3400]]),
    (StreamKind::Uint16, NumericValue::Uint(4660), [&[0x1234], &[0x1234], &[0x3412], &[0x3412]]),
    (StreamKind::Int16, NumericValue::Int(-2), [&[0xFFFE], &[0xFFFE], &[0xFEFF], &[0xFEFF]]),
    (StreamKind::Fp16, NumericValue::Float(1.5), [&[0x3E00], &[0x3E00], &[0x003E], &[0x003E]]),
    (StreamKind::Fp16, NumericValue::Float(-2.0), [&[0xC000], &[0xC000], &[0x00C0], &[0x00C0]]),
    (
        StreamKind::Uint32,
        NumericValue::Uint(305_419_896),
        [&[0x1234, 0x5678], &[0x5678, 0x1234], &[0x3412, 0x7856], &[0x7856, 0x3412]],
    ),
    (
        StreamKind::Int32,
        NumericValue::Int(-123_456_789),
        [&[0xF8A4, 0x32EB], &[0x32EB, 0xF8A4], &[0xA4F8, 0xEB32], &[0xEB32, 0xA4F8]],
    ),
    (
        StreamKind::Fp32,
        // 123.456 as the nearest f32.
        NumericValue::Float(123.456_001_281_738_28),
        [&[0x42F6, 0xE979], &[0xE979, 0x42F6], &[0xF642, 0x79E9], &[0x79E9, 0xF642]],
    ),
    (
        StreamKind::Uint64,
        NumericValue::Uint(81_985_529_216_486_895),
        [
            &[0x0123, 0x4567, 0x89AB, 0xCDEF],
            &[0xCDEF, 0x89AB, 0x4567, 0x0123],
            &[0x2301, 0x6745, 0xAB89, 0xEFCD],
            &[0xEFCD, 0xAB89, 0x6745, 0x2301],
        ],
    ),
    (
        StreamKind::Int64,
        NumericValue::Int(-1_234_567_890_123_456_789),
        [
            &[0xEEDD, 0xEF0B, 0x8216, 0x7EEB],
            &[0x7EEB, 0x8216, 0xEF0B, 0xEEDD],
            &[0xDDEE, 0x0BEF, 0x1682, 0xEB7E],
            &[0xEB7E, 0x1682, 0x0BEF, 0xDDEE],
        ],
    ),
    (
        StreamKind::Fp64,
        NumericValue::Float(-1234.5678),
        [
            &[0xC093, 0x4A45, 0x6D5C, 0xFAAD],
            &[0xFAAD, 0x6D5C, 0x4A45, 0xC093],
            &[0x93C0, 0x454A, 0x5C6D, 0xADFA],
            &[0xADFA, 0x5C6D, 0x454A, 0x93C0],
        ],
    ),
];

#[test]
fn every_type_reads_and_writes_in_every_order() {
    for (kind, value, layouts) in TABLE {
        for (order, words) in WordOrder::ALL.into_iter().zip(layouts) {
            assert_eq!(decode(*kind, order, words), Some(*value), "decode {kind} {order}");
            assert_eq!(encode(*kind, order, *value).as_deref(), Some(*words), "encode {kind} {order}");
        }
    }
}

#[test]
fn the_table_has_every_numeric_type() {
    for kind in StreamKind::ALL {
        let listed = TABLE.iter().any(|row| row.0 == kind);
        assert_eq!(listed, kind.is_register_kind(), "{kind}");
        assert_eq!(word_count(kind).is_some(), kind.is_register_kind(), "{kind}");
    }
}

#[test]
fn little_and_big_leave_one_word_types_alone() {
    for order in [ByteOrder::Little, ByteOrder::Big] {
        assert_eq!(
            decode(StreamKind::Uint16, order.into(), &[42]),
            Some(NumericValue::Uint(42)),
            "{}",
            order.name()
        );
    }
    assert_eq!(WordOrder::from(ByteOrder::Little), WordOrder::Cdab);
    assert_eq!(WordOrder::from(ByteOrder::Big), WordOrder::Abcd);
}

#[test]
fn too_few_words_are_no_value() {
    for kind in StreamKind::ALL {
        for length in 0..4 {
            let enough = word_count(kind).is_some_and(|n| n <= length);
            assert_eq!(decode(kind, WordOrder::Abcd, &vec![0; length]).is_some(), enough, "{kind} {length}");
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    for (name, kind, value) in [
        ("bit", StreamKind::Bit, NumericValue::Int(2)),
        ("byte", StreamKind::Byte, NumericValue::Int(256)),
        ("negative", StreamKind::Uint16, NumericValue::Int(-1)),
        ("int16", StreamKind::Int16, NumericValue::Int(32_768)),
        ("uint32", StreamKind::Uint32, NumericValue::Uint(1 << 32)),
        ("int64", StreamKind::Int64, NumericValue::Uint(1 << 63)),
        ("uint64", StreamKind::Uint64, NumericValue::Float(2f64.powi(64))),
        ("fraction", StreamKind::Int32, NumericValue::Float(0.5)),
        ("nan", StreamKind::Int32, NumericValue::Float(f64::NAN)),
        ("fp16", StreamKind::Fp16, NumericValue::Float(1e6)),
        ("fp32", StreamKind::Fp32, NumericValue::Float(1e300)),
        ("text", StreamKind::Text, NumericValue::Int(0)),
    ] {
        assert_eq!(encode(kind, WordOrder::Abcd, value), None, "{name}");
    }
}

#[test]
fn orders_are_known_by_name() {
    for order in WordOrder::ALL {
        assert_eq!(order.name().parse::<WordOrder>().unwrap(), order);
        assert_eq!(order.name().to_uppercase().parse::<WordOrder>().unwrap(), order);
    }
    assert!("acbd".parse::<WordOrder>().is_err());
}

fn any_kind() -> impl Strategy<Value = StreamKind> {
    prop::sample::select(StreamKind::ALL.into_iter().filter(|k| k.is_register_kind()).collect::<Vec<_>>())
}

proptest! {
    /// All words of a number survive decoding and encoding; the unused half of a byte and the unused bits of a bit
    /// come back as zero, so they are cleared first.
    #[test]
    fn words_survive_the_round_trip(
        kind in any_kind(),
        order in prop::sample::select(WordOrder::ALL.to_vec()),
        words in prop::collection::vec(any::<u16>(), 4),
    ) {
        let mask = match kind {
            StreamKind::Bit => 1,
            StreamKind::Byte => 0xFF,
            _ => u16::MAX,
        };
        let mask = if order.swaps_bytes() { mask.swap_bytes() } else { mask };
        let words: Vec<u16> = words[..word_count(kind).unwrap()].iter().map(|w| w & mask).collect();
        let value = decode(kind, order, &words).unwrap();
        let again = encode(kind, order, value).unwrap();
        if matches!(value, NumericValue::Float(f) if f.is_nan()) {
            let value = decode(kind, order, &again).unwrap();
            prop_assert!(matches!(value, NumericValue::Float(f) if f.is_nan()));
        } else {
            prop_assert_eq!(words, again);
        }
    }
}

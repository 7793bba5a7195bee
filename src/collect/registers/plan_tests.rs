//! Table of planned reads, and the invariants of every plan.

use proptest::prelude::*;

use super::*;
use crate::collect::codec::WordOrder;
use crate::collect::modbus::space::{MAX_READ_WORDS, ModbusSpace as Modbus};
use crate::collect::point::DevicePoint;
use crate::collect::registers::RegisterSpace;
use crate::collect::registry;
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::stream::StreamKind;

fn words(start: u32, len: u16) -> RegisterRange {
    RegisterRange { space: RegisterSpace::from(Modbus::Holding), start, len }
}

fn bits(start: u32) -> RegisterRange {
    RegisterRange { space: RegisterSpace::from(Modbus::Coil), start, len: 1 }
}

fn rules(max_gap: u16) -> ReadRules {
    ReadRules::new(Some(max_gap))
}

fn spans(blocks: &[ReadBlock]) -> Vec<(u32, u16)> {
    blocks.iter().map(|b| (b.span.start, b.span.len)).collect()
}

#[test]
fn points_are_joined_into_few_reads() {
    for (name, points, max_gap, expected) in [
        ("nothing", vec![], 8, vec![]),
        ("one", vec![words(7, 2)], 8, vec![(7, 2)]),
        ("neighbours", vec![words(2, 2), words(0, 2)], 0, vec![(0, 4)]),
        ("gap_of_8_is_bridged", vec![words(0, 1), words(9, 1)], 8, vec![(0, 10)]),
        ("gap_of_9_is_not", vec![words(0, 1), words(10, 1)], 8, vec![(0, 1), (10, 1)]),
        ("gap_0_joins_only_neighbours", vec![words(0, 1), words(2, 1)], 0, vec![(0, 1), (2, 1)]),
        ("same_register_twice", vec![words(5, 1), words(5, 1)], 0, vec![(5, 1)]),
        ("overlapping", vec![words(5, 4), words(6, 1)], 0, vec![(5, 4)]),
        (
            "reads_are_split_at_125_registers",
            (0..130).map(|n| words(n, 1)).collect(),
            8,
            vec![(0, 125), (125, 5)],
        ),
        (
            "a_value_across_the_limit_is_not_split",
            vec![words(0, 4), words(4, 120), words(124, 2)],
            8,
            vec![(0, 124), (124, 2)],
        ),
        ("last_register", vec![words(65_532, 4), words(65_530, 2)], 8, vec![(65_530, 6)]),
        ("bits_bridge_64", vec![bits(0), bits(65)], 8, vec![(0, 66)]),
        ("bits_do_not_bridge_65", vec![bits(0), bits(66)], 8, vec![(0, 1), (66, 1)]),
        ("reads_are_split_at_2000_bits", (0..2001).map(bits).collect(), 8, vec![(0, 2000), (2000, 1)]),
    ] {
        assert_eq!(spans(&coalesce(&points, &rules(max_gap))), expected, "{name}");
    }
}

#[test]
fn spaces_are_never_mixed() {
    let points =
        [words(0, 1), RegisterRange { space: RegisterSpace::from(Modbus::Input), start: 1, len: 1 }, bits(1)];
    assert_eq!(coalesce(&points, &rules(8)).len(), 3);
}

#[test]
fn holes_are_not_read_over() {
    for (name, points, hole, expected) in [
        ("in_the_gap", vec![words(0, 2), words(4, 2), words(6, 1)], words(2, 2), vec![(0, 2), (4, 3)]),
        (
            "a_point_in_a_hole_is_alone",
            vec![words(0, 1), words(1, 1), words(2, 1)],
            words(1, 1),
            vec![(0, 1), (1, 1), (2, 1)],
        ),
        ("elsewhere", vec![words(0, 1), words(1, 1)], words(9, 1), vec![(0, 2)]),
        ("twice_the_same_bad_point_is_one_read", vec![words(1, 1), words(1, 1)], words(1, 1), vec![(1, 1)]),
    ] {
        assert_eq!(
            spans(&coalesce(&points, &ReadRules { holes: vec![hole], ..rules(8) })),
            expected,
            "{name}"
        );
    }
}

#[test]
fn gaps_are_what_nobody_wants() {
    let points = [words(10, 2), words(14, 1), words(15, 4), words(16, 1), words(20, 1)];
    let blocks = coalesce(&points, &rules(8));
    assert_eq!(gaps(&blocks[0], &points), [words(12, 2), words(19, 1)]);
}

fn any_span() -> impl Strategy<Value = RegisterRange> {
    let space = prop::sample::select(vec![Modbus::Coil, Modbus::Discrete, Modbus::Holding, Modbus::Input]);
    (space.prop_map(RegisterSpace::from), prop_oneof![0u32..300, 0u32..65_536], 1u16..=4).prop_map(
        |(space, start, len)| {
            let len = if space.unit == CellUnit::Bit { 1 } else { len };
            RegisterRange { space, start: start.min(space.end - u32::from(len)), len }
        },
    )
}

proptest! {
    #[test]
    fn a_plan_covers_every_point_and_respects_limits(
        points in prop::collection::vec(any_span(), 0..200),
        max_gap in 0u16..20,
        max_words in 4..=MAX_READ_WORDS,
        holes in prop::collection::vec(any_span(), 0..5),
    ) {
        let longest = LongestReads { bits: max_words * 16, words: max_words, ..LongestReads::UNLIMITED };
        let rules = ReadRules { longest, holes, ..rules(max_gap) };
        let blocks = coalesce(&points, &rules);
        let mut served = vec![0; points.len()];
        for block in &blocks {
            let (limit, gap) = if block.span.space.unit == CellUnit::Bit { (max_words * 16, max_gap * 8) } else { (max_words, max_gap) };
            prop_assert!((1..=limit).contains(&block.span.len));
            prop_assert!(block.span.end() <= 65_536);
            for member in &block.members {
                let point = points[*member];
                served[*member] += 1;
                prop_assert_eq!(point.space, block.span.space);
                prop_assert!(point.start >= block.span.start && point.end() <= block.span.end());
            }
            let alone = block.members.iter().all(|m| points[*m] == block.span);
            prop_assert!(alone || rules.holes.iter().all(|hole| !hole.overlaps(block.span)));
            let widest = gaps(block, &points).iter().map(|gap| gap.len).max().unwrap_or(0);
            prop_assert!(widest <= gap);
        }
        prop_assert!(served.iter().all(|times| *times == 1), "{:?}", served);
    }
}

fn cells(protocol: Protocol, path: &str, len: u16) -> RegisterRange {
    let device = DeviceSpec::new("plc", protocol);
    let kind = match len {
        2 => StreamKind::Uint32,
        4 => StreamKind::Uint64,
        _ => StreamKind::Uint16,
    };
    let address = registry::parse_address(&device, path).unwrap();
    let kind = if address.default_kind() == StreamKind::Bit { StreamKind::Bit } else { kind };
    let DevicePoint::Register(point) = address.point(kind, WordOrder::Cdab).unwrap() else {
        panic!("{path}")
    };
    point.span
}

/// Number of blocks in each request.
fn shared(points: &[RegisterRange], rules: &ReadRules) -> Vec<usize> {
    pack_requests(coalesce(points, rules), rules).iter().map(Vec::len).collect()
}

#[test]
fn blocks_that_lie_apart_share_requests_where_the_protocol_can() {
    let d = |path: &str, len| cells(Protocol::Melsec, path, len);
    let xgk = |path: &str, len| cells(Protocol::Fenet, path, len);
    let far: Vec<RegisterRange> = (0..100).map(|n| d(&format!("D{}", n * 100), 1)).collect();
    let wide: Vec<RegisterRange> = (0..5).map(|n| xgk(&format!("%DW{}", n * 100), 4)).collect();
    for (name, points, expected) in [
        ("modbus_has_no_such_request", vec![words(0, 1), words(1000, 1)], vec![1, 1]),
        ("words_of_two_devices", vec![d("D0", 1), d("W1F", 2), d("D1000", 4)], vec![3]),
        (
            "bits_are_read_by_themselves",
            vec![d("M0", 1), d("M5000", 1), d("D0", 1), d("R0", 1)],
            vec![1, 1, 2],
        ),
        ("at_most_96_words", far, vec![96, 4]),
        ("at_most_16_variables", wide, vec![4, 1]),
        (
            "bits_share_with_bits",
            vec![xgk("%MX0", 1), xgk("%PX9", 1), xgk("%DW0", 1), xgk("%DW500", 1)],
            vec![2, 2],
        ),
        ("half_a_word_has_no_name", vec![xgk("%DB1", 1), xgk("%DW500", 1), xgk("%DW900", 1)], vec![1, 2]),
    ] {
        let mut got = shared(&points, &ReadRules::new(None));
        got.sort_unstable();
        let mut expected = expected;
        expected.sort_unstable();
        assert_eq!(got, expected, "{name}");
    }
    let s7 = |path: &str, len| cells(Protocol::S7, path, len);
    let blocks: Vec<RegisterRange> = (1..=50).map(|n| s7(&format!("DB{n}.DBW0"), 1)).collect();
    assert_eq!(shared(&blocks, &ReadRules::new(None)), [20, 20, 10], "one request names 20 ranges");
    let areas = [s7("DB1.DBW1", 1), s7("M0.3", 1), s7("I0.0", 1), s7("T5", 1), s7("DB1.DBD100", 4)];
    assert_eq!(shared(&areas, &ReadRules::new(None)), [5], "ranges of any areas share a request");
    let refused = ReadRules { holes: vec![areas[0], areas[3]], ..ReadRules::new(None) };
    assert_eq!(shared(&areas, &refused), [5], "a range that is refused spoils no other");
    let long: Vec<RegisterRange> = (0..1000).map(|n| s7(&format!("DB1.DBW{}", 2 * n), 1)).collect();
    let requests = pack_requests(coalesce(&long, &ReadRules::new(None)), &ReadRules::new(None));
    let bytes = |request: &Vec<ReadBlock>| request.iter().map(|block| block.span.len).sum::<u16>();
    assert_eq!(requests.iter().map(bytes).collect::<Vec<_>>(), [668, 666, 666], "at most 846 bytes");
    let scattered = [d("D0", 1), d("D1000", 1), d("D2000", 1)];
    assert_eq!(shared(&scattered, &ReadRules { max_shared: 1, ..ReadRules::new(None) }), [1, 1, 1]);
    // A block that was refused alone spoils no request of others.
    assert_eq!(shared(&scattered, &ReadRules { holes: vec![d("D1000", 1)], ..ReadRules::new(None) }), [2, 1]);
}

#[test]
fn reads_keep_the_limits_of_their_protocol() {
    let runs = |protocol, name: &str, count: u32, len| {
        let points: Vec<RegisterRange> =
            (0..count).map(|n| cells(protocol, &format!("{name}{n}"), len)).collect();
        spans(&coalesce(&points, &ReadRules::new(None)))
    };
    assert_eq!(runs(Protocol::Melsec, "D", 1000, 1), [(0, 960), (960, 40)]);
    assert_eq!(runs(Protocol::Melsec, "M", 4000, 1), [(0, 3584), (3584, 416)]);
    assert_eq!(runs(Protocol::Fenet, "%DW", 1000, 1), [(0, 1400), (1400, 600)]);
    assert_eq!(runs(Protocol::S7, "MW", 300, 1), [(0, 222), (221, 80)]);
    assert_eq!(runs(Protocol::S7, "T", 200, 1), [(0, 111), (111, 89)]);
    assert_eq!(runs(Protocol::Fenet, "%MX", 3, 1), [(0, 1), (1, 1), (2, 1)], "bits are read by their names");
}

//! Servers that send wrong browse results.

use opcua::types::{NodeId, StatusCode};
use proptest::prelude::*;

use super::*;

const BYTES: usize = 1 << 20;

/// A result with nodes of these numbers, and whether there are more.
fn result(nodes: std::ops::Range<u32>, has_more: bool) -> BrowseResult {
    let reference =
        |id| ReferenceDescription { node_id: NodeId::new(1, id).into(), ..ReferenceDescription::default() };
    BrowseResult {
        status_code: StatusCode::Good,
        continuation_point: if has_more { ByteString::from(vec![1]) } else { ByteString::null() },
        references: Some(nodes.map(reference).collect()),
    }
}

fn places(found: &[ChildReference]) -> Vec<usize> {
    found.iter().map(|(place, _)| *place).collect()
}

#[test]
fn nodes_are_gathered_under_the_places_asked_about() {
    let mut gathering = BrowseAccumulator::new(BYTES);
    gathering.add_browse(0, 2, vec![result(0..2, true), result(2..3, false)]).unwrap();
    let next = gathering.next_request().unwrap();
    assert_eq!(next, BrowseNextRequest { points: vec![ByteString::from(vec![1])], is_release: false });
    gathering.add_browse_next(vec![result(3..4, false)]).unwrap();
    gathering.add_browse(2, 1, vec![result(4..5, false)]).unwrap();
    assert_eq!(gathering.next_request(), None);
    assert_eq!(places(&gathering.end_level()), [0, 0, 1, 0, 2]);
    assert!(!gathering.is_truncated && gathering.end_level().is_empty());
}

#[test]
fn another_number_of_results_than_asked_is_refused() {
    for given in [0, 1, 3, 500] {
        let mut gathering = BrowseAccumulator::new(BYTES);
        let results = vec![result(0..1, false); given];
        assert!(gathering.add_browse(0, 2, results).is_err(), "{given}");
        gathering.add_browse(0, 2, vec![result(0..0, true); 2]).unwrap();
        assert!(gathering.add_browse_next(vec![result(0..1, false); given]).is_err(), "{given}");
    }
}

#[test]
fn continuation_points_for_ever_end() {
    for nodes in [0, 1, 7] {
        let mut gathering = BrowseAccumulator::new(BYTES);
        gathering.add_browse(0, 1, vec![result(0..0, true)]).unwrap();
        let mut calls = 0;
        while let Some(next) = gathering.next_request() {
            calls += 1;
            assert!(calls <= MAX_CONTINUATIONS + 1, "{nodes}");
            let is_last = next.is_release;
            gathering.add_browse_next(vec![result(0..nodes, true)]).unwrap();
            assert!(!is_last || gathering.next_request().is_none());
        }
        assert!(gathering.is_truncated, "{nodes}");
        assert!(gathering.end_level().len() <= MAX_BROWSE_NODES + 1);
    }
}

#[test]
fn names_without_end_are_bounded() {
    let mut long = result(0..100, true);
    for reference in long.references.iter_mut().flatten() {
        reference.display_name = "x".repeat(BYTES / 10).as_str().into();
    }
    let mut gathering = BrowseAccumulator::new(BYTES);
    gathering.add_browse(0, 1, vec![long]).unwrap();
    assert!(gathering.is_full() && gathering.is_truncated);
    assert!(gathering.end_level().len() <= 10);
}

proptest! {
    #[test]
    fn no_answers_lead_to_a_place_that_was_not_asked_about(
        asked in 0usize..5,
        answers in proptest::collection::vec(
            proptest::collection::vec((0u32..600, any::<bool>()), 0..6), 0..20),
    ) {
        let mut gathering = BrowseAccumulator::new(100_000);
        let mut answers = answers.into_iter().map(|results| {
            results.into_iter().map(|(nodes, has_more)| result(0..nodes, has_more)).collect::<Vec<_>>()
        });
        let first = answers.next().unwrap_or_default();
        let mut went_well = gathering.add_browse(10, asked, first).is_ok();
        for results in answers {
            if !went_well || gathering.next_request().is_none() {
                break;
            }
            went_well = gathering.add_browse_next(results).is_ok();
        }
        for (place, _) in gathering.end_level() {
            prop_assert!((10..10 + asked).contains(&place));
        }
    }
}

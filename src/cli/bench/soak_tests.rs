//! Conditions under which a soak fails.

use super::*;

const MIB: u64 = 1 << 20;

#[test]
fn every_fault_is_told() {
    assert!(check_results(0, &[], true, false).is_ok());
    let errors = ["q1, round 3: answered 500".to_owned(), "another".to_owned()];
    let rows = [
        ("refused", check_results(2, &[], true, false), "2 batches were refused"),
        (
            "failed",
            check_results(0, &errors, true, false),
            "2 questions failed, the first: q1, round 3: answered 500",
        ),
        ("missing", check_results(0, &[], false, false), "rows are missing or too many"),
        ("grown", check_results(0, &[], true, true), "memory grew"),
        ("two", check_results(1, &[], true, true), "1 batches were refused; memory grew"),
    ];
    for (name, judged, message) in rows {
        assert_eq!(judged.unwrap_err().message, message, "{name}");
    }
}

#[test]
fn growth_is_told_from_noise() {
    for (second, last, grew) in [(400, 400, false), (400, 480, false), (400, 500, true), (900, 700, false)] {
        assert_eq!(has_grown(second * MIB, last * MIB), grew, "{second} to {last}");
    }
    assert_eq!(median(&[]), 0);
    assert_eq!(median(&[3, 1, 2]), 2);
}

#[test]
fn writers_that_stop_leave_no_batch_out() {
    let streams = (1..=10).map(StreamId).collect();
    let workload = Workload { signals: SignalGenerator::with_seed(0), streams, ticks: 1 << 20 };
    let [next, rows, refused] = [0, 0, 0].map(AtomicUsize::new);
    let feed = SoakWriter { workload, next, rows, refused };
    let until = |last| std::iter::from_fn(|| feed.take_batch(|number| number < last)).collect::<Vec<_>>();
    assert_eq!(until(3), [0, 1, 2]);
    // As the other writers of the same call do.
    assert_eq!((until(3), until(3)), (vec![], vec![]));
    assert_eq!(until(5), [3, 4]);
}

//! Tests first and last of many groups, whole and from partial states.

use arrow::array::{Float64Array, StringArray, TimestampMicrosecondArray};
use proptest::prelude::*;

use super::*;

fn times(times: Vec<Option<i64>>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC"))
}

fn groups(bookend: &Bookend) -> BookendGroups {
    bookend.groups(&DataType::Float64).unwrap()
}

#[test]
fn a_text_comes_back_as_it_was() {
    let mut last = Bookend::last().groups(&DataType::Utf8).unwrap();
    let values: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), Some("b"), None]));
    let columns = [values, times(vec![Some(2), Some(3), Some(1)])];
    last.update_batch(&columns, &[0, 0, 2], None, 3).unwrap();
    assert!(last.size() > 0);
    let answer = last.evaluate(EmitTo::All).unwrap();
    assert_eq!(answer.as_string::<i32>().iter().collect::<Vec<_>>(), [Some("b"), None, None]);
}

#[test]
fn groups_can_be_given_out_in_parts() {
    let mut first = groups(&Bookend::first());
    let batch = |values: Vec<f64>, at: Vec<Option<i64>>| {
        [Arc::new(Float64Array::from(values)) as ArrayRef, times(at)]
    };
    first.update_batch(&batch(vec![1.0, 2.0], vec![Some(5), Some(5)]), &[0, 1], None, 2).unwrap();
    let part = first.evaluate(EmitTo::First(1)).unwrap();
    assert_eq!(part.as_primitive::<arrow::datatypes::Float64Type>().values(), &[1.0]);
    first.update_batch(&batch(vec![3.0, 4.0], vec![Some(4), Some(9)]), &[0, 1], None, 2).unwrap();
    let rest = first.evaluate(EmitTo::All).unwrap();
    assert_eq!(rest.as_primitive::<arrow::datatypes::Float64Type>().values(), &[3.0, 4.0]);
}

type Row = (usize, Option<i64>, Option<f64>, Option<bool>);

fn columns(rows: &[Row]) -> ([ArrayRef; 2], Vec<usize>, BooleanArray) {
    let values: Float64Array = rows.iter().map(|r| r.2).collect();
    let at = times(rows.iter().map(|r| r.1).collect());
    ([Arc::new(values), at], rows.iter().map(|r| r.0).collect(), rows.iter().map(|r| r.3).collect())
}

proptest! {
    #[test]
    fn parts_merged_are_the_whole(
        mut rows in prop::collection::vec(
            (0usize..4, prop::option::of(0i64..1_000_000), prop::option::of(-9.0..9.0f64), prop::option::of(any::<bool>())),
            0..60,
        ),
        cut in any::<prop::sample::Index>(),
        is_last in any::<bool>(),
        converts in any::<bool>(),
    ) {
        // Of equal times any may be returned, so the data has none.
        let mut seen = std::collections::BTreeSet::new();
        rows.retain(|r| r.1.is_none_or(|t| seen.insert((r.0, t))));
        let bookend = if is_last { Bookend::last() } else { Bookend::first() };
        let mut whole = groups(&bookend);
        whole.grow(4);
        let at = cut.index(rows.len() + 1);
        for part in [&rows[..at], &rows[at..]] {
            let (columns, of, filter) = columns(part);
            let states = if converts {
                groups(&bookend).convert_to_state(&columns, Some(&filter)).unwrap()
            } else {
                let mut partial = groups(&bookend);
                partial.update_batch(&columns, &of, Some(&filter), 4).unwrap();
                partial.state(EmitTo::All).unwrap()
            };
            let of = if converts { of } else { (0..4).collect() };
            whole.merge_batch(&states, &of, 4).unwrap();
        }
        let answer = whole.evaluate(EmitTo::All).unwrap();
        let answer: Vec<_> = answer.as_primitive::<arrow::datatypes::Float64Type>().iter().collect();
        for (group, got) in answer.iter().enumerate() {
            let of_group = rows.iter().filter(|r| r.0 == group && r.1.is_some() && r.3 == Some(true));
            let row = if is_last { of_group.max_by_key(|r| r.1) } else { of_group.min_by_key(|r| r.1) };
            prop_assert_eq!(*got, row.and_then(|r| r.2), "group {}", group);
        }
        prop_assert_eq!(whole.heap, 0);
    }
}

//! Tests of list pages and their cursors.

use proptest::prelude::*;

use super::*;

fn place(row: &i32) -> ListCursor {
    ListCursor { sort_key: String::new(), row: *row }
}

fn page_of(rows: &[i32], page: ConnectionArgs) -> Result<(Vec<i32>, bool, bool)> {
    let listed = paginate(rows.to_vec(), page, place, |row| row)?;
    let nodes = listed.edges.iter().map(|edge| edge.node).collect();
    Ok((nodes, listed.has_previous_page, listed.has_next_page))
}

fn cursor(row: i32) -> Option<String> {
    Some(place(&row).encode_cursor())
}

#[test]
fn a_page_is_cut_at_either_end() {
    let rows = [5, 1, 4, 2, 3];
    let page = |first, after, last, before| ConnectionArgs { first, after, last, before };
    let cases = [
        ("all", page(None, None, None, None), vec![1, 2, 3, 4, 5], (false, false)),
        ("first", page(Some(2), None, None, None), vec![1, 2], (false, true)),
        ("next", page(Some(2), cursor(2), None, None), vec![3, 4], (true, true)),
        ("behind_one_that_is_gone", page(Some(2), cursor(0), None, None), vec![1, 2], (false, true)),
        ("last", page(None, None, Some(2), None), vec![4, 5], (true, false)),
        ("before", page(None, None, Some(2), cursor(4)), vec![2, 3], (true, true)),
        ("none", page(Some(0), None, None, None), vec![], (false, true)),
        ("beyond", page(Some(2), cursor(9), None, None), vec![], (true, false)),
        ("between", page(None, cursor(1), None, cursor(4)), vec![2, 3], (true, true)),
        ("crossed", page(None, cursor(4), None, cursor(2)), vec![], (true, true)),
    ];
    for (name, page, expected, (previous, next)) in cases {
        assert_eq!(page_of(&rows, page).expect(name), (expected, previous, next), "{name}");
    }
}

#[test]
fn a_wrong_page_is_refused_by_its_argument() {
    let cases = [
        ("first", ConnectionArgs { first: Some(-1), ..ConnectionArgs::default() }),
        ("first", ConnectionArgs { first: Some(1001), ..ConnectionArgs::default() }),
        ("last", ConnectionArgs { first: Some(1), last: Some(1), ..ConnectionArgs::default() }),
        ("after", ConnectionArgs { after: Some("x".to_owned()), ..ConnectionArgs::default() }),
        ("before", ConnectionArgs { before: Some(String::new()), ..ConnectionArgs::default() }),
    ];
    for (field, page) in cases {
        let error = page_of(&[1], page).expect_err(field);
        assert_eq!(error.fields[0].field, field);
    }
}

#[test]
fn a_cursor_of_another_order_is_refused() {
    let by_name = |row: &i32| ListCursor { sort_key: format!("name {row}"), row: *row };
    let after = |cursor: ListCursor| ConnectionArgs {
        after: Some(cursor.encode_cursor()),
        ..ConnectionArgs::default()
    };
    let rows = vec![1, 2, 3];
    let of_names = paginate(rows.clone(), after(by_name(&2)), by_name, |row| row).expect("its own cursor");
    assert_eq!(of_names.edges.len(), 1);
    let crossed = [
        paginate(rows.clone(), after(place(&2)), by_name, |row| row),
        paginate(rows, after(by_name(&2)), place, |row| row),
    ];
    for page in crossed {
        let Err(error) = page else { panic!("a cursor of another order was accepted") };
        assert_eq!(error.fields[0].field, "after");
    }
}

proptest! {
    #[test]
    fn pages_one_after_the_other_are_the_whole_list(
        names in proptest::collection::vec("[a-c ]{0,3}", 0..40), each in 1_i32..7,
    ) {
        let all: Vec<(String, i32)> = names.into_iter().zip(1..).collect();
        let place = |one: &(String, i32)| ListCursor { sort_key: one.0.clone(), row: one.1 };
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = ConnectionArgs { first: Some(each), after: after.clone(), ..ConnectionArgs::default() };
            let listed = paginate(all.clone(), page, place, |one| one.1).expect("a page");
            found.extend(listed.edges.iter().map(|edge| edge.node));
            prop_assert_eq!(listed.additional_fields.total_count as usize, all.len());
            if !listed.has_next_page {
                break;
            }
            after = listed.edges.last().map(|edge| edge.cursor.encode_cursor());
        }
        let mut expected: Vec<_> = all.iter().map(place).collect();
        expected.sort();
        prop_assert_eq!(found, expected.iter().map(|p| p.row).collect::<Vec<_>>());
    }

    #[test]
    fn any_cursor_is_read_without_a_panic(text in ".{0,20}", by in ".{0,10}", row in any::<i32>()) {
        let _ = (ListCursor::decode_cursor(&text), TimeCursor::decode_cursor(&text));
        let place = ListCursor { sort_key: by, row };
        prop_assert_eq!(ListCursor::decode_cursor(&place.encode_cursor()).expect("own"), place);
    }
}

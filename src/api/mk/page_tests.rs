//! Tests of pages.

use super::*;

const SORTABLE: &[&str] = &["createdAt", "name"];

fn request(text: &str) -> Option<PageRequest> {
    Query::parse(text).page(SORTABLE).ok()
}

fn row(number: u128, name: Option<&'static str>) -> (Uuid, Option<&'static str>) {
    (Uuid::from_u128(number), name)
}

#[test]
fn number_and_size_have_spring_s_defaults_and_bounds() {
    let rows = [
        ("", (0, 20)),
        ("page=3&size=50", (3, 50)),
        ("page=-1&size=0", (0, 20)),
        ("page=x&size=y", (0, 20)),
        ("page=1.5&size=-5", (0, 20)),
        ("size=1", (0, 1)),
        ("size=1000", (0, 1000)),
        ("size=1001", (0, 1000)),
        ("size=99999999999999999999", (0, 20)),
        ("page=9223372036854775807&size=1000", (i64::MAX as usize, 1000)),
    ];
    for (text, expected) in rows {
        let found = request(text).unwrap();
        assert_eq!((found.number, found.size), expected, "{text}");
    }
    assert_eq!(request("page=9223372036854775807&size=1000").unwrap().offset(), usize::MAX);
}

#[test]
fn only_properties_of_the_resource_are_sorted_by() {
    let order = |property, is_descending| SortOrder { property, is_descending };
    let rows = [
        ("", Some(vec![order("createdAt", true)])),
        ("sort=", Some(vec![order("createdAt", true)])),
        ("sort=name", Some(vec![order("name", false)])),
        ("sort=name,DESC&sort=createdAt,asc", Some(vec![order("name", true), order("createdAt", false)])),
        ("sort=secret", None),
        ("sort=name,up", None),
        ("sort=Name", None),
        ("sort=name,asc,desc", None),
    ];
    for (text, expected) in rows {
        assert_eq!(request(text).map(|found| found.sort), expected, "{text}");
    }
}

#[test]
fn plain_fields_are_compared_by_their_type() {
    let json = ShownValue::Json;
    for (shown, expected) in [
        (json("b".into()), SortKey::Text("b".to_owned())),
        (ShownValue::Word("high"), SortKey::Text("high".to_owned())),
        (json(7_i64.into()), SortKey::Whole(7)),
        (json(true.into()), SortKey::Whole(1)),
        (json(0.5_f64.into()), SortKey::Null),
        (json(Value::Null), SortKey::Null),
        (ShownValue::List(vec![json("a".into())]), SortKey::Null),
    ] {
        assert_eq!(SortKey::from(shown.clone()), expected, "{shown:?}");
    }
}

#[test]
fn a_page_is_cut_out_of_the_sorted_rows_and_ties_are_decided_by_id() {
    let all = vec![row(3, Some("b")), row(1, Some("b")), row(4, None), row(2, Some("a"))];
    let names = |text: &str| {
        let page = request(text).unwrap().of(all.clone(), |row, _| row.1.into(), |row| row.0);
        let ids: Vec<_> = page.content.iter().map(|row| row.0.as_u128()).collect();
        (ids, page.page.number, page.page.total_elements, page.page.total_pages)
    };
    assert_eq!(names("sort=name"), (vec![4, 2, 1, 3], 0, 4, 1));
    assert_eq!(names("sort=name,desc"), (vec![1, 3, 2, 4], 0, 4, 1));
    assert_eq!(names("sort=name&size=3&page=1"), (vec![3], 1, 4, 2));
    assert_eq!(names("sort=name&size=3&page=2"), (vec![], 2, 4, 2));
    let nothing = request("").unwrap().of(Vec::<(Uuid, ())>::new(), |_, _| SortKey::Null, |row| row.0);
    assert_eq!((nothing.page.total_elements, nothing.page.total_pages), (0, 0));
}

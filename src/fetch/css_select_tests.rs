//! Tests of CSS selection, including malicious pages and selectors.

use proptest::prelude::*;

use super::*;

const PAGE: &str = "<!doctype html><title>Oven</title><body>
    <p id=price data-value=12.5> 12.50 <b>EUR</b> </p>
    <ul><li class='t hot'>210</li><li class=t>  </li><li class=t data-value='x'>190</li></ul>
    <table><tr><td>a</td><td>b";

fn wanted(selector: &str, attr: Option<&str>) -> ElementQuery {
    ElementQuery { selector: selector.to_owned(), attr: attr.map(str::to_owned) }
}

#[test]
fn elements_are_found_in_order() {
    let rows: [(&str, Option<&str>, &[&str]); 11] = [
        ("#price", None, &["12.50 EUR"]),
        ("#price", Some("data-value"), &["12.5"]),
        (".t", None, &["210", "", "190"]),
        (".t", Some("data-value"), &["x"]),
        ("li.hot, title", None, &["Oven", "210"]),
        ("ul > li:nth-child(3)", None, &["190"]),
        ("td", None, &["a", "b"]),
        ("[data-value]", Some("DATA-VALUE"), &[]),
        ("video", None, &[]),
        ("ul:has(.hot) li:not(.hot)", None, &["", "190"]),
        ("li", Some("class"), &["t hot", "t", "t"]),
    ];
    for (selector, attr, expected) in rows {
        assert_eq!(select_elements(PAGE, &wanted(selector, attr)).unwrap(), expected, "{selector}");
    }
}

#[test]
fn a_wrong_selector_is_told_before_anything_is_fetched() {
    let nested = format!("{}a{}", ":not(".repeat(80), ")".repeat(80));
    let long = "a,".repeat(250) + "a";
    for selector in ["", "##", "a[", "a:hover(", "a::before", ">", "a,,b", &long] {
        let wanted = wanted(selector, None);
        assert_eq!(wanted.problems(), [invalid_selector()], "{selector:.20}");
        assert!(select_elements(PAGE, &wanted).is_err());
    }
    // Deep but short enough: valid or not, it must not crash.
    drop(select_elements(PAGE, &wanted(&nested, None)));
    assert_eq!(wanted("a", Some(&"x".repeat(101))).problems().len(), 1);
}

/// Without limits, each of these would take seconds or gigabytes.
#[test]
fn pages_that_mean_harm_end() {
    let deep = "<div>".repeat(200_000);
    let formatting = "<b><i><u><a>".repeat(50_000) + &"<p></b></i></u></a>".repeat(20_000);
    let tables = "<table><tr><td>".repeat(60_000);
    let nested = format!("{}{}", "<div>x".repeat(400), "y".repeat(10_000));
    let many = "<i>x</i>".repeat(40_000);
    let attributes = format!("<p {}>", (0..60_000).map(|n| format!("a{n} ")).collect::<String>());
    for (name, page, selector) in [
        ("deep", &deep, "div"),
        ("deep_and_searched_below", &"<svg><desc>".repeat(10_000), ":not(p, :has(#t))"),
        ("formatting", &formatting, "*"),
        ("tables", &tables, "td"),
        ("every_text_again_and_again", &nested, "*"),
        ("many_results", &many, "i"),
        ("many_attributes", &attributes, "p"),
        ("costly_selector", &many, "* * * ~ i:nth-last-child(odd):has(~ i ~ i ~ b)"),
    ] {
        // Whichever limit applies first, if any: the search ends, and an error is not our fault.
        if let Err(error) = select_elements(page, &wanted(selector, None)) {
            assert!(!error.kind.is_our_fault(), "{name}: {error}");
        }
    }
    let too_much = |page: &str, selector: &str, attr| {
        select_elements(page, &wanted(selector, attr)).expect_err("too much")
    };
    assert_eq!(too_much(&many, "i", None).kind, Kind::Invalid, "too many results");
    let long = format!("<p class='{}'>", "x".repeat(MAX_RESULT_BYTES + 1));
    assert_eq!(too_much(&long, "p", Some("class")).kind, Kind::Invalid, "too long a result");
}

/// Matching recurses with the depth of a page: 5,000 elements within one another overflowed a stack of 2 MiB.
#[test]
fn deep_pages_are_refused() {
    let found =
        |depth: usize| select_elements(&("<b>".repeat(depth) + "x"), &wanted("body > b:has(b)", None));
    assert_eq!(found(500).unwrap(), ["x"]);
    let error = found(600).unwrap_err();
    assert_eq!(
        (error.kind, error.message.as_str()),
        (Kind::DeviceFault, "The page is nested too deeply to be searched.")
    );
}

proptest! {
    #[test]
    fn no_page_and_no_selector_panics(
        page in "(<[a-z/!]{0,9}( [a-z]{1,3}=['\"]?[a-z<>]{0,4})?>?|[a-z &;<>\u{0}é]){0,60}",
        selector in "[a-z#.:>~+*()\\[\\]=\"' ,-]{0,40}",
        attr in prop::option::of("[a-z]{0,3}"),
    ) {
        if let Err(error) = select_elements(&page, &wanted(&selector, attr.as_deref())) {
            prop_assert!(!error.kind.is_our_fault());
        }
    }
}

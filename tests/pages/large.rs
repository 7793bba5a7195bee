//! Every page over a plant of thousands of streams: how much of it is in the document, what it asks for, and how it looks in German.

use serde_json::{Value, json};

use super::{AXE, PASSWORD, check_manners, plant_url};
use crate::support::{Server, has_turn, run_python};

const STREAMS: usize = 2100;
const DEVICES: usize = 300;
const EVENTS: usize = 300;

/// Rows of tables in the document: what is in view and some beside it, and where a page is a list of a hundred, that.
const MOST_ROWS: u64 = 120;
/// Rows of the page whose values change all the time.
const MOST_LIVE_ROWS: u64 = 60;
/// Elements of the document, the largest lists and the tree of all devices beside live values included.
const MOST_ELEMENTS: u64 = 3000;
/// A page asks for the program, its own part, and a few things of the server.
const MOST_REQUESTS: u64 = 40;
/// The overview also asks for the values that it shows.
const MOST_REQUESTS_OF_OVERVIEW: u64 = 50;

#[tokio::test]
async fn every_page_of_a_large_plant_shows_its_content_and_only_a_part_of_it() {
    if !has_turn("pages", 0, 3) {
        return;
    }
    let backups = tempfile::tempdir().unwrap();
    let server = Server::start(&[("BASALT_BACKUP__DIR", backups.path().to_str().unwrap())]).await;
    server.create_user("ann", &["--superuser"]).await;
    let counts = [STREAMS, DEVICES, EVENTS].map(|n| n.to_string());
    let mut args = vec![server.url.as_str(), "ann", PASSWORD, server.key.as_str()];
    args.extend(counts.iter().map(String::as_str));
    args.push(AXE);
    let seen = run_python("browse_large.py", &args).await;

    check_manners(&plant_url(&server), &seen);
    assert_eq!(seen["findings"], json!([]), "what axe found");
    assert_eq!(seen["wide"], json!([]), "no page scrolls sideways");
    let pages = seen["pages"].as_object().unwrap();
    assert!(pages.len() >= 27, "{:?}", pages.keys());
    for (name, page) in pages {
        check_page(name, page);
    }
}

/// Checks that a page is bounded, whatever the plant has.
fn check_page(name: &str, page: &Value) {
    let of = |member: &str| page[member].as_u64().unwrap_or_else(|| panic!("{name} has no {member}: {page}"));
    let most_rows = if name == "live" { MOST_LIVE_ROWS } else { MOST_ROWS };
    assert!(of("rows") <= most_rows, "{name}: {page}");
    assert!(of("elements") <= MOST_ELEMENTS, "{name}: {page}");
    let most_requests = if name == "overview" { MOST_REQUESTS_OF_OVERVIEW } else { MOST_REQUESTS };
    assert!(of("requests") <= most_requests, "{name}: {page}");
    assert!(of("kilobytes") <= most_kilobytes(name), "{name}: {page}");
    assert_eq!(page["error"], json!([]), "{name} shows an error");
    assert_eq!(page["focus"], json!([]), "{name}: the keyboard is seen everywhere");
    assert_eq!(page["moves"], 0, "{name}: nothing moves for those who want less of it");
    assert_eq!(page["language"], "de", "{name}");
}

/// Most kB that the browser reads, its own program of some 300 included. Some pages know all streams by their names, and a
/// picture has as many buckets as it has pixels.
fn most_kilobytes(name: &str) -> u64 {
    match name {
        "live" | "a board is edited" | "import" | "export" | "rules" | "trend of a day, 8 streams" => 2500,
        _ => 1000,
    }
}

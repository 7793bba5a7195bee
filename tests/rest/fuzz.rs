//! The answers are as the document says, whatever is sent: schemathesis sends what it allows and what it forbids.

use crate::support::{Server, python};

use super::hamachi::Fake;

#[tokio::test]
async fn every_answer_is_as_the_document_says() {
    let hamachi = Fake::new();
    let server = Server::start(&[("BASALT_HAMACHI__COMMAND", &hamachi.command())]).await;
    let (_, _, document) = server.client().get("/api/schema/").await;
    let paths = document["paths"].as_object().unwrap();
    let operations: usize = paths.values().map(|item| item.as_object().unwrap().len()).sum();
    let report = python("fuzz_rest.py", &["--url", &server.url, "--key", &server.key]).await;
    println!("{report}");
    assert_eq!(report["operations"], operations, "{report}");
    assert!(report["cases"].as_u64().unwrap() > 1000, "{report}");
    assert!(!server.log().contains("ERROR"), "{}", server.log());
}

//! A thousand uploads that are wrong, eight at a time.

use std::path::Path;

use futures::{StreamExt, stream};

use super::malformed::{self, MARKER, MalformedCase};
use super::{UploadForm, counts, model, scaler};
use crate::rest::stream_of;
use crate::support::{Client, Server};

/// Uploads that are under way at once.
const CONCURRENT_ATTEMPTS: usize = 8;

/// Uploads a case; whether it was taken. What was taken is deleted again.
async fn attempt(client: &Client, source: i64, case: MalformedCase) -> bool {
    let MalformedCase { name, model, scaler, must_refuse } = case;
    let form = UploadForm::for_source(source).text("name", &name);
    let form = form.file("model", "motor.tflite", model).file("scaler", "motor.joblib", scaler);
    let (status, answer) = form.send(client).await.outcome();
    if status != 201 {
        assert!((400..500).contains(&status) && answer.is_object(), "{name}: {status} {answer}");
        return false;
    }
    assert!(!must_refuse, "{name} was taken: {answer}");
    client.delete(&format!("/api/device/{}/", answer["device"]["id"])).await.about(&name).expect(204);
    true
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_malformed_uploads_run_nothing_and_leave_nothing() {
    // One of a run before says nothing of this one.
    let _ = std::fs::remove_file(MARKER);
    let (server, client) = Server::with_client(&[]).await;
    let (_, source) = stream_of(&client, "pump", "fp64").await;
    let cases = malformed::cases(&model(), &scaler());
    let attempts = cases.into_iter().map(|case| attempt(&client, source, case));
    let taken: Vec<bool> = stream::iter(attempts).buffer_unordered(CONCURRENT_ATTEMPTS).collect().await;
    assert_eq!(taken.len(), malformed::CASES);
    assert!(taken.contains(&false), "some were refused");

    assert!(!Path::new(MARKER).exists(), "a pickle was run");
    assert!(!server.log().contains("panicked"), "{}", server.log());
    assert_eq!(counts(&client).await, [1, 1, 0], "a refused upload left something");
    client.get("/healthz/").await.ok();
    UploadForm::for_source(source).upload(&client).await;
}

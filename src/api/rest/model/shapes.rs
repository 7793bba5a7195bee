//! How the routes of models and their fields are described.

use serde_json::Value;
use utoipa::openapi::Schema;

use super::{
    calibrate, destroy, list, model_file, retrieve, rollback, scaler_file, score, update, versions, window,
};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::shape::{self, Field, Shape, optional, possible, required, shown};
use crate::api::rest::gate::Right;
use crate::app::ai::ModelState;
use crate::domain::Resource;
use crate::domain::model::{ModelKind, ScoreKind};

/// What everything here but a window needs.
const RIGHT: Right = Right::Scope(Resource::System);

pub fn section() -> Section {
    Section {
        name: "AI models",
        about: "Models that look for anomalies, what they are doing, and their versions.",
        routes: [of_models(), of_versions(), of_scores()].into_iter().flatten().collect(),
        schemas: schemas(),
    }
}

fn one() -> Shape {
    shape::named("Model")
}

fn of_models() -> Vec<Route> {
    let list_doc = Doc::new("model_list", "Models").answers(200, "Those the caller sees", shape::list(one()));
    let update_doc =
        Doc::new("model_update", "Changes the fields that are given").body(shape::named("ModelChange"));
    let destroy_doc =
        Doc::new("model_delete", "Deletes it with its versions; its data and the scores there stay");
    vec![
        Route::gated("/api/ai/model", RIGHT).get(list, list_doc),
        Route::gated("/api/ai/model/{id}", RIGHT)
            .get(retrieve, Doc::new("model_get", "One model").answers(200, "It", one()))
            .patch(update, update_doc.answers(200, "As stored", one()))
            .delete(destroy, destroy_doc.answers_nothing("It is gone")),
    ]
}

fn of_versions() -> Vec<Route> {
    let versions_doc = Doc::new("model_versions", "The versions that are kept, the newest first");
    let file = |id, what| {
        Doc::new(id, what).answers_as("application/octet-stream", 200, "As it was uploaded", shape::file())
    };
    let rollback_doc = Doc::new("model_rollback", "Makes an older version current again")
        .about("The one named, or the newest before the current one; with its settings, threshold included.")
        .body_if_any(shape::named("Rollback"));
    vec![
        Route::gated("/api/ai/model/{id}/versions", RIGHT)
            .get(versions, versions_doc.answers(200, "Them", shape::list(shape::named("ModelVersion")))),
        Route::gated("/api/ai/model/{id}/versions/{number}/model.tflite", RIGHT)
            .get(model_file, file("model_file", "The model of a version")),
        Route::gated("/api/ai/model/{id}/versions/{number}/scaler", RIGHT)
            .get(scaler_file, file("model_scaler", "The scaler of a version")),
        Route::gated("/api/ai/model/{id}/rollback", RIGHT)
            .post(rollback, rollback_doc.answers(200, "As stored", one())),
    ]
}

fn of_scores() -> Vec<Route> {
    let calibrate_doc = Doc::new("model_calibrate", "Sets the threshold from a healthy range")
        .about("It becomes that percentile of the scores of all windows that end in the range, both ends included.")
        .body(shape::named("Calibrate"));
    let score_doc = Doc::new("model_score", "Scores a range of history")
        .about(
            "A job: `Location` says where it is. Scores are written as live ones are, and unless `events` is false so are \
             events.",
        )
        .refuses(429)
        .body(shape::named("ScoredRange"));
    let window_doc = Doc::new("model_window", "One window as the model sees it, and what it makes of it")
        .query("at", shape::time_given(), "The newest window that ends there or before; now unless said.");
    vec![
        Route::gated("/api/ai/model/{id}/calibrate", RIGHT)
            .post(calibrate, calibrate_doc.answers(200, "The threshold", shape::named("Calibrated"))),
        Route::gated("/api/ai/model/{id}/score", RIGHT)
            .post(score, score_doc.answers(202, "The job", shape::named("Job"))),
        // What it shows are values.
        Route::gated("/api/ai/model/{id}/window", Right::Scope(Resource::Value))
            .get(window, window_doc.answers(200, "It", shape::named("JudgedWindow"))),
    ]
}

fn schemas() -> Vec<(&'static str, Schema)> {
    let percentile = optional("percentile", shape::number_within(0.0, 100.0), 99.5);
    let calibrated = [shown("threshold", shape::number()), shown("windows", shape::count())];
    vec![
        ("Model", shape::view(&described())),
        ("ModelChange", shape::patch(&described_change())),
        ("ModelVersion", shape::view(&described_version())),
        ("Rollback", shape::body(&[possible("version", shape::integer(1, i64::from(i32::MAX)))])),
        ("Calibrate", shape::body(&described_range(percentile))),
        ("Calibrated", shape::answer(&calibrated)),
        ("ScoredRange", shape::body(&described_range(optional("events", shape::boolean(), true)))),
        ("JudgedWindow", shape::answer(&described_window())),
    ]
}

/// How a file of a version is described.
pub fn file_shape() -> Shape {
    let fields =
        [shown("file", shape::words()), shown("size", shape::count()), shown("sha256", shape::words())];
    shape::view(&fields).into()
}

fn described_settings() -> Vec<Field> {
    vec![
        shown("sources", shape::list(shape::row())),
        shown("model_type", shape::choice(ModelKind::ALL.map(ModelKind::name))),
        shown("threshold", shape::or_null(shape::number())),
        shown("interval", shape::number()),
        shown("score", shape::choice(ScoreKind::ALL.map(ScoreKind::name))),
        shown("output", shape::or_null(shape::count())),
        shown("clear_ratio", shape::number()),
        shown("min_windows", shape::count()),
        shown("model", file_shape()),
        shown("scaler", file_shape()),
        shown("created_at", shape::time()),
    ]
}

fn described() -> Vec<Field> {
    let own = vec![
        shown("id", shape::row()),
        shown("device", shape::row()),
        shown("data", shape::row()),
        shown("enabled", shape::boolean()),
        shown("version", shape::integer(1, i64::from(i32::MAX))),
        shown("updated_at", shape::time()),
        shown("status", shape::view(&described_status()).into()),
    ];
    own.into_iter().chain(described_settings()).collect()
}

fn described_version() -> Vec<Field> {
    let number = shown("version", shape::integer(1, i64::from(i32::MAX)));
    [number].into_iter().chain(described_settings()).collect()
}

fn described_status() -> Vec<Field> {
    vec![
        shown("state", shape::choice(ModelState::ALL.map(ModelState::name))),
        shown("position", shape::or_null(shape::time())),
        shown("lag_s", shape::or_null(shape::number())),
        shown("windows", shape::count()),
        shown("gaps", shape::count()),
        shown("late", shape::count()),
        shown("behind", shape::count()),
        shown("last_score", shape::or_null(shape::number())),
        shown("is_anomalous", shape::boolean()),
        shown("last_error", shape::or_null(shape::words())),
    ]
}

fn described_change() -> Vec<Field> {
    vec![
        optional("enabled", shape::boolean(), true),
        optional("threshold", shape::or_null(shape::number_within(0.0, f64::MAX)), Value::Null),
        optional("clear_ratio", shape::number_within(0.01, 1.0), 0.9),
        optional("min_windows", shape::integer(1, 10_000), 1),
    ]
}

fn described_range(more: Field) -> Vec<Field> {
    vec![required("from", shape::time_given()), required("to", shape::time_given()), more]
}

fn described_window() -> Vec<Field> {
    let rows = || shape::list(shape::list(shape::number()));
    vec![
        shown("from", shape::time()),
        shown("to", shape::time()),
        shown("score", shape::number()),
        shown("sources", shape::list(shape::row())),
        shown("timestamps", shape::list(shape::time())),
        shown("input", rows()),
        shown("reconstruction", rows()),
    ]
}

//! Routes of `/api/ai/model/` with their OpenAPI descriptions and schemas.

use serde_json::Value;
use utoipa::openapi::Schema;

use super::reconstruction::{self, reconstruction};
use super::{
    calibrate, destroy, list, model_file, retrieve, rollback, scaler_file, score, update, versions, window,
};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::schema::{self, FieldSchema, ValueSchema, omittable, optional, read_only, required};
use crate::api::rest::precheck::RequiredAccess;
use crate::app::ai::ModelState;
use crate::domain::Resource;
use crate::domain::model::{ModelKind, ScoreKind};

/// Access required by every route here except those of windows.
const REQUIRED_ACCESS: RequiredAccess = RequiredAccess::Scope(Resource::System);

/// Routes, documentation and schemas of models.
pub fn section() -> Section {
    Section {
        name: "AI models",
        about: "Anomaly detection models, their state and their versions.",
        routes: [model_routes(), version_routes(), score_routes()].into_iter().flatten().collect(),
        schemas: schemas(),
    }
}

fn model_schema() -> ValueSchema {
    schema::reference("Model")
}

fn model_routes() -> Vec<Route> {
    let list_doc = Doc::new("model_list", "List models").answers(
        200,
        "The models visible to the caller",
        schema::list(model_schema()),
    );
    let update_doc =
        Doc::new("model_update", "Change the given fields of a model").body(schema::reference("ModelChange"));
    let destroy_doc =
        Doc::new("model_delete", "Delete a model with its versions; its data stream and scores stay");
    vec![
        Route::gated("/api/ai/model", REQUIRED_ACCESS).get(list, list_doc),
        Route::gated("/api/ai/model/{id}", REQUIRED_ACCESS)
            .get(
                retrieve,
                Doc::new("model_get", "Get a model").answers(200, "The requested model", model_schema()),
            )
            .patch(update, update_doc.answers(200, "The changed model", model_schema()))
            .delete(destroy, destroy_doc.answers_nothing("The model was deleted")),
    ]
}

fn version_routes() -> Vec<Route> {
    let versions_doc = Doc::new("model_versions", "List the stored versions of a model, newest first");
    let file = |id, what| {
        Doc::new(id, what).answers_as("application/octet-stream", 200, "The file as uploaded", schema::file())
    };
    let rollback_doc = Doc::new("model_rollback", "Make an older version of a model current again")
        .about("Restores the given version, or the newest one before the current, with its settings and threshold.")
        .body_if_any(schema::reference("Rollback"));
    vec![
        Route::gated("/api/ai/model/{id}/versions", REQUIRED_ACCESS).get(
            versions,
            versions_doc.answers(200, "The versions", schema::list(schema::reference("ModelVersion"))),
        ),
        Route::gated("/api/ai/model/{id}/versions/{number}/model.tflite", REQUIRED_ACCESS)
            .get(model_file, file("model_file", "Get the model file of a version")),
        Route::gated("/api/ai/model/{id}/versions/{number}/scaler", REQUIRED_ACCESS)
            .get(scaler_file, file("model_scaler", "Get the scaler file of a version")),
        Route::gated("/api/ai/model/{id}/rollback", REQUIRED_ACCESS)
            .post(rollback, rollback_doc.answers(200, "The model with the restored version", model_schema())),
    ]
}

fn score_routes() -> Vec<Route> {
    let calibrate_doc = Doc::new("model_calibrate", "Set the threshold of a model from a healthy time range")
        .about(
            "The threshold becomes the given percentile of the scores of all windows that end in the range.",
        )
        .query(
            "dry_run",
            schema::boolean(),
            "With true nothing is set: the answer says what the threshold would be.",
        )
        .body(schema::reference("Calibrate"));
    let score_doc = Doc::new("model_score", "Score a time range of stored values")
        .about(
            "Starts a job, whose path is in `Location`. Scores are written as in live operation, and so are events \
             unless `events` is false.",
        )
        .refuses(429)
        .body(schema::reference("ScoredRange"));
    let window_doc = Doc::new("model_window", "Get one input window of a model and its score").query(
        "at",
        schema::time_input(),
        "Selects the newest window that ends at or before this time; now by default.",
    );
    vec![
        Route::gated("/api/ai/model/{id}/calibrate", REQUIRED_ACCESS).post(
            calibrate,
            calibrate_doc.answers(
                200,
                "The new threshold, or what it would be",
                schema::any_of(["Calibrated", "CalibrationPreview"].map(schema::reference)),
            ),
        ),
        Route::gated("/api/ai/model/{id}/score", REQUIRED_ACCESS)
            .post(score, score_doc.answers(202, "The job", schema::reference("Job"))),
        // A window contains values.
        Route::gated("/api/ai/model/{id}/window", RequiredAccess::Scope(Resource::Value)).get(
            window,
            window_doc.answers(200, "The window and its score", schema::reference("JudgedWindow")),
        ),
        Route::gated("/api/ai/model/{id}/reconstruction", RequiredAccess::Scope(Resource::Value))
            .get(reconstruction, reconstruction::doc()),
    ]
}

fn schemas() -> Vec<(&'static str, Schema)> {
    let percentile = optional("percentile", schema::number_within(0.0, 100.0), 99.5);
    let calibrated = [read_only("threshold", schema::number()), read_only("windows", schema::count())];
    vec![
        ("Model", schema::view(&described())),
        ("ModelChange", schema::patch(&described_change())),
        ("ModelVersion", schema::view(&described_version())),
        ("Rollback", schema::body(&[omittable("version", schema::integer(1, i64::from(i32::MAX)))])),
        ("Calibrate", schema::body(&described_range(percentile))),
        ("Calibrated", schema::object(&calibrated)),
        ("CalibrationPreview", schema::object(&described_preview())),
        ("ScoredRange", schema::body(&described_range(optional("events", schema::boolean(), true)))),
        ("JudgedWindow", schema::object(&described_window())),
        ("Reconstruction", schema::view(&reconstruction::described())),
    ]
}

/// Schema of a file of a version.
pub fn file_schema() -> ValueSchema {
    let fields = [
        read_only("file", schema::string()),
        read_only("size", schema::count()),
        read_only("sha256", schema::string()),
    ];
    schema::view(&fields).into()
}

fn described_settings() -> Vec<FieldSchema> {
    vec![
        read_only("sources", schema::list(schema::row_id())),
        read_only("model_type", schema::choice_of::<ModelKind>()),
        read_only("threshold", schema::nullable(schema::number())),
        read_only("interval", schema::number()),
        read_only("score", schema::choice_of::<ScoreKind>()),
        read_only("output", schema::nullable(schema::count())),
        read_only("clear_ratio", schema::number()),
        read_only("min_windows", schema::count()),
        read_only("model", file_schema()),
        read_only("scaler", file_schema()),
        read_only("created_at", schema::time()),
    ]
}

fn described() -> Vec<FieldSchema> {
    let own = vec![
        read_only("id", schema::row_id()),
        read_only("device", schema::row_id()),
        read_only("data", schema::row_id()),
        read_only("enabled", schema::boolean()),
        read_only("version", schema::integer(1, i64::from(i32::MAX))),
        read_only("updated_at", schema::time()),
        read_only("status", schema::view(&described_status()).into()),
    ];
    own.into_iter().chain(described_settings()).collect()
}

fn described_version() -> Vec<FieldSchema> {
    let number = read_only("version", schema::integer(1, i64::from(i32::MAX)));
    [number].into_iter().chain(described_settings()).collect()
}

fn described_status() -> Vec<FieldSchema> {
    vec![
        read_only("state", schema::choice_of::<ModelState>()),
        read_only("position", schema::nullable(schema::time())),
        read_only("lag_s", schema::nullable(schema::number())),
        read_only("windows", schema::count()),
        read_only("gaps", schema::count()),
        read_only("late", schema::count()),
        read_only("behind", schema::count()),
        read_only("last_score", schema::nullable(schema::number())),
        read_only("is_anomalous", schema::boolean()),
        read_only("last_error", schema::nullable(schema::string())),
    ]
}

fn described_change() -> Vec<FieldSchema> {
    vec![
        optional("enabled", schema::boolean(), true),
        optional("threshold", schema::nullable(schema::number_within(0.0, f64::MAX)), Value::Null),
        optional("clear_ratio", schema::number_within(0.01, 1.0), 0.9),
        optional("min_windows", schema::integer(1, 10_000), 1),
    ]
}

fn described_range(more: FieldSchema) -> Vec<FieldSchema> {
    vec![required("from", schema::time_input()), required("to", schema::time_input()), more]
}

fn described_window() -> Vec<FieldSchema> {
    let rows = || schema::list(schema::list(schema::number()));
    vec![
        read_only("from", schema::time()),
        read_only("to", schema::time()),
        read_only("score", schema::number()),
        read_only("sources", schema::list(schema::row_id())),
        read_only("timestamps", schema::list(schema::time())),
        read_only("input", rows()),
        read_only("reconstruction", rows()),
    ]
}

fn described_preview() -> Vec<FieldSchema> {
    let bin = [
        read_only("from", schema::number()),
        read_only("to", schema::number()),
        read_only("count", schema::count()),
    ];
    vec![
        read_only("threshold", schema::number()),
        read_only("windows", schema::count()),
        read_only("events", schema::count()),
        read_only("histogram", schema::list(schema::view(&bin).into())),
    ]
}

//! Jobs: requests about those of others, and who sees whose in lists and in SQL.

use basalt::domain::job::{ImportUnit, ImportedFile, JobFilter, JobKind, JobSubject};
use basalt::domain::{DeviceId, ModelId, Principal};
use serde_json::{Value, json};

use super::fixture::{IsolationFixture, SECRET};
use super::requests::Request;
use crate::support::{Client, rows};

/// Number of the newest job of an organization, which is that of the export made last.
pub async fn newest(world: &IsolationFixture, who: &Principal) -> String {
    let jobs = world.env.catalog.jobs.jobs(who, &JobFilter::default()).await.unwrap();
    jobs[0].id.to_string()
}

/// Requests about a job, by placeholders.
pub fn requests() -> Vec<Request> {
    let graphql = |query: &str| json!({ "query": query }).to_string();
    let sql = "SELECT state FROM jobs WHERE id = {job} OR export = '{export}' OR device_id = {device}";
    rows![
        "GET", "/api/job/{job}/", String::new();
        "PATCH", "/api/job/{job}/", json!({"progress": 0.5}).to_string();
        "POST", "/graphql", graphql("{ job(rowId: {job}) { state error requestedBy } }");
        "POST", "/graphql", graphql("mutation { cancelJob(rowId: {job}) { deletedRowId errors { code } } }");
        "POST", "/sql", graphql(sql);
        "DELETE", "/api/job/{job}/", String::new();
    ]
    .map(|(method, path, body)| Request { method, path, body })
    .into()
}

/// A job of a model of the device, and an import of the organization.
async fn plant(world: &IsolationFixture, who: &Principal, device: DeviceId, word: &str) {
    let catalog = &world.env.catalog;
    let subject = JobSubject::Model { model: ModelId(1), device };
    catalog.jobs.create_job(who, JobKind::Score, subject).await.unwrap();
    let file = ImportedFile { name: format!("{word}.csv"), size: None, unit: ImportUnit::Rows };
    catalog.jobs.create_job(who, JobKind::Import, JobSubject::Import(file)).await.unwrap();
}

async fn in_rest(client: &Client) -> Vec<Value> {
    let jobs = client.get("/api/job/").await.ok();
    jobs.as_array().unwrap().iter().map(|job| json!([job["kind"], job["name"]])).collect()
}

async fn in_sql(client: &Client) -> Vec<Value> {
    let rows = client.sql("SELECT kind, name FROM jobs ORDER BY id DESC").await;
    rows.iter().map(|job| json!([job["kind"], job["name"]])).collect()
}

async fn in_graph(client: &Client) -> Vec<Value> {
    let query = json!({"query": "{ jobs { totalCount edges { node { kind name } } } }"});
    let answer = client.post("/graphql", &query).await.body;
    let jobs = &answer["data"]["jobs"];
    let edges = jobs["edges"].as_array().unwrap_or_else(|| panic!("{answer}"));
    assert_eq!(jobs["totalCount"], edges.len(), "{answer}");
    edges.iter().map(|edge| json!([edge["node"]["kind"], edge["node"]["name"]])).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_are_seen_with_their_subject() {
    let world = IsolationFixture::new().await;
    let owner = world.env.owner.clone();
    plant(&world, &owner, world.own_device, "own").await;
    for (streams, who) in world.others() {
        let device = world.env.catalog.streams.stream(&who, streams[0]).unwrap().spec.device;
        plant(&world, &who, device, SECRET).await;
    }
    let (score, own, hidden) =
        (json!(["score", null]), json!(["import", "own.csv"]), json!(["import", "zebra.csv"]));
    let [(_, by_device), (_, by_stream)] = world.restricted().await;
    let whole = vec![hidden.clone(), score.clone(), own, score.clone()];
    let rows = [
        ("whole", world.key(&[], &[], &[]).await, whole),
        ("device", by_device, vec![score.clone()]),
        ("stream", by_stream, vec![score.clone()]),
        ("foreign", world.foreign_key().await, vec![hidden, score]),
    ];
    for (name, client, expected) in rows {
        assert_eq!(in_rest(&client).await, expected, "{name}");
        assert_eq!(in_sql(&client).await, expected, "{name}");
        assert_eq!(in_graph(&client).await, expected, "{name}");
    }
    let values = world.key(&["value:read"], &[], &[]).await;
    assert_eq!(in_rest(&values).await, Vec::<Value>::new(), "those of models need system:read");
}

//! Backups over HTTP: started, listed and verified as jobs, and by nobody but the owner of the machine.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Client, Server, eventually};

const BACKUPS: &str = "/api/backup/";

/// Waits for the end of a job; the job.
async fn ended(client: &Client, answer: &Value) -> Value {
    let path = format!("/api/job/{}/", answer["id"]);
    eventually("the end of the job", Duration::from_secs(30), || async {
        let (_, _, job) = client.get(&path).await;
        ["done", "failed", "cancelled"].iter().any(|state| job["state"] == *state).then_some(job)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_written_listed_and_verified() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("backups");
    let server = Server::start(&[("BASALT_BACKUP__DIR", dir.to_str().unwrap())]).await;
    let client = server.client();
    let (status, _, list) = client.get(BACKUPS).await;
    assert_eq!((status, list), (200, json!({"directory": dir, "backups": []})));

    let (status, headers, job) = client.post(BACKUPS, &json!({})).await;
    assert_eq!((status, &job["kind"]), (202, &json!("backup")), "{job}");
    assert_eq!(headers["location"], format!("/api/job/{}/", job["id"]));
    let done = ended(&client, &job).await;
    assert_eq!(done["state"], "done", "{done}");
    let name = done["result"]["name"].as_str().expect("a name").to_owned();
    assert!(dir.join(&name).join("backup.json").is_file());
    let (_, _, list) = client.get(BACKUPS).await;
    assert_eq!(list["backups"][0]["name"], name.as_str(), "{list}");
    assert_eq!(list["backups"][0]["bytes"], done["result"]["bytes"], "{list}");

    let verify = format!("{BACKUPS}{name}/verify/");
    let (status, _, job) = client.post(&verify, &json!({})).await;
    assert_eq!((status, &job["kind"], &job["name"]), (202, &json!("verify_backup"), &json!(name)));
    assert_eq!(ended(&client, &job).await["state"], "done");

    let catalog = dir.join(&name).join("catalog.sqlite");
    let mut bytes = std::fs::read(&catalog).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&catalog, bytes).unwrap();
    let query = json!({"query": format!("mutation {{ verifyBackup(name: \"{name}\") {{ job {{ rowId }} errors {{ message }} }} }}")});
    let (_, _, answer) = client.post("/graphql", &query).await;
    let job = json!({"id": answer["data"]["verifyBackup"]["job"]["rowId"]});
    let failed = ended(&client, &job).await;
    assert_eq!(failed["state"], "failed", "{answer}");
    assert!(failed["error"].as_str().is_some_and(|error| error.contains("SHA-256")), "{failed}");

    for other in ["nothing", "..", "%2e%2e%2fbackups", "a%2fb"] {
        let (status, _, answer) = client.post(&format!("{BACKUPS}{other}/verify/"), &json!({})).await;
        assert_eq!(status, 404, "{other}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn backups_need_a_place_and_the_right_to_the_machine() {
    let server = Server::start(&[]).await;
    let client = server.client();
    for (method, path) in [("GET", BACKUPS), ("POST", BACKUPS)] {
        let (status, _, answer) = client.send(method, path, &[], "").await;
        assert_eq!(status, 409, "{answer}");
        assert!(answer["detail"].as_str().is_some_and(|detail| detail.contains("`backup.dir`")), "{answer}");
    }
    let reader = client.with_key(&server.create_key(&["--scope", "system:read"]).await);
    assert_eq!(reader.get(BACKUPS).await.0, 409);
    assert_eq!(reader.post(BACKUPS, &json!({})).await.0, 403);
    server.basalt(&["org", "create", "other"]).await.expect_success();
    let key = ["--org", "other", "--scope", "system:write"];
    let other = client.with_key(&server.create_key(&key).await);
    assert_eq!(other.get(BACKUPS).await.0, 403, "the machine belongs to the default organization");
}

//! One core under all vocabularies: what is written through any door is what every reading API shows, wherever the rows
//! are, and a crash costs nothing of it.

mod blynk_doors;
mod content;
mod control;
mod doors;
mod facts;
mod messages;
mod model;
mod packet_filter;
mod packets;
mod plant;
mod values;
mod views;
mod visible;

use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use self::doors::WriteInterface;
use self::model::Model;
use self::plant::{Plant, text};
use crate::blynk::{DATASTREAMS, TokenClient};
use crate::support::sized;

/// Writes before each change of where the rows are, of which there are three.
fn part() -> usize {
    sized(30, 100)
}

/// The system under test with what it has to show.
struct Run {
    plant: Plant,
    model: Model,
    rng: StdRng,
}

impl Run {
    /// Writes through every door in turn.
    async fn write(&mut self, count: usize) {
        for number in 0..count {
            let interface = WriteInterface::ALL[number % WriteInterface::ALL.len()];
            interface.write(&self.plant, &mut self.model, &mut self.rng).await;
        }
    }

    /// Compares what every reading API shows with the model.
    async fn check(&mut self, place: &str) {
        eprintln!("equality: {place}");
        let Run { plant, model, rng } = self;
        values::check(plant, model, rng).await;
        messages::check_sql(plant, model).await;
        packets::check(plant, model, rng).await;
        messages::check_graphql(plant, model).await;
        messages::check_instathings(plant, model).await;
        control::check(plant, model).await;
    }

    /// Number of the Parquet files of a table.
    fn files(&self, table: &str) -> usize {
        let files = self.plant.server.data_dir.files().into_keys();
        let folder = format!("lake/{table}/");
        let is_data = |path: &std::path::PathBuf| {
            let path = path.to_string_lossy().into_owned();
            path.starts_with(&folder) && path.ends_with(".parquet") && !path.contains("_delta_log")
        };
        files.filter(is_data).count()
    }

    /// Kills the server while a command waits and a refresh token is used up, and starts it again.
    async fn kill(&mut self) {
        let command = control::queue(&self.plant, &mut self.model, 0, "get", json!({"state": ""})).await;
        let next = self.plant.refresh().await.ok();
        self.plant.server.crash().await;
        self.check("after a kill").await;
        self.check_tokens(&next).await;
        // The command still waits: its gateway answers, and the answer is fetched.
        control::report(&self.plant, &mut self.model, command, ("done", json!({"state": "ON"}), "")).await;
    }

    /// Tokens that were issued before the kill are valid; a refresh token that was used stays used.
    async fn check_tokens(&self, next: &Value) {
        let client = &self.plant.client;
        let path = format!("{DATASTREAMS}?deviceId={}", self.model.devices[0].id);
        for pair in [&self.plant.pair, next] {
            let token = TokenClient::new(client, text(&pair["access_token"]));
            token.get(&path).await.about("Blynk's token survives").ok();
        }
        self.plant.refresh().await.about("it was used before").has(400, json!({"error": "invalid_grant"}));
        let answer = self.plant.cloud("GET", "/device/v1/devices", &Value::Null).await;
        answer.about("the JWT of Instathings survives").ok();
    }
}

#[tokio::test]
async fn every_reading_api_agrees_with_a_model_of_what_every_door_wrote() {
    let (plant, model) = Plant::start().await;
    let mut run = Run { plant, model, rng: StdRng::seed_from_u64(21) };
    run.write(part()).await;
    run.check("in memory").await;
    run.plant.server.stop().await;
    assert!(run.files("readings") > 0 && run.files("messages") > 0, "an orderly end flushes");
    run.plant.server.start_again().await;
    run.check("after a flush").await;
    run.write(part()).await;
    run.check("in the lake and in memory").await;
    let merged = run.plant.server.basalt(&["compact"]).await.expect_success();
    assert!(merged.contains("files merged"), "there is something to merge: {merged}");
    run.check("after a compaction").await;
    run.write(part()).await;
    run.kill().await;
    // All doors are as they were.
    run.write(WriteInterface::ALL.len()).await;
    run.check("after writes with the old tokens").await;
    let writes = 3 * part();
    assert!(run.model.readings.len() > writes, "{} readings", run.model.readings.len());
    assert!(run.model.stored.len() > writes / 10, "{} packets", run.model.stored.len());
    assert!(run.model.commands.len() > writes / 10, "{} commands", run.model.commands.len());
}

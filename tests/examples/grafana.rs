//! The dashboards of examples/grafana: their statements are answered with rows, and their metrics are there.

use std::collections::BTreeSet;

use serde_json::Value;

use super::server;
use crate::support::Client;

fn dashboard(name: &str) -> Value {
    let path = format!("{}/examples/grafana/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The texts below this key of the targets of all panels, each with the title of its panel.
fn of_targets(dashboard: &Value, key: &str) -> Vec<(String, String)> {
    let panels = dashboard["panels"].as_array().expect("panels");
    let of_panel = |panel: &Value| {
        let title = panel["title"].as_str().expect("a title").to_owned();
        let targets = panel["targets"].as_array().expect("targets").clone();
        targets
            .into_iter()
            .map(move |target| (title.clone(), target[key].as_str().expect("a text").to_owned()))
    };
    panels.iter().flat_map(of_panel).collect()
}

/// The statement as Grafana sends it.
fn expanded(statement: &str) -> String {
    let pairs = [
        ("$__timeFrom()", "'2026-04-28T11:00:00Z'"),
        ("$__timeTo()", "'2026-04-28T15:00:00Z'"),
        ("$__interval_ms", "20000"),
        ("${stream:csv}", "1,2"),
    ];
    let statement = pairs
        .iter()
        .fold(statement.to_owned(), |statement, (variable, text)| statement.replace(variable, text));
    assert!(!statement.contains('$'), "an unknown variable: {statement}");
    statement
}

#[tokio::test]
async fn statements_of_the_dashboard_of_the_plant_are_answered() {
    let server = server().await;
    let client = server.client();
    let plant = dashboard("plant.json");
    let streams = plant["templating"]["list"][1]["query"].as_str().expect("a statement");
    assert_eq!(client.sql(&expanded(streams)).await.len(), 2);
    for (title, statement) in of_targets(&plant, "rawSql") {
        let rows = client.sql(&expanded(&statement)).await;
        let expected = match title.as_str() {
            "Values" => Some(240),
            "Lowest, mean and highest value by minute" => Some(240),
            "Readings and bad readings by minute" => Some(120),
            "Latest values" => Some(2),
            _ => None,
        };
        assert!(expected.is_none_or(|expected| rows.len() == expected), "{title}: {} rows", rows.len());
    }
    let events = plant["annotations"]["list"][0]["rawQuery"].as_str().expect("a statement");
    client.sql(&expanded(events)).await;
}

/// Names of metrics in an expression of PromQL, those of histograms without their endings.
fn metrics_of(expression: &str) -> Vec<String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    expression
        .split(|c: char| !is_name(c))
        .filter(|word| word.starts_with("basalt_") || word.starts_with("process_"))
        .map(|name| name.strip_suffix("_bucket").unwrap_or(name).to_owned())
        .collect()
}

async fn known_metrics(client: &Client) -> BTreeSet<String> {
    let page = client.get("/metrics").await.ok();
    let types = page.as_str().expect("a text").lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types.filter_map(|line| line.split(' ').next().map(str::to_owned)).collect()
}

#[tokio::test]
async fn metrics_of_the_dashboard_of_the_server_are_there() {
    let server = server().await;
    let known = known_metrics(&server.client()).await;
    for (title, expression) in of_targets(&dashboard("server.json"), "expr") {
        let metrics = metrics_of(&expression);
        assert!(!metrics.is_empty(), "{title} has no metric");
        for metric in metrics {
            assert!(known.contains(&metric), "{title}: there is no {metric}");
        }
    }
}

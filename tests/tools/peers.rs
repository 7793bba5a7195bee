//! psql, SQLAlchemy and ADBC's Flight SQL driver ask the same as `POST /sql` (tests/peers/ask_tools.py), and drivers the same as of
//! PostgreSQL (sql_drivers.py, npm/drivers.mjs).

use serde_json::{Value, json};

use super::fixture::ToolsFixture;
use crate::support::{assert_contains, run_node, run_python};

fn psql() -> String {
    std::env::var("BASALT_TEST_PSQL").expect("BASALT_TEST_PSQL is not set: run the tests with tests/run.sh")
}

async fn ask(world: &ToolsFixture, key: &str, what: &str) -> Value {
    let (pg, flight) = (world.server.pg_address(), world.server.flight_address());
    let settings = json!({"url": world.server.url, "pg": pg, "flight": flight, "key": key, "psql": psql()});
    run_python("ask_tools.py", &[what, &settings.to_string()]).await
}

#[tokio::test]
async fn ten_questions_have_one_answer_by_every_client() {
    let world = ToolsFixture::new(&[]).await;
    for (name, key, rows) in [("all", world.key(), 360), ("restricted", world.restricted.as_str(), 120)] {
        let answers = ask(&world, key, "questions").await;
        let answers = answers.as_array().unwrap();
        assert_eq!(answers.len(), 10);
        for answer_of in answers {
            for client in ["psql", "sqlalchemy", "adbc"] {
                assert_eq!(answer_of[client], answer_of["http"], "{name}, {client}: {}", answer_of["query"]);
            }
        }
        assert_eq!(answers[0]["http"], json!([[rows]]), "{name} counts its own");
    }
}

#[tokio::test]
async fn psql_lists_tables_prepares_and_tells_errors() {
    let world = ToolsFixture::new(&[]).await;
    let answer = ask(&world, world.key(), "psql").await;
    let text = |name: &str| answer[name].as_str().unwrap().to_owned();
    for table in ["readings", "streams", "core_value"] {
        assert!(text("dt").contains(table) || table.starts_with("core_"), "\\dt: {}", text("dt"));
        assert!(text("d").contains(table), "\\d: {}", text("d"));
    }
    let readings = text("d_readings");
    let words =
        ["stream_id | integer", "ts        | timestamp with time zone", "value     | double precision"];
    assert_contains(&readings, &words, "\\d readings");
    let plus = text("d_plus");
    let is_described = plus.contains("Table \"public.readings\"") && plus.contains("| Storage  |");
    assert!(is_described, "\\d+ readings: {plus}");
    assert!(plus.contains("value     | double precision         |") && !plus.contains("ERROR"), "{plus}");
    let view = text("d_plus_view");
    assert!(view.contains("View \"public.core_value\"") && view.contains("data_id   | integer"), "{view}");
    let all = text("d_plus_all");
    assert!(all.contains("public | readings") && all.contains("(27 rows)"), "\\d+: {all}");
    assert_eq!(text("du").trim(), "postgres||{}");
    let functions = text("df");
    assert!(functions.contains("public|rms|double precision|double precision|agg\n"), "\\df: {functions}");
    assert_eq!(text("df_one").lines().count(), 2, "\\df time_bucket: {}", text("df_one"));
    assert!(text("df_plus").contains("(1 row)"), "\\df+: {}", text("df_plus"));
    assert_eq!(text("copied"), "ts,text\n2026-04-28 10:01:00.25+00,it's off\n");
    assert!(text("declared").contains("ERROR:  25P01: DECLARE CURSOR can only"), "{}", text("declared"));
    assert_eq!(text("fetched").split_whitespace().collect::<Vec<_>>(), ["0", "0.125", "0.5"]);
    assert_eq!(text("prepared").trim(), "60");
    assert_eq!(text("timestamp").trim(), "60");
    assert!(text("error").contains("ERROR:  42703: no column `temperature`"), "{}", text("error"));
    assert!(text("refused").contains("only reading statements"), "{}", text("refused"));
    assert!(text("wrong_key").contains("FATAL:  Invalid API key."), "{}", text("wrong_key"));
}

#[tokio::test]
async fn sqlalchemy_and_adbc_see_the_tables_of_their_key() {
    let world = ToolsFixture::new(&[]).await;
    let answer = ask(&world, world.key(), "reflection").await;
    let tables = answer["sqlalchemy"]["tables"].as_array().unwrap();
    assert!(tables.contains(&json!("readings")) && tables.len() == 22, "{answer}");
    assert_eq!(answer["sqlalchemy"]["views"].as_array().unwrap().len(), 5, "{answer}");
    let columns = json!({
        "stream_id": "INTEGER", "ts": "TIMESTAMP", "value": "DOUBLE PRECISION", "text": "TEXT", "quality": "TEXT",
        "seq": "BIGINT",
    });
    assert_eq!(answer["sqlalchemy"]["columns"], columns, "{answer}");
    assert_eq!(answer["adbc"]["tables"].as_array().unwrap().len(), 27, "{answer}");
    assert_eq!(answer["adbc"]["columns"].as_array().unwrap().len(), 6, "{answer}");
    let key = world.server.create_key(&["--scope", "data:read"]).await;
    let answer = ask(&world, &key, "reflection").await;
    assert_eq!(answer["sqlalchemy"]["tables"], json!(["streams"]), "{answer}");
    assert_eq!(answer["adbc"]["tables"], json!(["core_data", "streams"]), "{answer}");
}

#[tokio::test]
async fn values_of_python_go_in_and_errors_come_out() {
    let world = ToolsFixture::new(&[]).await;
    let answer = ask(&world, world.key(), "values").await;
    for client in ["sqlalchemy", "sqlalchemy_binary", "adbc"] {
        assert_eq!(answer[client]["counted"], 60, "{client}: {answer}");
        let error = answer[client]["error"].as_str().unwrap();
        assert!(error.contains("no column `temperature`"), "{client}: {error}");
        if client != "adbc" {
            assert_eq!(
                answer[client]["listed"],
                json!([240, 0, 120]),
                "{client}: lists are arrays: {answer}"
            );
        }
        let refused = answer[client]["refused"].as_str().unwrap();
        assert!(refused.contains("only reading statements"), "{client}: {refused}");
        if client != "adbc" {
            assert_eq!(answer[client]["streamed"], json!([119, 14.875, 7]), "{client}: {answer}");
        }
    }
    assert_eq!(answer["adbc"]["bound"], json!([7, 1.5, true, "2026-04-28", 120]), "{answer}");
}

#[tokio::test]
async fn drivers_are_answered_as_by_postgresql() {
    let fixture = ToolsFixture::new(&[]).await;
    let (pg, flight) = (fixture.server.pg_address(), fixture.server.flight_address());
    let postgres = std::env::var("BASALT_TEST_POSTGRES").expect("it is set by tests/run.sh");
    let settings =
        json!({"pg": pg, "flight": flight, "key": fixture.key(), "postgres": postgres}).to_string();
    let settings = [settings.as_str()];
    let (python, node) =
        tokio::join!(run_python("sql_drivers.py", &settings), run_node("drivers.mjs", &settings));
    let drivers = [
        ("asyncpg", &python["asyncpg"]),
        ("psycopg", &python["psycopg"]),
        ("SQLAlchemy", &python["sqlalchemy"]),
        ("ADBC, PostgreSQL", &python["adbc"]),
        ("ADBC, Flight SQL", &python["flight"]),
        ("node-postgres", &node),
    ];
    for (driver, report) in drivers {
        assert_eq!(report["differ"], json!([]), "{driver}");
        assert!(report["checks"].as_u64() > Some(10), "{driver}: {report}");
    }
    let columns = json!(["stream_id", "ts", "value", "text", "quality", "seq"]);
    let own = json!({"adbc columns": columns, "flight columns": columns, "adbc uuid": 1, "flight uuid": 1});
    assert_eq!(python["own"], own);
}

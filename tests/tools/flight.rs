//! Flight SQL's calls, by Arrow's own client in Rust.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Float64Array, Int32Array, Int64Array, RecordBatch,
    StringArray, TimestampMicrosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use arrow_flight::error::FlightError;
use arrow_flight::sql::client::FlightSqlServiceClient;
use arrow_flight::sql::{CommandGetDbSchemas, CommandGetTables, SqlInfo};
use arrow_flight::{FlightInfo, Ticket};
use futures::TryStreamExt;
use tonic::transport::Channel;

use super::fixture::ToolsFixture;
use crate::support::Server;

type Client = FlightSqlServiceClient<Channel>;

/// How many rows a statement answers, or why none.
pub async fn ask(server: &Server, key: &str, query: &str) -> Result<usize, String> {
    let mut client = reach(server, key).await;
    let info = client.execute(query.to_owned(), None).await.map_err(|e| e.to_string())?;
    let batches = fetch(&mut client, info).await.map_err(|e| e.to_string())?;
    Ok(batches.iter().map(RecordBatch::num_rows).sum())
}

/// The rows of a statement all of whose columns are texts, or why there are none. With values for its parameters it is prepared.
pub async fn text_rows(
    server: &Server,
    key: &str,
    query: &str,
    values: Vec<ArrayRef>,
) -> Result<Vec<Vec<Option<String>>>, String> {
    let mut client = reach(server, key).await;
    let batches = match values.is_empty() {
        true => {
            let info = client.execute(query.to_owned(), None).await.map_err(|e| e.to_string())?;
            fetch(&mut client, info).await.map_err(|e| e.to_string())?
        }
        false => execute_with(&mut client, query, values).await?,
    };
    let mut rows = Vec::new();
    for batch in batches {
        let columns = batch.columns().iter().map(|column| cast(column, &DataType::Utf8).unwrap());
        let columns: Vec<ArrayRef> = columns.collect();
        rows.extend((0..batch.num_rows()).map(|row| {
            let texts = columns.iter().map(|column| column.as_string::<i32>());
            texts.map(|texts| texts.is_valid(row).then(|| texts.value(row).to_owned())).collect()
        }));
    }
    Ok(rows)
}

/// Executes a prepared statement with values, of which each array has one.
async fn execute_with(
    client: &mut Client,
    query: &str,
    values: Vec<ArrayRef>,
) -> Result<Vec<RecordBatch>, String> {
    let columns = values.into_iter().zip(1..).map(|(value, place)| (format!("${place}"), value));
    let values = RecordBatch::try_from_iter(columns).expect("arrays of one value");
    let mut prepared = client.prepare(query.to_owned(), None).await.map_err(|e| e.to_string())?;
    prepared.set_parameters(values).map_err(|e| e.to_string())?;
    let info = prepared.execute().await.map_err(|e| e.to_string())?;
    let batches = fetch(client, info).await.map_err(|e| e.to_string())?;
    prepared.close().await.map_err(|e| e.to_string())?;
    Ok(batches)
}

async fn connect(world: &ToolsFixture, key: &str) -> Client {
    reach(&world.server, key).await
}

async fn reach(server: &Server, key: &str) -> Client {
    let address = format!("http://{}", server.flight_address());
    let channel = Channel::from_shared(address).unwrap().connect().await.unwrap();
    let mut client = FlightSqlServiceClient::new(channel);
    client.set_token(key.to_owned());
    client
}

async fn fetch(client: &mut Client, info: FlightInfo) -> Result<Vec<RecordBatch>, FlightError> {
    let ticket = info.endpoint[0].ticket.clone().unwrap();
    get(client, ticket).await
}

async fn get(client: &mut Client, ticket: Ticket) -> Result<Vec<RecordBatch>, FlightError> {
    client.do_get(ticket).await?.try_collect().await
}

/// The number in the one row and column of an answer.
async fn number(client: &mut Client, query: &str) -> i64 {
    let info = client.execute(query.to_owned(), None).await.unwrap();
    let batches = fetch(client, info).await.unwrap();
    batches[0].column(0).as_any().downcast_ref::<Int64Array>().unwrap().value(0)
}

fn texts(batches: &[RecordBatch], column: &str) -> Vec<String> {
    let of_batch = |batch: &RecordBatch| {
        let texts = batch.column_by_name(column).unwrap().clone();
        let texts = texts.as_any().downcast_ref::<StringArray>().unwrap().clone();
        texts.iter().flatten().map(str::to_owned).collect::<Vec<_>>()
    };
    batches.iter().flat_map(of_batch).collect()
}

#[tokio::test]
async fn statements_come_back_as_arrow() {
    let world = ToolsFixture::new(&[]).await;
    let mut client = connect(&world, world.key()).await;
    let query = "SELECT ts, value, text FROM readings WHERE stream_id = 1 ORDER BY ts".to_owned();
    let info = client.execute(query, None).await.unwrap();
    let described_schema = info.clone().try_decode_schema().unwrap();
    let batches = fetch(&mut client, info).await.unwrap();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 120);
    let types = |schema: &Schema| schema.fields().iter().map(|f| f.data_type().clone()).collect::<Vec<_>>();
    assert_eq!(types(&described_schema), types(&batches[0].schema()), "what is told is what comes");
    let data_type = described_schema.field(0).data_type();
    assert_eq!(data_type, &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())));
    let log = "SELECT surface, outcome, rows FROM query_log WHERE surface = 'flight'";
    let rows = world.server.client().sql(log).await;
    assert_eq!(rows.len(), 1, "only what ran is in the log: {rows:?}");
    assert_eq!((&rows[0]["outcome"], &rows[0]["rows"]), (&"ok".into(), &120.into()));
}

#[tokio::test]
async fn prepared_statements_take_their_values() {
    let world = ToolsFixture::new(&[]).await;
    let mut client = connect(&world, world.key()).await;
    let query = "SELECT count(*) FROM readings WHERE stream_id = $1 AND ts >= $2".to_owned();
    let mut prepared = client.prepare(query, None).await.unwrap();
    let wanted = prepared.parameter_schema().unwrap();
    assert_eq!(wanted.field(0).data_type(), &DataType::Int32);
    assert_eq!(wanted.field(1).data_type(), &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())));
    // 2026-04-28T11:00:00Z.
    let times = TimestampMicrosecondArray::from(vec![1_777_374_000_000_000]).with_timezone("UTC");
    let schema = Arc::new(Schema::new(vec![
        Field::new("$1", DataType::Int32, true),
        Field::new("$2", times.data_type().clone(), true),
    ]));
    let values =
        RecordBatch::try_new(schema, vec![Arc::new(Int32Array::from(vec![1])), Arc::new(times)]).unwrap();
    for _ in 0..2 {
        prepared.set_parameters(values.clone()).unwrap();
        let info = prepared.execute().await.unwrap();
        let batches = fetch(&mut client, info).await.unwrap();
        let found = batches[0].column(0).as_any().downcast_ref::<Int64Array>().unwrap().value(0);
        assert_eq!(found, 60);
    }
    prepared.close().await.unwrap();
}

#[tokio::test]
async fn parameters_are_cast_by_their_type() {
    let world = ToolsFixture::new(&[]).await;
    let mut client = connect(&world, world.key()).await;
    let query = "SELECT $1::text AS a, $2::text AS b, ($3::int)::text AS c".to_owned();
    let mut prepared = client.prepare(query, None).await.unwrap();
    let times = TimestampMicrosecondArray::from(vec![1_711_879_200_000_000]).with_timezone("UTC");
    let number = |number: f64| Arc::new(Float64Array::from(vec![number])) as ArrayRef;
    let columns = [("$1", Arc::new(times) as ArrayRef), ("$2", number(1e20)), ("$3", number(2.5))];
    prepared.set_parameters(RecordBatch::try_from_iter(columns).unwrap()).unwrap();
    let info = prepared.execute().await.unwrap();
    let batches = fetch(&mut client, info).await.unwrap();
    for (column, expected) in [("a", "2024-03-31 10:00:00+00"), ("b", "1e+20"), ("c", "2")] {
        assert_eq!(texts(&batches, column), [expected], "{column}");
    }
    prepared.close().await.unwrap();
}

#[tokio::test]
async fn a_result_has_the_schema_it_was_announced_with() {
    let world = ToolsFixture::new(&[]).await;
    let mut client = connect(&world, world.key()).await;
    let query = "SELECT $1 AS run, $2 AS day, $3 AS fast, count(*) FROM readings GROUP BY 1, 2, 3".to_owned();
    let columns: [(&str, ArrayRef); 3] = [
        ("$1", Arc::new(Int64Array::from(vec![7]))),
        ("$2", Arc::new(Date32Array::from(vec![20_571]))),
        ("$3", Arc::new(BooleanArray::from(vec![true]))),
    ];
    let types: Vec<_> = columns.iter().map(|(_, column)| column.data_type().clone()).collect();
    let mut prepared = client.prepare(query, None).await.unwrap();
    prepared.set_parameters(RecordBatch::try_from_iter(columns).unwrap()).unwrap();
    let info = prepared.execute().await.unwrap();
    let announced = info.clone().try_decode_schema().unwrap();
    let batches = fetch(&mut client, info).await.unwrap();
    assert_eq!(&announced, batches[0].schema().as_ref());
    let announced: Vec<_> = announced.fields().iter().map(|field| field.data_type().clone()).collect();
    assert_eq!(announced[..3], types);
}

#[tokio::test]
async fn what_there_is_is_listed_as_the_key_may_read_it() {
    let world = ToolsFixture::new(&[]).await;
    let streams = world.server.create_key(&["--scope", "data:read"]).await;
    for (key, expected) in [(world.key(), 27), (streams.as_str(), 2), (&world.restricted, 27)] {
        let mut client = connect(&world, key).await;
        let command = CommandGetTables { include_schema: true, ..CommandGetTables::default() };
        let info = client.get_tables(command).await.unwrap();
        let tables = texts(&fetch(&mut client, info).await.unwrap(), "table_name");
        assert_eq!(tables.len(), expected, "{tables:?}");
    }
    let mut client = connect(&world, world.key()).await;
    let views = CommandGetTables { table_types: vec!["VIEW".to_owned()], ..CommandGetTables::default() };
    let info = client.get_tables(views).await.unwrap();
    let views = texts(&fetch(&mut client, info).await.unwrap(), "table_name");
    assert!(views.len() == 5 && views.iter().all(|name| name.starts_with("core_")), "{views:?}");
    let info = client.get_catalogs().await.unwrap();
    assert_eq!(texts(&fetch(&mut client, info).await.unwrap(), "catalog_name"), ["basalt"]);
    let info = client.get_db_schemas(CommandGetDbSchemas::default()).await.unwrap();
    assert_eq!(texts(&fetch(&mut client, info).await.unwrap(), "db_schema_name"), ["public"]);
    let info = client.get_table_types().await.unwrap();
    assert_eq!(texts(&fetch(&mut client, info).await.unwrap(), "table_type"), ["TABLE", "VIEW"]);
    let info = client.get_sql_info(vec![SqlInfo::FlightSqlServerName]).await.unwrap();
    assert_eq!(fetch(&mut client, info).await.unwrap()[0].num_rows(), 1);
}

#[tokio::test]
async fn a_key_sees_its_rows_and_uses_its_tickets_only() {
    let world = ToolsFixture::new(&[]).await;
    let mut all = connect(&world, world.key()).await;
    let mut part = connect(&world, &world.restricted).await;
    assert_eq!(number(&mut all, "SELECT count(*) FROM readings").await, 360);
    assert_eq!(number(&mut part, "SELECT count(*) FROM readings").await, 120);
    assert_eq!(number(&mut part, "SELECT count(*) FROM streams").await, 1);
    let info = all.execute("SELECT value FROM readings".to_owned(), None).await.unwrap();
    let ticket = info.endpoint[0].ticket.clone().unwrap();
    let message = get(&mut part, ticket.clone()).await.unwrap_err().to_string();
    assert!(message.contains("another key"), "{message}");
    assert_eq!(get(&mut all, ticket).await.unwrap().iter().map(RecordBatch::num_rows).sum::<usize>(), 360);
    let message = get(&mut part, Ticket::new("forged")).await.unwrap_err().to_string();
    assert!(!message.contains("panic"), "{message}");
}

#[tokio::test]
async fn who_is_not_known_and_what_is_not_read_is_refused() {
    let limits = [("BASALT_LIMITS__QUERY_ROWS", "20000"), ("BASALT_LIMITS__QUERY_TIMEOUT", "1s")];
    let world = ToolsFixture::new(&limits).await;
    let mut wrong = connect(&world, "bslt_wrong_0123456789abcdef0123456789abcdef").await;
    let message = wrong.execute("SELECT 1".to_owned(), None).await.unwrap_err().to_string();
    assert!(message.contains("Invalid API key"), "{message}");
    wrong.clear_token();
    let message = wrong.execute("SELECT 1".to_owned(), None).await.unwrap_err().to_string();
    assert!(message.contains("an API key is needed"), "{message}");
    let mut client = connect(&world, world.key()).await;
    let token = client.handshake("anybody", world.key()).await.unwrap();
    assert_eq!(token, world.key(), "the bearer token is the key");
    for text in ["DELETE FROM readings", "CREATE TABLE t (a INT)", "SET a = 1"] {
        let message = client.execute(text.to_owned(), None).await.unwrap_err().to_string();
        assert!(message.contains("only reading statements"), "{text}: {message}");
        let message = client.execute_update(text.to_owned(), None).await.unwrap_err().to_string();
        assert!(message.contains("only reading statements"), "{text} as an update: {message}");
    }
    let rows = [
        ("SELECT value FROM generate_series(1, 3000000)", "20000 rows"),
        ("SELECT sum(a) FROM generate_series(1, 100000000000) a", "longer than 1 s"),
    ];
    for (text, words) in rows {
        let info = client.execute(text.to_owned(), None).await.unwrap();
        let message = fetch(&mut client, info).await.unwrap_err().to_string();
        assert!(message.contains(words), "{text}: {message}");
    }
}

#[tokio::test]
async fn a_revoked_key_ends_an_answer_that_is_being_read() {
    let world = ToolsFixture::new(&[("BASALT_LIMITS__QUERY_ROWS", "2_000_000_000")]).await;
    let key = world.server.create_key(&[]).await;
    let mut client = connect(&world, &key).await;
    let info =
        client.execute("SELECT value FROM generate_series(1, 1000000000)".to_owned(), None).await.unwrap();
    let mut answer = client.do_get(info.endpoint[0].ticket.clone().unwrap()).await.unwrap();
    answer.try_next().await.unwrap().unwrap();
    world.revoke_newest().await;
    let ended = tokio::time::timeout(Duration::from_secs(60), async {
        loop {
            match answer.try_next().await {
                Ok(more) => assert!(more.is_some(), "it does not look whole"),
                Err(error) => return error.to_string(),
            }
        }
    });
    assert!(ended.await.expect("the answer ends").contains("is revoked"));
    let message = client.execute("SELECT 1".to_owned(), None).await.unwrap_err().to_string();
    assert!(message.contains("Invalid API key"), "{message}");
}

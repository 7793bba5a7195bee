//! Deep statements at every door for SQL: each is answered or refused in words, and the server goes on.

use serde_json::json;

use super::fixture::ToolsFixture;
use super::flight;
use crate::graphql;

fn cases(levels: usize) -> String {
    format!("{}1{}", "CASE WHEN true THEN ".repeat(levels), " END".repeat(levels))
}

#[tokio::test]
async fn deep_statements_are_refused_at_every_door() {
    let fixture = ToolsFixture::new(&[]).await;
    let client = fixture.server.client();
    let mut pg = fixture.connect().await;
    pg.query("PREPARE q (int) AS SELECT $1").await.unwrap();
    let sum = |levels: usize| format!("1{}", "+1".repeat(levels));
    // The first is past the limit of the parser, the others past that of tokens.
    for expression in
        [cases(95), cases(5_000), sum(20_000), format!("{}1{}", "(".repeat(600), ")".repeat(600))]
    {
        let (statement, shown) = (format!("SELECT {expression} AS n"), &expression[..20]);
        client.try_sql(&statement).await.expect(400);
        let flight = flight::ask(&fixture.server, fixture.key(), &statement).await;
        assert!(flight.is_err(), "{shown}");
        let query = "query ($sql: String!) { sql(query: $sql) { rows } }";
        let answer = graphql::ask(&client, query, json!({"sql": statement})).await;
        assert!(answer["errors"][0]["message"].is_string(), "{shown}: {answer}");
        let extended = pg.query_with_params(&statement, &[]).await;
        let others = [
            statement.clone(),
            format!("COPY ({statement}) TO STDOUT"),
            format!("DECLARE c CURSOR WITH HOLD FOR {statement}"),
            format!("EXECUTE q ({expression})"),
        ];
        let mut refusals = vec![extended.unwrap_err()];
        for text in others {
            refusals.push(pg.query(&text).await.unwrap_err());
        }
        for refusal in refusals {
            assert_eq!(refusal.code, "54001", "{shown}: {refusal:?}");
        }
    }
    for expression in [cases(20), sum(300)] {
        let statement = format!("SELECT {expression} AS n");
        client.try_sql(&statement).await.ok();
        assert_eq!(flight::ask(&fixture.server, fixture.key(), &statement).await, Ok(1));
        assert_eq!(pg.query(&statement).await.map(|rows| rows.len()), Ok(1));
    }
}

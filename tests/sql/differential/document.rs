//! The table of docs/sql-differences.md is right: both servers answer its statements as it says.

use super::answers::{self, Answer, NULL};
use super::psql;
use crate::support::{Server, database};

/// A statement with the answers of both servers.
struct Difference<'a> {
    statement: &'a str,
    here: &'a str,
    there: &'a str,
}

fn differences(document: &str) -> Vec<Difference<'_>> {
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `")?.strip_suffix("` |"));
    let cells = rows.map(|row| row.split("` | `").collect::<Vec<_>>());
    cells
        .map(|cells| match cells.as_slice() {
            &[statement, here, there] => Difference { statement, here, there },
            other => panic!("a row of three cells, not {other:?}"),
        })
        .collect()
}

/// Whether an answer is one value as it is shown, or a refusal with these words.
fn agrees(answer: &Answer, expected: &str) -> bool {
    match (answer, expected.strip_prefix("refused: ")) {
        (Answer::Refused(_, message), Some(words)) => message.replace('`', "").contains(words),
        (Answer::Rows(rows), None) => {
            let shown = if expected == "NULL" { NULL } else { expected };
            *rows == [[shown]]
        }
        _ => false,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_servers_answer_the_statements_of_the_document_as_it_says() {
    let listed = differences(include_str!("../../../docs/sql-differences.md"));
    assert!(listed.len() > 20, "{} statements", listed.len());
    let server = Server::start(&[("BASALT_PG_LISTEN", "127.0.0.1:0")]).await;
    let own = format!("postgres://me:{}@{}/basalt", server.key, server.pg_address());
    let peer = database("differences").await;
    let script = answers::script(listed.iter().map(|of| of.statement.to_owned()));
    let (ours, theirs) = (psql(&own, script.clone()).await, psql(&peer, script).await);
    let (ours, theirs) = (answers::read(&ours), answers::read(&theirs));
    assert_eq!((ours.len(), theirs.len()), (listed.len(), listed.len()));
    let mut wrong = Vec::new();
    for ((of, ours), theirs) in listed.iter().zip(&ours).zip(&theirs) {
        for (place, answer, expected) in [("here", ours, of.here), ("PostgreSQL", theirs, of.there)] {
            if !agrees(answer, expected) {
                wrong.push(format!("{}\n  {place}: {answer:?}, not {expected}", of.statement));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

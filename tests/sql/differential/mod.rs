//! Statements at random, asked of a server and of PostgreSQL over the same rows by `psql`: both answer the same, and so
//! does the server by other ways than simple queries. Every difference is a fault, or a line of docs/sql.md whose form the generator leaves out.

mod answers;
mod calls;
mod document;
mod doors;
mod expressions;
mod rows;
mod statements;

use std::io::Write;
use std::process::{Command, Stdio};

use answers::{Answer, NULL, SEPARATOR, is_same};
use statements::{Statement, statement};

use crate::support::{Server, database, sized, test_seed};
use crate::tools::fixture::LISTEN_ENV;

/// Of a hundred statements so many may be refused, by one server or by both: they compare nothing.
const MAX_REFUSED_PERCENT: usize = 5;

/// Runs a script in a database.
async fn psql(url: &str, script: String) -> String {
    let psql = std::env::var("BASALT_TEST_PSQL").expect("it is set by tests/run.sh");
    let mut command = Command::new(psql);
    command.args([url, "-AtXq", "-F", SEPARATOR, "-P", &format!("null={NULL}"), "-f", "-"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let run = move || {
        let mut child = command.spawn().expect("psql starts");
        let mut stdin = child.stdin.take().expect("its input");
        let writer = std::thread::spawn(move || stdin.write_all(script.as_bytes()));
        let output = child.wait_with_output().expect("its output");
        writer.join().expect("no panic").expect("it reads all of its script");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    tokio::task::spawn_blocking(run).await.expect("no panic")
}

/// Describes how the answers to a statement differ; `None` when they are the same or both are errors.
fn difference(statement: &Statement, ours: &Answer, theirs: &Answer) -> Option<String> {
    match (ours, theirs) {
        (Answer::Rows(ours), Answer::Rows(theirs))
            if !is_same(ours, theirs, statement.compared, statement.is_ordered) =>
        {
            let start =
                |rows: &[Vec<String>]| format!("{} rows {:?}", rows.len(), &rows[..rows.len().min(5)]);
            Some(format!("{}\n  ours   {}\n  theirs {}", statement.text, start(ours), start(theirs)))
        }
        (Answer::Refused(code, message), _) if code == "XX000" => {
            Some(format!("{}\n  ours   {code} {message}", statement.text))
        }
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_at_random_are_answered_as_postgresql_answers_them() {
    for (readings, count) in [(20, sized(100, 60_000)), (sized(1_000, 60_000), sized(40, 40_000))] {
        let rows = rows::readings(readings);
        let server = Server::start(&LISTEN_ENV).await;
        rows::write(&server.client(), &rows).await;
        let peer = database("differential").await;
        psql(&peer, rows::script(&rows)).await;
        let own = format!("postgres://me:{}@{}/basalt", server.key, server.pg_address());

        let first = sized(0, test_seed()) * count;
        let statements: Vec<Statement> = (first..first + count).map(statement).collect();
        let script = answers::script(statements.iter().map(|statement| statement.text.clone()));
        let (ours, theirs) = (psql(&own, script.clone()).await, psql(&peer, script).await);
        let (ours, theirs) = (answers::read(&ours), answers::read(&theirs));
        assert_eq!((ours.len(), theirs.len()), (statements.len(), statements.len()), "seeds from {first}");

        let answers = || statements.iter().zip(&ours).zip(&theirs);
        let found: Vec<String> =
            answers().filter_map(|((statement, ours), theirs)| difference(statement, ours, theirs)).collect();
        let shown = &found[..found.len().min(5)];
        assert!(found.is_empty(), "{} of {count} from {first}:\n{}", found.len(), shown.join("\n"));
        let found = doors::differences(&server, &statements, &ours).await;
        assert!(found.is_empty(), "{} from {first}:\n{}", found.len(), found.join("\n"));
        let refused: Vec<_> = answers()
            .filter(|((_, ours), theirs)| {
                [*ours, *theirs].iter().any(|answer| matches!(answer, Answer::Refused(..)))
            })
            .map(|((statement, ours), theirs)| format!("{}\n  {ours:?}\n  {theirs:?}", statement.text))
            .collect();
        assert!(refused.len() * 100 <= statements.len() * MAX_REFUSED_PERCENT, "{}", refused.join("\n"));
    }
}

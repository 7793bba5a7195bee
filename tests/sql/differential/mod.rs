//! Statements at random, asked of a server and of PostgreSQL over the same rows by `psql`: both answer the same, and so
//! does the server by other ways than simple queries, and without statistics. Every difference is a fault, or a line of
//! docs/sql-differences.md whose form the generator leaves out.

mod answers;
mod calls;
mod composed;
mod document;
mod doors;
mod expressions;
mod rollups;
mod rows;
mod statements;

use std::io::Write;
use std::iter;
use std::process::{Command, Stdio};

use answers::{Answer, NULL, SEPARATOR, first_difference, is_same};
use statements::{Statement, statement};

use crate::support::{Server, database, sized, test_seed};
use crate::tools::fixture::LISTEN_ENV;

/// So many statements are asked at once: their answers are in memory together.
const BATCH: usize = 50;
/// Of a hundred statements so many may be refused, by one server or by both, and some more of a few: they compare nothing.
const MAX_REFUSED_PERCENT: usize = 5;
const MORE_REFUSED: usize = 3;

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

/// A server and PostgreSQL with the same rows.
struct BothServers {
    server: Server,
    own_url: String,
    peer_url: String,
    /// Whether the server has statistics of most readings.
    is_computed: bool,
}

impl BothServers {
    /// Starts a server with so many readings of each stream.
    async fn start(readings: i64, is_computed: bool) -> BothServers {
        let rows = rows::readings(readings);
        let server = Server::start(&LISTEN_ENV).await;
        rows::write(&server, &rows, is_computed).await;
        let own_url = format!("postgres://me:{}@{}/basalt", server.key, server.pg_address());
        let peer_url = database("differential").await;
        psql(&peer_url, rows::script(&rows)).await;
        let copied = psql(&own_url, rows::COPY_STATISTICS.to_owned()).await;
        psql(&peer_url, rows::statistics_script(&copied)).await;
        BothServers { server, own_url, peer_url, is_computed }
    }

    async fn ask_own(&self, statements: impl IntoIterator<Item = String>) -> Vec<Answer> {
        answers::read(&psql(&self.own_url, answers::script(statements)).await)
    }

    async fn ask_peer(&self, statements: impl IntoIterator<Item = String>) -> Vec<Answer> {
        answers::read(&psql(&self.peer_url, answers::script(statements)).await)
    }

    /// Asks statements of both, which have to agree; returns those that one of them refuses.
    async fn compare(&self, statements: &[Statement]) -> Vec<String> {
        let texts = || statements.iter().map(|statement| statement.text.clone());
        let (ours, theirs) = tokio::join!(self.ask_own(texts()), self.ask_peer(texts()));
        assert_eq!((ours.len(), theirs.len()), (statements.len(), statements.len()));
        let answers = || statements.iter().zip(&ours).zip(&theirs);
        let mut found: Vec<String> =
            answers().filter_map(|((statement, ours), theirs)| difference(statement, ours, theirs)).collect();
        found.extend(doors::differences(&self.server, statements, &ours).await);
        if self.is_computed {
            found.extend(self.differences_without_statistics(statements, &ours).await);
        }
        let shown = &found[..found.len().min(5)];
        assert!(found.is_empty(), "{} of {}:\n{}", found.len(), statements.len(), shown.join("\n"));
        let is_refused = |answer: &Answer| matches!(answer, Answer::Refused(..));
        let refused = answers().filter(|((_, ours), theirs)| is_refused(ours) || is_refused(theirs));
        let shown = refused.map(|((statement, ours), theirs)| {
            format!("{}\n  ours   {}\n  theirs {}", statement.text, ours.start(), theirs.start())
        });
        shown.collect()
    }

    /// Asks the aggregates among statements again, of readings alone.
    async fn differences_without_statistics(
        &self,
        statements: &[Statement],
        answers: &[Answer],
    ) -> Vec<String> {
        const SIGNS: [&str; 7] = ["GROUP BY", "DISTINCT", "count(", "sum(", "avg(", "min(", "max("];
        let is_aggregate = |statement: &Statement| SIGNS.iter().any(|sign| statement.text.contains(sign));
        let aggregates = statements.iter().zip(answers).filter(|(statement, _)| is_aggregate(statement));
        let aggregates: Vec<(&Statement, &Answer)> = aggregates.collect();
        let texts = aggregates.iter().map(|(statement, _)| statement.text.clone());
        let again = self.ask_own(iter::once(rollups::OFF.to_owned()).chain(texts)).await;
        assert_eq!(again.len(), aggregates.len() + 1);
        let differences =
            aggregates.iter().zip(&again[1..]).filter_map(|((statement, answer), again)| {
                match (answer, again) {
                    (Answer::Rows(_), Answer::Refused(_, why)) => {
                        Some(format!("{}\n  {why}", statement.text))
                    }
                    _ => difference(statement, again, answer),
                }
            });
        differences.map(|found| format!("without statistics: {found}")).collect()
    }
}

/// Describes how the answers to a statement differ; `None` when they are the same or both are errors.
fn difference(statement: &Statement, ours: &Answer, theirs: &Answer) -> Option<String> {
    match (ours, theirs) {
        (Answer::Rows(one), Answer::Rows(other))
            if !is_same(one, other, statement.compared, statement.is_ordered) =>
        {
            let first = if statement.is_ordered { first_difference(one, other) } else { 0 };
            let (ours, theirs) = (ours.shown_from(first), theirs.shown_from(first));
            Some(format!("{}\n  ours   {ours}\n  theirs {theirs}", statement.text))
        }
        (Answer::Refused(code, message), _) if code == "XX000" => {
            Some(format!("{}\n  ours   {code} {message}", statement.text))
        }
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_at_random_are_answered_as_postgresql_answers_them() {
    let few = (20, sized(50, 60_000), false);
    let many = (sized(500, 100_000), sized(20, 40_000), true);
    // Many readings are asked what few are asked.
    let first = sized(0, test_seed()) * 100_000;
    for (readings, count, is_computed) in [few, many] {
        let servers = BothServers::start(readings, is_computed).await;
        let seeds: Vec<u64> = (first..first + count).collect();
        let mut refused = Vec::new();
        for batch in seeds.chunks(BATCH) {
            let statements: Vec<Statement> = batch.iter().map(|seed| statement(*seed)).collect();
            println!("{} statements from seed {}", statements.len(), batch[0]);
            refused.extend(servers.compare(&statements).await);
        }
        let most = seeds.len() * MAX_REFUSED_PERCENT / 100 + MORE_REFUSED;
        assert!(refused.len() <= most, "{}", refused.join("\n"));
        let aggregates = if is_computed { sized(8, 2_000) } else { 0 };
        for seed in (first..first + aggregates).step_by(BATCH) {
            let last = (seed + BATCH as u64).min(first + aggregates);
            let found = rollups::differences(&servers, seed..last).await;
            assert!(found.is_empty(), "from {seed}:\n{}", found.join("\n"));
        }
    }
}

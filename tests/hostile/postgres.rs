//! Hostile input: messages and state of the PostgreSQL door.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;

use super::AttackedServer;
use crate::tools::wire::{PgClient, PgError, cstring};

const PG_LISTEN_ENV: (&str, &str) = ("BASALT_PG_LISTEN", "127.0.0.1:0");
const MIB: usize = 1 << 20;
/// Long enough for anything that must come, on a busy machine too.
const EVENT_TIMEOUT: Duration = Duration::from_secs(60);

/// Parses a statement and hears what becomes of it.
async fn parse(pg: &mut PgClient, name: &str, text: &str) -> Result<(), PgError> {
    pg.parse(name, text, &[]).await;
    pg.send('S', b"").await;
    pg.until_ready().await.map(drop)
}

#[tokio::test]
async fn what_a_connection_keeps_is_bounded() {
    let attacked = AttackedServer::start(&[PG_LISTEN_ENV]).await;
    let (address, key) = (attacked.server.pg_address(), attacked.server.key.clone());
    let before = attacked.server.reset_peak_memory();
    let long = "x".repeat(3 * MIB);
    let mut refusals = Vec::new();
    let mut connections = Vec::new();
    for _ in 0..2 {
        let mut pg = PgClient::connect(&address, &key).await.unwrap();
        // Commands, of which only the text is long.
        for n in 0..6 {
            refusals.extend(parse(&mut pg, &format!("s{n}"), &format!("SET a = '{long}'")).await.err());
        }
        // Names of nothing.
        for n in 0..6 {
            refusals.extend(parse(&mut pg, &format!("{n}{long}"), "").await.err());
        }
        pg.query("DEALLOCATE ALL").await.unwrap();
        pg.query("BEGIN").await.unwrap();
        // Statements that only portals keep.
        for n in 0..6 {
            pg.parse("", &format!("SET a = '{long}'"), &[]).await;
            pg.bind(&format!("p{n}"), "", [0, 0], &[]).await;
            pg.send('S', b"").await;
            refusals.extend(pg.until_ready().await.err());
        }
        pg.query("ROLLBACK").await.unwrap();
        // Settings of the client's own.
        for n in 0..6 {
            refusals.extend(pg.query(&format!("SET own.n{n} = '{long}'")).await.err());
        }
        assert_eq!(pg.query("SELECT 1").await.unwrap().len(), 1, "the connection outlives them");
        connections.push(pg);
    }
    let count = |code: &str| refusals.iter().filter(|refused| refused.code == code).count();
    // Of statements two are kept, and of portals; of names and settings none.
    assert_eq!((count("42622"), count("54000")), (2 * 6, 2 * (4 + 4 + 6)), "{refusals:?}");
    // What is kept, and messages on their way through.
    attacked.finish_growing_below(before, 250).await;
}

#[tokio::test]
async fn messages_that_are_begun_and_not_ended_are_counted() {
    let attacked = AttackedServer::start(&[PG_LISTEN_ENV]).await;
    let (address, key) = (attacked.server.pg_address(), attacked.server.key.clone());
    let before = attacked.server.reset_peak_memory();
    let mut begun = vec![b'Q'];
    begun.extend(u32::try_from(9 * MIB).unwrap().to_be_bytes());
    begun.extend(vec![b'x'; 8 * MIB]);
    let mut connections = JoinSet::new();
    for _ in 0..20 {
        let mut pg = PgClient::connect(&address, &key).await.unwrap();
        pg.raw(&begun).await;
        connections.spawn(async move { pg.until_ready().await });
    }
    // Who is counted hears nothing and stays; the others are refused.
    for n in 0..10 {
        let refusal = timeout(EVENT_TIMEOUT, connections.join_next()).await;
        let refusal = refusal.unwrap_or_else(|_| panic!("only {n} are refused"));
        let refusal = refusal.expect("all of them are begun").expect("it is told");
        let refusal = refusal.expect_err("it is not ended");
        let code = (refusal.severity.as_str(), refusal.code.as_str());
        assert_eq!(code, ("FATAL", "53200"), "{n}: {refusal:?}");
    }
    let mut other = PgClient::connect(&address, &key).await.unwrap();
    for text in ["SELECT 1", "SET application_name = 'other'"] {
        other.query(text).await.expect("ordinary statements are not refused for others");
    }
    assert!(parse(&mut other, "s", "SELECT stream_id, value FROM readings WHERE ts > now()").await.is_ok());
    attacked.finish_growing_below(before, 200).await;
}

#[tokio::test]
async fn texts_of_many_small_parts_are_refused() {
    let attacked = AttackedServer::start(&[PG_LISTEN_ENV]).await;
    let mut pg = PgClient::connect(&attacked.server.pg_address(), &attacked.server.key).await.unwrap();
    let before = attacked.server.reset_peak_memory();
    let names = format!("SET {}a = 1", "a.".repeat(MIB));
    let rows = [
        ("statements", "a;".repeat(MIB), "54000"),
        ("a_name_of_many_parts", names, "54000"),
        ("types", format!("PREPARE p ({}int) AS SELECT 1", "int,".repeat(MIB / 2)), "54023"),
    ];
    for (name, text, code) in rows {
        assert_eq!(pg.query(&text).await.unwrap_err().code, code, "{name}");
    }
    pg.query("PREPARE one AS SELECT $1::int").await.unwrap();
    assert_eq!(pg.query(&format!("EXECUTE one({}1)", "1,".repeat(MIB))).await.unwrap_err().code, "54023");
    assert_eq!(pg.query("EXECUTE one(7)").await.unwrap(), [[Some("7".to_owned())]]);
    attacked.finish_growing_below(before, 200).await;
}

#[tokio::test]
async fn strangers_who_say_nothing_keep_nobody_out() {
    let attacked = AttackedServer::start(&[PG_LISTEN_ENV, ("BASALT_PG__CONNECTIONS", "20")]).await;
    let (address, key) = (attacked.server.pg_address(), attacked.server.key.clone());
    let mut known = Vec::new();
    for _ in 0..10 {
        known.push(PgClient::connect(&address, &key).await.unwrap());
    }
    let mut strangers = Vec::new();
    for _ in 0..100 {
        let mut pg = PgClient::open(&address).await;
        // Half of an opening, which says that it is longer.
        pg.raw(&[0, 0, 0x20, 0, 0, 3]).await;
        strangers.push(pg);
    }
    for _ in 0..10 {
        known.push(PgClient::connect(&address, &key).await.expect("strangers make room"));
    }
    for pg in &mut known {
        assert_eq!(pg.query("SELECT 1").await.unwrap().len(), 1, "who is known stays");
    }
    assert_eq!(PgClient::connect(&address, &key).await.err().expect("all are known").code, "53300");
    let mut messages = Vec::new();
    for mut stranger in strangers {
        messages.push(timeout(Duration::from_secs(20), stranger.message()).await.expect("it is closed"));
    }
    assert!(messages.iter().all(Option::is_none), "{messages:?}");
    attacked.finish().await;
}

#[tokio::test]
async fn who_speaks_the_newest_protocol_has_a_secret_that_nobody_guesses() {
    let attacked = AttackedServer::start(&[PG_LISTEN_ENV]).await;
    let (address, key) = (attacked.server.pg_address(), attacked.server.key.clone());
    // Minor version, bytes of the secret, and what is negotiated.
    let rows: [(u8, usize, Option<u8>); 4] = [(0, 4, None), (1, 4, None), (2, 32, None), (9, 32, Some(2))];
    for (minor, bytes, negotiated) in rows {
        let mut pg = PgClient::open(&address).await;
        let body = [&[0, 3, 0, minor][..], &cstring("user"), &cstring("anybody"), b"\0"].concat();
        pg.raw(&[&(4 + body.len() as u32).to_be_bytes()[..], &body].concat()).await;
        if let Some(newest) = negotiated {
            let (kind, body) = pg.message().await.unwrap();
            assert_eq!((kind, &body[..4]), ('v', &[0, 3, 0, newest][..]), "minor version {minor}");
        }
        assert_eq!(pg.message().await.unwrap().0, 'R');
        pg.send('p', &cstring(&key)).await;
        let messages = pg.until_ready().await.unwrap();
        let (_, secret) = messages.iter().find(|(kind, _)| *kind == 'K').expect("a secret");
        assert_eq!(secret.len(), 4 + bytes, "minor version {minor}");
    }
    attacked.finish().await;
}

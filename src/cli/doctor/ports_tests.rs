//! Addresses that are free, the server's own, or taken by others.

use super::*;
use crate::cli::doctor::finding::State;

fn process(pid: u32) -> AddressOwner {
    AddressOwner::Process(Listener { pid, name: format!("program{pid}") })
}

#[test]
fn an_address_is_free_or_the_servers_own() {
    let server = DirectoryHolder::Server { pid: 7, url: "http://127.0.0.1:8000" };
    let (nobody, silent, unknown) =
        (DirectoryHolder::Nobody, DirectoryHolder::Silent { pid: 7 }, DirectoryHolder::Unknown);
    let (free, taken, denied) = (None, Some(ErrorKind::AddrInUse), Some(ErrorKind::PermissionDenied));
    let (no_owner, unseen) = (AddressOwner::Nobody, AddressOwner::Unseen);
    let (ok, warning, problem) = (State::Ok, State::Warning, State::Problem);
    let rows = [
        ("free", nobody, free, no_owner.clone(), ok, "is free"),
        ("free_beside_a_server", server, free, no_owner.clone(), ok, "answers at http://127.0.0.1:8000"),
        ("the_servers", server, taken, process(7), ok, "the running server's (process 7)"),
        ("of_a_server_that_starts", silent, taken, process(7), ok, "process 7, which has the data directory"),
        ("taken", nobody, taken, process(9), problem, "program9 (process 9)"),
        ("taken_beside_a_server", server, taken, process(9), warning, "program9 (process 9)"),
        (
            "taken_while_one_starts",
            silent,
            taken,
            process(9),
            warning,
            "process 7 has the data directory open",
        ),
        ("taken_by_the_server_perhaps", unknown, taken, process(9), warning, "may be the server"),
        ("taken_by_somebody", nobody, taken, unseen.clone(), problem, "cannot see"),
        ("taken_without_proc", nobody, taken, no_owner.clone(), problem, "cannot see"),
        ("the_servers_by_its_word", server, taken, unseen.clone(), ok, "said itself"),
        ("unseen_while_one_starts", silent, taken, unseen.clone(), warning, "cannot see"),
        ("unseen_and_unknown", unknown, taken, unseen.clone(), warning, "cannot see"),
        ("low", nobody, denied, no_owner.clone(), warning, "a right"),
        ("low_and_the_servers", server, denied, process(7), ok, "the running server's (process 7)"),
        ("low_and_taken", nobody, denied, process(9), problem, "program9 (process 9)"),
        ("low_and_the_servers_by_its_word", server, denied, unseen, ok, "said itself"),
        (
            "of_another_machine",
            nobody,
            Some(ErrorKind::AddrNotAvailable),
            no_owner.clone(),
            problem,
            "no address",
        ),
        ("another_fault", nobody, Some(ErrorKind::Unsupported), no_owner, problem, "cannot be listened at"),
    ];
    for (name, holder, kind, owner, state, words) in rows {
        let address = "127.0.0.1:8000".parse().expect("an address");
        let port = ListenAddress { setting: "listen", address, holder };
        let finding = port.judge(kind.map(io::Error::from).as_ref(), owner);
        assert_eq!((finding.state, finding.mend.is_some()), (state, state != ok), "{name}: {finding:?}");
        assert!(finding.found.contains(words), "{name}: {finding:?}");
    }
}

#[test]
fn what_may_be_the_server_is_not_to_be_stopped() {
    let address = "127.0.0.1:9000".parse().expect("an address");
    let server = DirectoryHolder::Server { pid: 7, url: "http://127.0.0.1:8000" };
    let rows = [
        ("by_another_server", server, AddressOwner::Unseen),
        ("while_one_starts", DirectoryHolder::Silent { pid: 7 }, AddressOwner::Unseen),
        ("unseen", DirectoryHolder::Unknown, AddressOwner::Unseen),
        ("by_a_process", DirectoryHolder::Unknown, process(7)),
    ];
    for (name, holder, owner) in rows {
        let finding = ListenAddress { setting: "pg.listen", address, holder }.judge_taken("pg.listen", owner);
        let mend = finding.mend.expect(name);
        assert!(!mend.contains("stop") && !mend.contains("kill"), "{name}: {mend}");
        assert!(mend.contains("pg.listen = \"127.0.0.1:PORT\""), "{name}: {mend}");
    }
}

#[tokio::test]
async fn a_listener_is_found_without_listening() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let every: SocketAddr = (std::net::Ipv4Addr::UNSPECIFIED, address.port()).into();
    for taken in [address, every] {
        let error = try_bind(taken).expect_err("somebody listens there");
        assert_eq!(error.kind(), ErrorKind::AddrInUse, "{taken}");
    }
    try_bind("127.0.0.1:0".parse().expect("an address")).expect("any port");
}

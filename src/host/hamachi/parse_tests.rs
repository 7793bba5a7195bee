//! Tests of parsing the Hamachi client's output, genuine and malformed.

use proptest::prelude::*;

use super::*;

const STATUS: &str = "\
  version    : hamachi-lnx-2.1.0.203
  pid        : 26771
  status     : logged in
  client id  : 221-094-578
  address    : 25.66.125.69    2620:9b::1942:7d45
  nickname   : onian
  lmi account: -
";

#[test]
fn the_client_says_who_it_is() {
    let expected = VpnStatus {
        version: Some("2.1.0.203".into()),
        pid: Some(26771),
        status: Some("logged in".into()),
        client_id: Some("221-094-578".into()),
        address: Some("25.66.125.69".parse().unwrap()),
        ipv6: Some("2620:9b::1942:7d45".parse().unwrap()),
        nickname: Some("onian".into()),
        lmi_account: None,
    };
    assert_eq!(status(STATUS), expected);
    assert!(expected.is_logged_in());
    let backwards: String = STATUS.lines().rev().map(|line| format!("{line}\n")).collect();
    assert_eq!(status(&backwards), expected, "in any order");
    let offline =
        status("  version    : 2.1.0.203\n  status     : offline\n  client id  :\n  address    : -\n");
    let known = VpnStatus {
        version: Some("2.1.0.203".into()),
        status: Some("offline".into()),
        ..VpnStatus::default()
    };
    assert_eq!(offline, known);
    assert!(!offline.is_logged_in());
    let only_six =
        status(" address : 2620:9b::1\n nickname : a : b\n lmi account: user@example.com (pending)\n");
    assert_eq!((only_six.address, only_six.ipv6), (None, "2620:9b::1".parse().ok()));
    assert_eq!(only_six.nickname.as_deref(), Some("a : b"));
    assert_eq!(only_six.lmi_account.as_deref(), Some("user@example.com (pending)"));
}

const LIST: &str = "\u{20}* [onianofficelan]  capacity: 2/5, subscription type: Free, owner: onian (221-094-578)
     * 221-094-578   onian                      25.66.125.69      alias: not set           2620:9b::1942:7d45                          direct      UDP  85.106.8.58:42806
     x 090-111-222   Eduardo                    25.1.2.3
       090-345-678   Lapo                       25.4.5.6   alias: not set                             direct
     ! 094-409-761   scrawl                     25.7.8.9   alias: 25.3.4.5   2620:9b::753:b470    direct      UDP  170.45.240.141:43667  This address is also used by another peer
     ? 094-139-744 
       You are approaching your member limit and may soon have to upgrade your network.
   [398-581-422]test789-net  capacity: 4/256,   [192.168.155.24/24]  subscription type: Multi-network, owner: This computer
     * 111-222-333   a b with a very long name 25.9.9.9      via relay   TCP
";

#[test]
fn networks_and_peers_are_listed() {
    let networks = networks(LIST);
    let heads: Vec<_> =
        networks.iter().map(|n| (n.id.as_str(), n.name.as_str(), n.is_online, n.peers.len())).collect();
    assert_eq!(
        heads,
        [("onianofficelan", "onianofficelan", true, 5), ("398-581-422", "test789-net", false, 1)]
    );
    let some_text = |text: &str| Some(text.to_owned());
    let (free, gateway) = (&networks[0], &networks[1]);
    assert_eq!((&free.capacity, &free.subscription), (&some_text("2/5"), &some_text("Free")));
    assert_eq!((&free.owner, &free.subnet), (&some_text("onian (221-094-578)"), &None));
    assert_eq!(
        (&gateway.capacity, &gateway.subscription),
        (&some_text("4/256"), &some_text("Multi-network"))
    );
    assert_eq!(
        (&gateway.owner, &gateway.subnet),
        (&some_text("This computer"), &some_text("192.168.155.24/24"))
    );
    type Row = (&'static str, Option<&'static str>, Option<&'static str>, PeerState, Option<&'static str>);
    let rows: [Row; 6] = [
        ("221-094-578", Some("onian"), Some("25.66.125.69"), PeerState::Online, Some("direct")),
        ("090-111-222", Some("Eduardo"), Some("25.1.2.3"), PeerState::Unreachable, None),
        ("090-345-678", Some("Lapo"), Some("25.4.5.6"), PeerState::Offline, Some("direct")),
        ("094-409-761", Some("scrawl"), Some("25.3.4.5"), PeerState::Error, Some("direct")),
        ("094-139-744", None, None, PeerState::Pending, None),
        (
            "111-222-333",
            Some("a b with a very long name"),
            Some("25.9.9.9"),
            PeerState::Online,
            Some("relay"),
        ),
    ];
    let peers: Vec<&VpnPeer> = networks.iter().flat_map(|n| &n.peers).collect();
    assert_eq!(peers.len(), rows.len());
    for (peer, (id, nickname, address, state, via)) in peers.iter().zip(rows) {
        assert_eq!((peer.client_id.as_str(), peer.nickname.as_deref()), (id, nickname));
        assert_eq!(
            (peer.address.map(|a| a.to_string()).as_deref(), peer.state, peer.via),
            (address, state, via),
            "{id}"
        );
    }
    assert_eq!(peers[0].ipv6, "2620:9b::1942:7d45".parse().ok());
}

#[test]
fn names_may_hold_what_the_lines_are_cut_at() {
    let rows = [
        (" * [a]b[c]  capacity: 1/5, owner: x", "a]b[c", "a]b[c", Some("1/5")),
        (" * [capacity: 9/9]  capacity: 1/5, owner: x", "capacity: 9/9", "capacity: 9/9", Some("1/5")),
        (" * [111-222-333]x ] y  capacity: 1/5, owner: x", "111-222-333", "x ] y", Some("1/5")),
        (" * [111-222-333]   spaced", "111-222-333", "spaced", None),
        (" * [111-222-333]", "111-222-333", "111-222-333", None),
    ];
    for (line, id, name, capacity) in rows {
        let found = networks(line);
        let found = found.first().unwrap_or_else(|| panic!("{line}"));
        assert_eq!(
            (found.id.as_str(), found.name.as_str(), found.capacity.as_deref()),
            (id, name, capacity),
            "{line}"
        );
    }
    for line in ["", "x", " * ", " * [", " * []", "     * 111-222-333  a", "hint [x]"] {
        assert!(networks(line).is_empty(), "{line}");
    }
}

#[test]
fn outcomes_are_told_from_names_that_look_like_them() {
    let refused = |kind, reason: &str| CommandOutcome::Refused(kind, reason.to_owned());
    let rows = [
        ("Joining plant .. ok\n", CommandOutcome::Done),
        ("Joining plant .. ok, request sent, waiting for approval\n\n", CommandOutcome::Pending),
        (
            "Joining plant .. failed, network not found\n",
            refused(RefusalKind::NoSuchNetwork, "network not found"),
        ),
        ("Joining plant .. failed, invalid password\n", refused(RefusalKind::Other, "invalid password")),
        (
            "Joining p .. failed, you are already a member\n",
            refused(RefusalKind::Member, "you are already a member"),
        ),
        ("Leaving plant .. failed\n", refused(RefusalKind::Other, "Hamachi refused without a reason.")),
        (
            "Joining x .. ok .. failed, the network is full\n",
            refused(RefusalKind::Other, "the network is full"),
        ),
        ("Logging in .......... ok\n", CommandOutcome::Done),
        ("Hint\nLeaving plant .. ok\nSee you .. later\n", CommandOutcome::Done),
        ("Leaving plant\n", CommandOutcome::Unknown),
        ("", CommandOutcome::Unknown),
    ];
    for (text, expected) in rows {
        assert_eq!(outcome(text), expected, "{text}");
    }
}

#[test]
fn complaints_are_told_from_networks_of_that_name() {
    assert_eq!(
        service_problem("Hamachi does not seem to be running.\nRun '/etc/init.d'"),
        Some("Hamachi is not running.")
    );
    assert!(service_problem("You do not have permission to control the hamachid daemon.").is_some());
    assert_eq!(service_problem(" * [Hamachi does not seem to be running]  capacity: 1/5"), None);
}

proptest! {
    #[test]
    fn no_output_panics(bytes in prop::collection::vec(any::<u8>(), 0..400), text in "[ *x!?\\[\\]0-9a-z:.,\n-]{0,400}") {
        for text in [String::from_utf8_lossy(&bytes).into_owned(), text] {
            drop((status(&text), networks(&text), outcome(&text), service_problem(&text)));
        }
    }

    #[test]
    fn the_documented_output_cut_or_changed_anywhere_does_no_harm(
        at in any::<prop::sample::Index>(), byte in any::<u8>(), is_cut in any::<bool>(),
    ) {
        let mut bytes = LIST.as_bytes().to_vec();
        let at = at.index(bytes.len());
        if is_cut { bytes.truncate(at) } else { bytes[at] = byte }
        // A line break in place of a comma turns a subnet into a line of its own.
        prop_assert!(networks(&String::from_utf8_lossy(&bytes)).len() <= 3);
    }

    #[test]
    fn any_name_comes_back(name in "[a-zA-Z\\[\\]. äß-]{2,60}[a-z]", member in 0u32..300) {
        let line = format!(" * [{name}]  capacity: {member}/300, subscription type: Free, owner: This computer");
        let found = networks(&line);
        prop_assert_eq!(found.len(), 1);
        prop_assert_eq!(&found[0].capacity, &Some(format!("{member}/300")));
        // After a bracket in a name, the rest reads like the name of a managed network.
        if !name.contains(']') {
            prop_assert_eq!(&found[0].id, &name);
        }
    }
}

//! Parser of the Hamachi client's output. Pure; arbitrary text is at worst misread, never an error or a panic.
//!
//! Columns are counted in characters, because names are UTF-8 and may be cut in the middle of a character.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::domain::hamachi::{PeerState, VpnNetwork, VpnPeer, VpnStatus};

/// Columns of a network line: its status mark and its bracket.
const NETWORK_MARK: usize = 1;
const NETWORK_BRACKET: usize = 3;
/// Columns of a peer line: its status mark, and its client id of eleven characters.
const PEER_MARK: usize = 5;
const PEER_ID: usize = 7;
const ID_LEN: usize = 11;

/// Returns why the client cannot be used at all, if it says so.
pub(super) fn service_problem(text: &str) -> Option<&'static str> {
    text.lines().map(str::trim).find_map(|line| {
        if line.starts_with("Hamachi does not seem to be running") {
            Some("Hamachi is not running.")
        } else if line.starts_with("You do not have permission to control") {
            Some("Hamachi does not let this server's user control it.")
        } else {
            None
        }
    })
}

/// Parses `key : value` lines in any order.
pub(super) fn status(text: &str) -> VpnStatus {
    let mut status = VpnStatus::default();
    for (key, value) in text.lines().filter_map(|line| line.split_once(':')) {
        let Some(value) = non_empty(value) else { continue };
        match key.trim() {
            "version" => {
                status.version =
                    non_empty(value.strip_prefix("hamachi-lnx-").unwrap_or(value)).map(str::to_owned)
            }
            "pid" => status.pid = value.parse().ok(),
            "status" => status.status = Some(value.to_owned()),
            "client id" => status.client_id = Some(value.to_owned()),
            "address" => {
                status.address = value.split_whitespace().find_map(|word| word.parse().ok());
                status.ipv6 = value.split_whitespace().find_map(|word| word.parse().ok());
            }
            "nickname" => status.nickname = Some(value.to_owned()),
            "lmi account" => status.lmi_account = Some(value.to_owned()),
            _ => {}
        }
    }
    status
}

/// Parses networks with the peers listed below each; other lines are hints for people and are skipped.
pub(super) fn networks(text: &str) -> Vec<VpnNetwork> {
    let mut networks: Vec<VpnNetwork> = Vec::new();
    for line in text.lines() {
        let columns: Vec<char> = line.chars().collect();
        if let Some(network) = network(&columns) {
            networks.push(network);
        } else if let (Some(network), Some(peer)) = (networks.last_mut(), peer(&columns)) {
            network.peers.push(peer);
        }
    }
    networks
}

fn network(columns: &[char]) -> Option<VpnNetwork> {
    let is_online = match (columns.get(NETWORK_MARK)?, columns.get(NETWORK_BRACKET)?) {
        ('*', '[') => true,
        (' ', '[') => false,
        _ => return None,
    };
    let rest: String = columns[NETWORK_BRACKET + 1..].iter().collect();
    // A name may contain this word and brackets; what follows the last occurrence comes from the client.
    let (head, tail) = rest.rsplit_once("capacity: ").unwrap_or((&rest, ""));
    let (id, name) = bracketed(head.trim_end())?;
    let (capacity, tail) = tail.split_once(',').unwrap_or((tail, ""));
    let (subnet, tail) = subnet(tail.trim_start());
    let subscription = tail.split_once("subscription type: ").map_or("", |(_, rest)| rest);
    let (subscription, owner) = match subscription.split_once(", owner: ") {
        Some((kind, owner)) => (kind, owner),
        None => (subscription, tail.split_once("owner: ").map_or("", |(_, owner)| owner)),
    };
    let owned = |text: &str| non_empty(text).map(str::to_owned);
    Some(VpnNetwork {
        id: id.to_owned(),
        name: name.to_owned(),
        is_online,
        capacity: owned(capacity),
        owner: owned(owner),
        subscription: owned(subscription),
        subnet: owned(subnet),
        peers: Vec::new(),
    })
}

/// Parses `id]name`, `id]  name`, or `name]`: the name of an unmanaged network is its id.
fn bracketed(head: &str) -> Option<(&str, &str)> {
    let managed = head.split_once(']').filter(|(id, _)| is_client_id(id));
    let (id, name) = managed.or_else(|| head.rsplit_once(']'))?;
    let name = name.trim();
    (!id.is_empty()).then_some((id, if name.is_empty() { id } else { name }))
}

/// Splits off the `[192.168.155.24/24]` of a gateway network.
fn subnet(tail: &str) -> (&str, &str) {
    tail.strip_prefix('[').and_then(|rest| rest.split_once(']')).unwrap_or(("", tail))
}

fn peer(columns: &[char]) -> Option<VpnPeer> {
    let state = match columns.get(PEER_MARK)? {
        '*' => PeerState::Online,
        ' ' => PeerState::Offline,
        'x' => PeerState::Unreachable,
        '!' => PeerState::Error,
        '?' => PeerState::Pending,
        _ => return None,
    };
    let id: String = columns.get(PEER_ID..PEER_ID + ID_LEN)?.iter().collect();
    if !is_client_id(&id) {
        return None;
    }
    let rest: String = columns[PEER_ID + ID_LEN..].iter().collect();
    let mut peer = VpnPeer { client_id: id, nickname: None, address: None, ipv6: None, state, via: None };
    // Columns are separated by at least two spaces; a nickname may contain single ones.
    let fields = rest.split("  ").map(str::trim).filter(|field| !field.is_empty());
    for (at, field) in fields.enumerate() {
        let field = if at == 0 { nickname(&mut peer, field) } else { field };
        apply_peer_field(&mut peer, field);
    }
    Some(peer)
}

/// Splits the nickname off the first field and returns the rest: a long name leaves only one space before the
/// address.
fn nickname<'a>(peer: &mut VpnPeer, field: &'a str) -> &'a str {
    let is_address = |text: &str| text.parse::<Ipv4Addr>().is_ok();
    let (name, rest) = match field.rsplit_once(' ') {
        Some((name, last)) if is_address(last) => (name.trim_end(), last),
        _ if is_address(field) => ("", field),
        _ => (field, ""),
    };
    peer.nickname = non_empty(name).map(str::to_owned);
    rest
}

fn apply_peer_field(peer: &mut VpnPeer, field: &str) {
    if let Ok(address) = field.parse::<Ipv4Addr>() {
        peer.address.get_or_insert(address);
    } else if let Ok(address) = field.parse::<Ipv6Addr>() {
        peer.ipv6.get_or_insert(address);
    } else if let Some(alias) = field.strip_prefix("alias:") {
        if let Ok(alias) = alias.trim().parse() {
            peer.address = Some(alias);
        }
    } else {
        let ways = [("direct", "direct"), ("via relay", "relay"), ("via server", "server")];
        let way = ways.into_iter().find(|(said, _)| *said == field);
        peer.via = peer.via.or(way.map(|(_, way)| way));
    }
}

/// Outcome of a command that changes something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CommandOutcome {
    Done,
    /// Accepted, but somebody has to approve it.
    Pending,
    Refused(RefusalKind, String),
    /// The output contains no outcome.
    Unknown,
}

/// Kinds of refusal that are handled differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RefusalKind {
    NoSuchNetwork,
    /// The machine is already a member or the owner.
    Member,
    Other,
}

/// Parses the end of the last matching line: `… .. ok[, remark]` or `… .. failed[, reason]`. A network's name may
/// contain the same words, so only what follows the last dots counts.
pub(super) fn outcome(text: &str) -> CommandOutcome {
    let ends = text.lines().filter_map(|line| line.rsplit_once(".. ").map(|(_, end)| end.trim()));
    for end in ends.rev() {
        let (word, remark) =
            end.split_once(',').map_or((end, ""), |(word, remark)| (word.trim(), remark.trim()));
        match word {
            "ok" if remark.contains("waiting for approval") => return CommandOutcome::Pending,
            "ok" => return CommandOutcome::Done,
            "failed" => return refused(remark),
            _ => {}
        }
    }
    CommandOutcome::Unknown
}

fn refused(reason: &str) -> CommandOutcome {
    let kind = if reason.contains("network not found") {
        RefusalKind::NoSuchNetwork
    } else if reason.contains("you are already a member") || reason.contains("you are an owner") {
        RefusalKind::Member
    } else {
        RefusalKind::Other
    };
    let reason = if reason.is_empty() { "Hamachi refused without a reason." } else { reason };
    CommandOutcome::Refused(kind, reason.to_owned())
}

/// Whether the text is `NNN-NNN-NNN`, the id of a client or of a managed network.
fn is_client_id(text: &str) -> bool {
    let groups =
        text.split('-').filter(|group| group.len() == 3 && group.bytes().all(|b| b.is_ascii_digit()));
    text.len() == ID_LEN && groups.count() == 3
}

/// The trimmed value, unless it is empty or the dash that stands for none.
fn non_empty(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty() && *text != "-")
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;

//! Memory that idle sessions take.

use std::net::{Ipv4Addr, SocketAddr};

use futures::{StreamExt, TryStreamExt, stream};

use super::broker::Broker;
use super::connection::MqttConnection;
use crate::cli::bench::disk::format_mebibytes;
use crate::cli::print;
use crate::domain::Result;

/// Sessions that are opened at the same time.
const CONCURRENT: usize = 32;
/// Sessions from one address of this machine, which has some 28,000 ports for connections to one broker.
const SESSIONS_PER_ADDRESS: usize = 20_000;

/// Opens the sessions, each with a subscription, and prints the memory before and with them. All must answer a ping.
pub async fn measure(broker: &Broker, count: usize) -> Result<()> {
    let (_, filter) = broker.topics(1).await?;
    let before = broker.memory_bytes();
    let open = |number: usize| {
        let filter = &filter;
        async move {
            let id = format!("bench-idle-{number}");
            let (local, key) = (local_address(&broker.address, number), broker.key.as_deref());
            let mut connection = MqttConnection::open_from(local, &broker.address, &id, key).await?;
            connection.subscribe(filter).await?;
            Ok::<_, crate::domain::Error>(connection)
        }
    };
    let opening = stream::iter(0..count).map(open).buffer_unordered(CONCURRENT);
    let mut sessions: Vec<MqttConnection> = opening.try_collect().await?;
    let with = broker.memory_bytes();
    for session in &mut sessions {
        session.ping().await?;
    }
    let each = with.zip(before).map(|(with, before)| with.saturating_sub(before) / count.max(1) as u64);
    let each = each
        .map_or("not told by this system".to_owned(), |bytes| format!("{:.1} KiB", bytes as f64 / 1024.0));
    print::line(&format!(
        "{count} idle sessions: {} resident, {} before them; {each} a session",
        format_mebibytes(with),
        format_mebibytes(before)
    ))
}

/// Returns the address from which a session is opened; `None` is the system's choice. A broker on this machine is reached from all
/// addresses of the loopback network, at least on Linux.
fn local_address(broker: &str, number: usize) -> Option<Ipv4Addr> {
    let is_here = broker.parse::<SocketAddr>().is_ok_and(|address| address.ip() == Ipv4Addr::LOCALHOST);
    let nth = u8::try_from(number / SESSIONS_PER_ADDRESS).ok().filter(|nth| (1..250).contains(nth))?;
    is_here.then(|| Ipv4Addr::new(127, 0, 0, 1 + nth))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_sessions_of_one_machine_have_several_addresses() {
        let local = |number| local_address("127.0.0.1:1883", number).map(|address| address.to_string());
        assert_eq!(local(SESSIONS_PER_ADDRESS - 1), None);
        assert_eq!(local(SESSIONS_PER_ADDRESS).as_deref(), Some("127.0.0.2"));
        assert_eq!(local(5 * SESSIONS_PER_ADDRESS - 1).as_deref(), Some("127.0.0.5"));
        for elsewhere in ["192.0.2.1:1883", "localhost:1883", "[::1]:1883"] {
            assert_eq!(local_address(elsewhere, SESSIONS_PER_ADDRESS), None, "{elsewhere}");
        }
    }
}

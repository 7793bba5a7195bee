//! Memory that idle sessions take.

use futures::{StreamExt, TryStreamExt, stream};

use super::broker::Broker;
use super::connection::MqttConnection;
use crate::cli::bench::disk::format_mebibytes;
use crate::cli::print;
use crate::domain::Result;

/// Sessions that are opened at the same time.
const CONCURRENT: usize = 32;

/// Opens the sessions, each with a subscription, and prints the memory before and with them. All must answer a ping.
pub async fn measure(broker: &Broker, count: usize) -> Result<()> {
    let (_, filter) = broker.topics(1).await?;
    let before = broker.memory_bytes();
    let open = |number: usize| {
        let filter = &filter;
        async move {
            let id = format!("bench-idle-{number}");
            let mut connection = MqttConnection::open(&broker.address, &id, broker.key.as_deref()).await?;
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

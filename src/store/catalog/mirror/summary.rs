//! What a mirror holds as text, for tests that compare a mirror with one that was loaded at once.

use std::collections::BTreeMap;
use std::fmt::Debug;

use super::Mirror;

/// The summaries of all parts by their names. It names every field of the mirror, so a new one has to be added; the revision is
/// left out, because it counts what has happened.
macro_rules! parts {
    ($mirror:expr => $($part:ident: $summary:expr),+ $(,)?) => {{
        let Mirror { $($part,)+ revision: _ } = $mirror;
        BTreeMap::from([$((stringify!($part), $summary)),+])
    }};
}

impl Mirror {
    /// The rows of each part as text, in order, and what its indexes find.
    pub(in crate::store::catalog) fn summary(&self) -> BTreeMap<&'static str, Vec<String>> {
        parts! { self =>
            orgs: lines(orgs.all()),
            plans: lines(plans),
            users: lines(users.all()),
            sessions: lines(sessions),
            keys: lines(keys.all()),
            clients: lines(clients.all()),
            tokens: lines(tokens.all().map(|row| (row, tokens.get_by_access(&row.hashes.access)))),
            products: lines(products.all()),
            devices: lines(devices.all().map(|row| (row, devices.get_by_uuid(row.aliases.uuid)))),
            certificates: lines(
                certificates.all().map(|row| (row, certificates.by_fingerprint(&row.fingerprint)))
            ),
            registrations: lines(registrations.all().map(|row| (row, registrations.by_uuid(row.uuid)))),
            groups: lines(groups.all()),
            streams: lines(streams.all()),
            channels: lines(streams.all().map(|row| {
                channels.find(&(row.spec.device, row.channel), |id| id == row.id).map(|id| (id, row.channel))
            })),
            pins: lines(pins),
            streams_of_org: lines(streams_of_org),
            members: lines(members),
            models: lines(models),
            model_of: lines(model_of),
            policies: lines(policies),
            commands: lines(commands.all().map(|row| (row, commands.by_uuid(row.uuid)))),
            objects: lines(objects.all()),
            binding_reports: lines(binding_reports.all()),
            documents: lines(documents.all().map(|row| (row, documents.by_uuid(row.uuid)))),
            alert_rules: lines(alert_rules.all().map(|row| (row, alert_rules.by_uuid(row.uuid)))),
            media: lines(media.all().map(|row| (row, media.by_uuid(row.uuid)))),
            stream_uuids: lines(streams.all().map(|row| {
                stream_uuids.find(&row.uuid, |id| id == row.id).map(|id| (id, row.uuid))
            })),
            floors: lines(floors),
        }
    }
}

/// A line for each row, in order.
fn lines<R: Debug>(rows: impl IntoIterator<Item = R>) -> Vec<String> {
    let mut lines: Vec<_> = rows.into_iter().map(|row| format!("{row:?}")).collect();
    lines.sort_unstable();
    lines
}

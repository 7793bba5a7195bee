//! Content of a mirror as text, for tests that compare a mirror with one that was loaded at once.

use std::collections::BTreeMap;
use std::fmt::Debug;

use super::Mirror;
use super::id_table::IdTable;
use crate::domain::StreamId;

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
            orgs: with_entries(lines(orgs.all()), orgs.entries()),
            plans: lines(plans),
            users: with_entries(lines(users.all()), users.entries()),
            sessions: lines(sessions),
            keys: with_entries(lines(keys.all()), keys.entries()),
            clients: with_entries(lines(clients.all()), clients.entries()),
            tokens: lines(tokens.all().map(|row| (row, tokens.get_by_access(&row.hashes.access)))),
            products: with_entries(lines(products.all()), products.entries()),
            devices: with_entries(lines(devices.all()), devices.entries()),
            certificates: lines(
                certificates.all().map(|row| (row, certificates.by_fingerprint(&row.fingerprint)))
            ),
            registrations: lines(registrations.all().map(|row| (row, registrations.by_uuid(row.uuid)))),
            groups: with_entries(lines(groups.all()), groups.entries()),
            streams: with_entries(lines(streams.all()), streams.entries()),
            channels: with_entries(
                lines(streams.all().map(|row| {
                    channels.find(&(row.spec.device, row.channel), |id| id == row.id).map(|id| (id, row.channel))
                })),
                count(channels),
            ),
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
            stream_uuids: with_entries(
                lines(streams.all().map(|row| {
                    stream_uuids.find(&row.uuid, |id| id == row.id).map(|id| (id, row.uuid))
                })),
                count(stream_uuids),
            ),
            floors: lines(floors),
        }
    }
}

/// The lines of a part's rows, and of what its indexes hold beside them: also what is left of a row that is gone.
fn with_entries(mut rows: Vec<String>, entries: impl IntoIterator<Item = String>) -> Vec<String> {
    let start = rows.len();
    rows.extend(entries);
    rows[start..].sort_unstable();
    rows
}

fn count(table: &IdTable<StreamId>) -> Option<String> {
    (table.len() > 0).then(|| format!("{} entries", table.len()))
}

/// A line for each row, in order.
fn lines<R: Debug>(rows: impl IntoIterator<Item = R>) -> Vec<String> {
    let mut lines: Vec<_> = rows.into_iter().map(|row| format!("{row:?}")).collect();
    lines.sort_unstable();
    lines
}

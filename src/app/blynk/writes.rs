//! Values that are set now: stored with one time for all, and passed on to devices that are connected.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde_json::{Map, Value, json};

use super::Blynk;
use super::value::{self, Content};
use crate::app::body_memory::{BodyMemoryReservation, MemoryHolder};
use crate::app::token::ClientAccess;
use crate::domain::command::{CommandSpec, VIRTUAL_WRITE_KIND};
use crate::domain::reading::{Quality, Reading, Readings};
use crate::domain::stream::Stream;
use crate::domain::{Micros, Result, StreamId};

/// The values of one request.
pub(super) struct ValueWrites<'a> {
    blynk: &'a Blynk,
    access: &'a ClientAccess,
    /// Their time is that of the request, which is assigned when they are stored.
    rows: Readings,
    /// One for each stream of a connected device.
    commands: Vec<CommandSpec>,
    /// Index of each stream's command.
    command_of: HashMap<StreamId, usize>,
}

impl<'a> ValueWrites<'a> {
    pub(super) fn new(blynk: &'a Blynk, access: &'a ClientAccess) -> Self {
        let (commands, command_of) = (Vec::new(), HashMap::new());
        Self { blynk, access, rows: Readings::default(), commands, command_of }
    }

    /// Adds a value; of several for one stream the last counts. Returns whether the stream takes it.
    pub(super) fn add(&mut self, stream: &Stream, input: &Value) -> bool {
        let Some((value, text)) = value::parse(&stream.spec, input) else { return false };
        if self.blynk.hub.is_connected(stream.spec.device)
            && let Some(command) = virtual_write(stream, &(value, text.clone()))
        {
            self.put_command(stream.id, command);
        }
        self.rows.push(Reading { stream: stream.id, ts: Micros(0), value, text, quality: Quality::Good });
        true
    }

    /// Keeps a stream's command instead of an earlier one: a device is told what is stored.
    fn put_command(&mut self, stream: StreamId, command: CommandSpec) {
        match self.command_of.entry(stream) {
            Entry::Occupied(index) => self.commands[*index.get()] = command,
            Entry::Vacant(free) => {
                free.insert(self.commands.len());
                self.commands.push(command);
            }
        }
    }

    /// Queues the commands, then stores the values: when a queue is full, nothing is stored.
    ///
    /// # Errors
    /// `Busy` when too many commands wait, or as `Store::write`.
    pub(super) async fn store(self) -> Result<()> {
        let Self { blynk, access, mut rows, commands, .. } = self;
        if rows.is_empty() {
            return Ok(());
        }
        let mut memory = BodyMemoryReservation::empty(MemoryHolder::Rows);
        memory.grow_to(rows.size_bytes()).await?;
        if !commands.is_empty() {
            let catalog = blynk.store.catalog();
            catalog.commands.create_commands(&access.principal, commands, blynk.command_ttl).await?;
        }
        let mut streams: Vec<StreamId> = rows.stream.iter().map(|id| StreamId(*id)).collect();
        streams.sort_unstable();
        streams.dedup();
        let ts = blynk.store.assign_common_millis(&streams);
        rows.ts.fill(ts.0);
        blynk.store.write(&access.principal, rows).await?;
        Ok(())
    }
}

/// The command that sets the pin of a stream to a value.
fn virtual_write(stream: &Stream, (value, text): &Content) -> Option<CommandSpec> {
    let value = value::to_json(stream.spec.kind, *value, text.as_deref())?;
    let mut params = Map::new();
    params.insert("dataStreamId".to_owned(), json!(stream.channel));
    params.insert("pin".to_owned(), json!(stream.pin()));
    params.insert("value".to_owned(), value);
    Some(CommandSpec {
        device: stream.spec.device,
        kind: VIRTUAL_WRITE_KIND.to_owned(),
        params: params.into(),
    })
}

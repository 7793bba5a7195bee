//! Queues retained messages of a session as its client takes them.

use super::retained_pass::{RetainedPass, SLICE};
use super::session::MqttSession;

impl MqttSession {
    /// Queues the next of what is retained, as long as there is room for it.
    pub(super) fn queue_retained(&mut self) {
        let who = self.principal().clone();
        let access = self.broker.access.clone();
        let backlog = &mut self.memory.retained;
        if backlog.current.is_none() && !backlog.next.is_empty() {
            let requests = std::mem::take(&mut backlog.next);
            backlog.current = Some(RetainedPass::new(&access, &who, requests));
        }
        let Some(mut pass) = backlog.current.take() else { return };
        if let Some(messages) = pass.take_slice(&access, &who) {
            messages.into_iter().for_each(|message| self.queue(message));
            self.memory.retained.current = Some(pass);
            return;
        }
        let filters = pass.requests.iter().filter(|request| !request.is_documents_only);
        let filters: Vec<&str> = filters.map(|request| request.filter.as_str()).collect();
        if let Some(last) = self.queue_host_states(&filters, pass.last_state.as_deref(), SLICE) {
            pass.last_state = Some(last);
            self.memory.retained.current = Some(pass);
        }
    }
}

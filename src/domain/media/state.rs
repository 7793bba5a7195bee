//! States of captures, clips and live sessions, and what may follow each.

use serde::{Deserialize, Serialize};

use super::{LIVE_START_S, LiveSession};
use crate::domain::Micros;
use crate::domain::named_enum::named_enum;
use crate::domain::time::MICROS_PER_SECOND;

macro_rules! states {
    ($(#[$doc:meta])* $name:ident { $($(#[$state_doc:meta])* $state:ident = $text:literal -> [$($next:ident),*],)+ }) => {
        named_enum! {
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
            #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
            pub enum $name {
                $($(#[$state_doc])* $state = $text,)+
            }
        }

        impl $name {
            /// The states that may follow.
            pub fn next(self) -> &'static [$name] {
                match self {
                    $($name::$state => &[$($name::$next),*],)+
                }
            }

            /// Whether nothing follows.
            pub fn is_final(self) -> bool {
                self.next().is_empty()
            }

            /// Whether `next` is the same state or may follow.
            pub fn may_become(self, next: $name) -> bool {
                self == next || self.next().contains(&next)
            }
        }
    };
}

states! {
    /// How far a capture is.
    CaptureState {
        /// It waits for its recording.
        #[default]
        Pending = "PENDING" -> [Recording, Failed],
        /// It is being recorded.
        Recording = "RECORDING" -> [Ready, Failed],
        /// The recording is durable.
        Ready = "READY" -> [],
        /// There is no recording; `error` says why.
        Failed = "FAILED" -> [],
    }
}

states! {
    /// How far a request for a clip is.
    ClipState {
        /// It waits for its recording.
        #[default]
        Pending = "PENDING" -> [Running, Failed],
        /// It is being fetched from the recorder. A stop of the server makes it wait again.
        Running = "RUNNING" -> [Pending, Ready, Failed],
        /// Its capture is READY.
        Ready = "READY" -> [],
        /// There is no capture; `error` says why.
        Failed = "FAILED" -> [],
    }
}

states! {
    /// How far a live session is.
    LiveState {
        /// The camera was asked for pictures.
        #[default]
        Requested = "REQUESTED" -> [Active, Stopping, Expired],
        /// Pictures can be fetched.
        Active = "ACTIVE" -> [Stopping, Expired],
        /// Somebody asked for its end.
        Stopping = "STOPPING" -> [Stopped, Expired],
        /// It ended because somebody asked for it.
        Stopped = "STOPPED" -> [],
        /// It ended by its time, a failure or a stop of the server.
        Expired = "EXPIRED" -> [],
    }
}

/// Event of a live session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LiveAction {
    /// The first pictures are there.
    Started,
    /// Somebody asks for its end.
    Stop,
    /// Its program has ended, with the reason if it ended by itself.
    Ended(Option<String>),
    /// Time passes.
    Tick,
}

impl LiveSession {
    /// The session after something happened at a time; `None` when it stays as it is. Its time ends it before anything else
    /// does.
    pub fn after(&self, action: LiveAction, now: Micros) -> Option<LiveSession> {
        if self.state.is_final() {
            return None;
        }
        let expired = |error: Option<String>| LiveSession {
            state: LiveState::Expired,
            ended_at: Some(now),
            error,
            ..self.clone()
        };
        if now >= self.expires_at {
            return Some(expired(None));
        }
        let start_until = self.requested_at.0.saturating_add(LIVE_START_S * MICROS_PER_SECOND);
        let is_late = self.state == LiveState::Requested && now.0 >= start_until;
        match (action, self.state) {
            _ if is_late => {
                Some(expired(Some(format!("the camera sent no pictures within {LIVE_START_S} seconds"))))
            }
            (LiveAction::Started, LiveState::Requested) => {
                Some(LiveSession { state: LiveState::Active, active_at: Some(now), ..self.clone() })
            }
            (LiveAction::Stop, LiveState::Requested | LiveState::Active) => {
                Some(LiveSession { state: LiveState::Stopping, ..self.clone() })
            }
            (LiveAction::Ended(_), LiveState::Stopping) => {
                Some(LiveSession { state: LiveState::Stopped, ended_at: Some(now), ..self.clone() })
            }
            (LiveAction::Ended(error), LiveState::Requested | LiveState::Active) => Some(expired(error)),
            (LiveAction::Started | LiveAction::Stop | LiveAction::Tick, _) => None,
            (LiveAction::Ended(_), LiveState::Stopped | LiveState::Expired) => None,
        }
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;

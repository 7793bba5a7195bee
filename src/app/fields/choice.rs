//! Closed sets of words, such as the protocols of a device.

use std::str::FromStr;

use crate::domain::device::Protocol;
use crate::domain::event::Level;
use crate::domain::model::{ModelKind, ScoreKind};
use crate::domain::policy::PolicyTable;
use crate::domain::stream::{AccessMode, ByteOrder, StreamKind};

/// A value of a closed set, written as a word.
pub trait Choice: FromStr {
    /// Every word of the set, in the order in which messages and documents list them.
    fn names() -> Vec<&'static str>;

    /// The word of this value.
    fn name(&self) -> &'static str;
}

macro_rules! choices {
    ($($set:ty),+ $(,)?) => {$(
        impl Choice for $set {
            fn names() -> Vec<&'static str> {
                <$set>::ALL.into_iter().map(<$set>::name).collect()
            }

            fn name(&self) -> &'static str {
                <$set>::name(*self)
            }
        }
    )+};
}

choices!(AccessMode, ByteOrder, Level, ModelKind, PolicyTable, Protocol, ScoreKind, StreamKind);

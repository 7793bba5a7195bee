//! A process of a case's own.

use std::ops::{Deref, DerefMut};
use std::process::Child;

/// A process. Dropping it kills it.
pub struct ChildGuard(pub Child);

impl Deref for ChildGuard {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl DerefMut for ChildGuard {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for ChildGuard {
    fn drop(&mut self) {
        // It may have ended already; either way it is gone afterwards.
        self.0.kill().unwrap_or(());
        let _ = self.0.wait();
    }
}

//! What one model may take: bounds of a load and of a run, and the account that is kept against them.

use super::error::Fault;

/// Bounds for files that anybody may have made. Beyond one, a load is refused and a run ends with an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Size of the file in bytes. Default 64 MiB.
    pub bytes: usize,
    /// Tensors of all subgraphs together, as many operators, buffers and subgraphs. Default 50,000.
    pub tensors: usize,
    /// Values alive at once, each of 4 or 8 bytes: the constants of a model, and apart from them what a run holds.
    /// Default 16 Mi, so at most 128 MiB each.
    pub elements: usize,
    /// Operators executed in a run, each turn of a loop counted. Default 200,000.
    pub steps: usize,
    /// Multiplications and values written, for each window of a run; what is slow counts several times. Default 2^30: of models
    /// made to be slow, the slowest found took two seconds of one core.
    pub work: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { bytes: 64 << 20, tensors: 50_000, elements: 16 << 20, steps: 200_000, work: 1 << 30 }
    }
}

/// What of the limits is left in one load or one run.
#[derive(Debug, Default)]
pub(super) struct Budget {
    steps: usize,
    work: usize,
    elements: usize,
}

impl Budget {
    /// A run of `windows` windows may do that many times the work of one.
    pub(super) fn new(limits: &Limits, windows: usize) -> Budget {
        let work = limits.work.saturating_mul(windows.max(1));
        Budget { steps: limits.steps, work, elements: limits.elements }
    }

    pub(super) fn step(&mut self) -> Result<(), Fault> {
        self.steps = self.steps.checked_sub(1).ok_or(Fault::Limit("steps"))?;
        Ok(())
    }

    /// Charges the product of `factors`.
    pub(super) fn work(&mut self, factors: &[usize]) -> Result<(), Fault> {
        let work = factors.iter().try_fold(1usize, |product, factor| product.checked_mul(*factor));
        let left = work.and_then(|work| self.work.checked_sub(work));
        self.work = left.ok_or(Fault::Limit("work"))?;
        Ok(())
    }

    /// Work that may still be done.
    pub(super) fn work_left(&self) -> usize {
        self.work
    }

    /// Whether `count` more values may be held; they are not yet taken off.
    pub(super) fn check(&self, count: usize) -> Result<(), Fault> {
        if count > self.elements { Err(Fault::Limit("elements")) } else { Ok(()) }
    }

    /// How many values may still be held.
    pub(super) fn left(&self) -> usize {
        self.elements
    }

    pub(super) fn hold(&mut self, count: usize) -> Result<(), Fault> {
        self.elements = self.elements.checked_sub(count).ok_or(Fault::Limit("elements"))?;
        Ok(())
    }

    pub(super) fn release(&mut self, count: usize) {
        self.elements = self.elements.saturating_add(count);
    }
}

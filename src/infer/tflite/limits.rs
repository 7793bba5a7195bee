//! Resource limits of loading and running one model, and the budget that enforces them.

use super::error::InterpreterError;

/// Limits for untrusted files. A load that exceeds one is refused, and a run ends with an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelLimits {
    /// Model size: the bytes of the file, as an upload gives them. Default 64 MiB.
    pub bytes: usize,
    /// Tensors of all subgraphs together, and separately operators, buffers and subgraphs. Default 50,000.
    pub tensors: usize,
    /// Live values of 4 or 8 bytes each: the constants of a model, and separately the values of a run. Default 16 Mi,
    /// so at most 128 MiB each.
    pub elements: usize,
    /// Operators executed per run, counted in every loop iteration. Default 200,000.
    pub steps: usize,
    /// Multiplications and values written, per window of a run; slow operations count several times. Default 2^30: the
    /// slowest model found, made to be slow, took two seconds of one core.
    pub work: usize,
}

impl Default for ModelLimits {
    fn default() -> ModelLimits {
        ModelLimits { bytes: 64 << 20, tensors: 50_000, elements: 16 << 20, steps: 200_000, work: 1 << 30 }
    }
}

/// Remaining limits of one load or one run.
#[derive(Debug, Default)]
pub(super) struct ResourceBudget {
    steps: usize,
    work: usize,
    elements: usize,
}

impl ResourceBudget {
    /// Creates a budget; a run of `windows` windows may do that many times the work of one.
    pub(super) fn new(limits: &ModelLimits, windows: usize) -> ResourceBudget {
        let work = limits.work.saturating_mul(windows.max(1));
        ResourceBudget { steps: limits.steps, work, elements: limits.elements }
    }

    pub(super) fn charge_step(&mut self) -> Result<(), InterpreterError> {
        self.steps = self.steps.checked_sub(1).ok_or(InterpreterError::Limit("steps"))?;
        Ok(())
    }

    /// Charges the product of `factors`.
    pub(super) fn charge_work(&mut self, factors: &[usize]) -> Result<(), InterpreterError> {
        let work = factors.iter().try_fold(1usize, |product, factor| product.checked_mul(*factor));
        let left = work.and_then(|work| self.work.checked_sub(work));
        self.work = left.ok_or(InterpreterError::Limit("work"))?;
        Ok(())
    }

    /// Returns the remaining work.
    pub(super) fn work_left(&self) -> usize {
        self.work
    }

    /// Checks that `count` more values may be held, without charging them.
    pub(super) fn check_elements(&self, count: usize) -> Result<(), InterpreterError> {
        if count > self.elements { Err(InterpreterError::Limit("elements")) } else { Ok(()) }
    }

    /// Returns how many more values may be held.
    pub(super) fn elements_left(&self) -> usize {
        self.elements
    }

    pub(super) fn hold_elements(&mut self, count: usize) -> Result<(), InterpreterError> {
        self.elements = self.elements.checked_sub(count).ok_or(InterpreterError::Limit("elements"))?;
        Ok(())
    }

    pub(super) fn release_elements(&mut self, count: usize) {
        self.elements = self.elements.saturating_add(count);
    }
}

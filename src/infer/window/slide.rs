//! The last samples, in one piece of memory, so that a window of them is a slice.

#[derive(Debug)]
pub struct Slide {
    /// Values of a sample.
    width: usize,
    /// Values of a window.
    len: usize,
    /// Holds two windows; when it is full, its last window moves to its front.
    values: Vec<f64>,
    /// Samples since the last gap.
    run: u64,
}

impl Slide {
    pub fn new(features: usize, samples: usize) -> Self {
        let len = features * samples;
        Self { width: features, len, values: Vec::with_capacity(2 * len), run: 0 }
    }

    pub fn push(&mut self, row: &[f64]) {
        debug_assert_eq!(row.len(), self.width, "a row has one value a feature");
        if self.values.len() == 2 * self.len {
            self.values.drain(..self.len);
        }
        self.values.extend_from_slice(row);
        self.run += 1;
    }

    /// Begins anew: what comes next does not follow what is here.
    pub fn clear(&mut self) {
        self.values.clear();
        self.run = 0;
    }

    /// How many windows the samples since the last gap made; 0 if they are too few for one.
    pub fn windows(&self) -> u64 {
        let samples = (self.len / self.width) as u64;
        (self.run + 1).saturating_sub(samples)
    }

    /// The newest samples, oldest first, row by row; shorter than a window if there are fewer.
    pub fn window(&self) -> &[f64] {
        let from = self.values.len().saturating_sub(self.len);
        self.values.get(from..).unwrap_or_default()
    }
}

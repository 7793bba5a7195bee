//! One matrix product, on which everything with weights stands. Knows no tensors.
//!
//! Weights are packed once into panels as wide as the processor's vectors, so that a product reads them in order and keeps
//! its sums in registers. The vectors come from `pulp`, which finds out at run time what the processor can.

use std::sync::LazyLock;

use pulp::{Arch, Simd, WithSimd};

use super::error::Fault;
use super::limits::Budget;
use super::shape::Shape;

/// Found out once: asking costs more than a small product.
static ARCH: LazyLock<Arch> = LazyLock::new(Arch::new);

pub fn arch() -> Arch {
    *ARCH
}

/// How many numbers a vector of this processor holds.
pub fn lanes() -> usize {
    struct Lanes;
    impl WithSimd for Lanes {
        type Output = usize;

        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> usize {
            S::F32_LANES
        }
    }
    arch().dispatch(Lanes)
}

/// Weights made ready for products: `columns` sums of `depth` terms each.
#[derive(Debug, Clone, Default)]
pub struct Weights {
    depth: usize,
    columns: usize,
    /// Panels of as many columns as a vector has numbers, the last filled up with zeros; in a panel, term by term.
    panels: Vec<f32>,
}

/// Rows of `depth` values each, `stride` apart; they may overlap.
#[derive(Clone, Copy)]
pub struct Rows<'a> {
    pub values: &'a [f32],
    pub stride: usize,
    pub count: usize,
}

/// Rows computed together: enough sums at once to keep the multipliers busy, few enough for the registers.
const BLOCK: usize = 6;

impl Weights {
    /// From one row of weights for each column; of rows that are shorter than `depth` the rest is zero.
    pub fn of<'a>(
        depth: usize,
        rows: impl ExactSizeIterator<Item = &'a [f32]>,
        budget: &mut Budget,
    ) -> Result<Weights, Fault> {
        let (columns, lanes) = (rows.len(), lanes());
        // Filled up, they can be many times as many as they were.
        let size = Shape::of(&[columns.next_multiple_of(lanes), depth])?.count()?;
        budget.check(size)?;
        budget.work(&[size])?;
        let mut panels = vec![0.0; size];
        for (column, row) in rows.enumerate() {
            let panel = &mut panels[column / lanes * lanes * depth..];
            for (term, value) in row.iter().take(depth).enumerate() {
                panel[term * lanes + column % lanes] = *value;
            }
        }
        Ok(Weights { depth, columns, panels })
    }

    pub fn columns(&self) -> usize {
        self.columns
    }

    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Values it holds.
    pub fn size(&self) -> usize {
        self.panels.len()
    }

    /// Adds the products of `rows` and these weights to rows of `out`, which are `apart` from each other.
    pub fn multiply(&self, rows: Rows, out: &mut [f32], apart: usize) {
        struct Product<'a>(&'a Weights, Rows<'a>, &'a mut [f32], usize);
        impl WithSimd for Product<'_> {
            type Output = ();

            #[inline(always)]
            fn with_simd<S: Simd>(self, simd: S) {
                self.0.multiply_with(simd, self.1, self.2, self.3);
            }
        }
        arch().dispatch(Product(self, rows, out, apart));
    }

    /// The same within a kernel that has asked for vectors already.
    #[inline(always)]
    pub fn multiply_with<S: Simd>(&self, simd: S, rows: Rows, out: &mut [f32], apart: usize) {
        let mut row = 0;
        while row < rows.count {
            let rest = Rows { values: &rows.values[row * rows.stride..], count: rows.count - row, ..rows };
            let out = &mut out[row * apart..];
            match rest.count {
                1 => self.block::<S, 1>(simd, rest, out, apart),
                2 => self.block::<S, 2>(simd, rest, out, apart),
                3 => self.block::<S, 3>(simd, rest, out, apart),
                4 => self.block::<S, 4>(simd, rest, out, apart),
                5 => self.block::<S, 5>(simd, rest, out, apart),
                _ => self.block::<S, BLOCK>(simd, rest, out, apart),
            }
            row += BLOCK;
        }
    }

    /// The first `R` rows, as many panels at a time as there are registers for.
    #[inline(always)]
    fn block<S: Simd, const R: usize>(&self, simd: S, rows: Rows, out: &mut [f32], apart: usize) {
        let mut terms: [&[f32]; R] = [&[]; R];
        for (row, terms) in terms.iter_mut().enumerate() {
            *terms = &rows.values[row * rows.stride..][..self.depth];
        }
        let (vectors, _) = S::as_simd_f32s(&self.panels);
        let panels = self.columns.div_ceil(S::F32_LANES);
        let mut panel = 0;
        while panel < panels {
            let vectors = &vectors[panel * self.depth..];
            let column = panel * S::F32_LANES;
            let left = panels - panel;
            if left >= 4 && (S::REGISTER_COUNT >= 32 || R <= 2) {
                self.tile::<S, R, 4>(simd, (terms, vectors), (out, apart), column);
                panel += 4;
            } else if left >= 2 {
                self.tile::<S, R, 2>(simd, (terms, vectors), (out, apart), column);
                panel += 2;
            } else {
                self.tile::<S, R, 1>(simd, (terms, vectors), (out, apart), column);
                panel += 1;
            }
        }
    }

    /// `R` rows by `P` panels, whose first column is `column`.
    #[inline(always)]
    fn tile<S: Simd, const R: usize, const P: usize>(
        &self,
        simd: S,
        (terms, vectors): ([&[f32]; R], &[S::f32s]),
        (out, apart): (&mut [f32], usize),
        column: usize,
    ) {
        let mut panels: [&[S::f32s]; P] = [&[]; P];
        for (at, panel) in panels.iter_mut().enumerate() {
            *panel = &vectors[at * self.depth..][..self.depth];
        }
        let mut sums = [[simd.splat_f32s(0.0); P]; R];
        for term in 0..self.depth {
            for row in 0..R {
                let value = simd.splat_f32s(terms[row][term]);
                for panel in 0..P {
                    sums[row][panel] = simd.mul_add_e_f32s(value, panels[panel][term], sums[row][panel]);
                }
            }
        }
        for (row, sums) in sums.into_iter().enumerate() {
            let out = &mut out[row * apart..][..self.columns][column..];
            let (whole, rest) = S::as_mut_simd_f32s(out);
            for (panel, sum) in sums.into_iter().enumerate() {
                match whole.get_mut(panel) {
                    Some(kept) => *kept = simd.add_f32s(*kept, sum),
                    None => {
                        let kept = simd.partial_load_f32s(rest);
                        simd.partial_store_f32s(rest, simd.add_f32s(kept, sum));
                    }
                }
            }
        }
    }
}

//! Place of an expression in a condition, which decides whether NULL may count as false there.

/// The place of an expression under AND, OR and NOT.
#[derive(Debug, Clone, Copy)]
pub(super) struct Polarity {
    /// Whether the condition is this expression, perhaps AND others.
    pub(super) is_term: bool,
    pub(super) is_negated: bool,
}

impl Polarity {
    pub(super) const WHOLE: Polarity = Polarity { is_term: true, is_negated: false };
    pub(super) const PART: Polarity = Polarity { is_term: false, is_negated: false };

    /// Polarity of the operands of AND, or of OR, in this place: NOT (a OR b) is NOT a AND NOT b.
    pub(super) fn of_operand(self, is_and: bool) -> Polarity {
        Polarity { is_term: self.is_term && is_and != self.is_negated, ..self }
    }

    /// Polarity of what stands under NOT in this place.
    pub(super) fn negated(self) -> Polarity {
        Polarity { is_negated: !self.is_negated, ..self }
    }
}

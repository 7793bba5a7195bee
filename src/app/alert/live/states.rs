//! Stored form of what all rules remember: for each rule its id, the record with which it began, and its state.

use std::collections::HashMap;

use crate::domain::AlertRuleId;

const VERSION: u8 = 1;

/// A rule as it was evaluated since a record of the log: a change of what is evaluated begins anew.
pub type RuleVersion = (AlertRuleId, u64);

/// Returns the stored form of states.
pub fn encode(states: impl Iterator<Item = (RuleVersion, Vec<u8>)>) -> Vec<u8> {
    let mut out = vec![VERSION];
    for ((id, first_seq), state) in states {
        out.extend(id.0.to_le_bytes());
        out.extend(first_seq.to_le_bytes());
        // A state has at most some kilobytes.
        out.extend((state.len() as u32).to_le_bytes());
        out.extend(state);
    }
    out
}

/// Reads the stored form; `None` for anything else.
pub fn decode(bytes: &[u8]) -> Option<HashMap<RuleVersion, Vec<u8>>> {
    let (version, mut rest) = bytes.split_first()?;
    if *version != VERSION {
        return None;
    }
    let mut states = HashMap::new();
    while !rest.is_empty() {
        let (id, tail) = rest.split_first_chunk::<4>()?;
        let (first_seq, tail) = tail.split_first_chunk::<8>()?;
        let (len, tail) = tail.split_first_chunk::<4>()?;
        let (state, tail) = tail.split_at_checked(u32::from_le_bytes(*len) as usize)?;
        let version = (AlertRuleId(i32::from_le_bytes(*id)), u64::from_le_bytes(*first_seq));
        states.insert(version, state.to_vec());
        rest = tail;
    }
    Some(states)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_read_and_anything_cut_is_refused() {
        let states =
            HashMap::from([((AlertRuleId(1), 7), vec![1, 2, 3]), ((AlertRuleId(2), u64::MAX), Vec::new())]);
        let bytes = encode(states.clone().into_iter());
        assert_eq!(decode(&bytes), Some(states));
        assert_eq!(decode(&encode(std::iter::empty())), Some(HashMap::new()));
        assert_eq!(decode(&[]), None);
        assert_eq!(decode(&[9]), None);
        let one = encode([((AlertRuleId(1), 7), vec![1, 2, 3])].into_iter());
        for len in 2..one.len() {
            assert_eq!(decode(&one[..len]), None, "{len}");
        }
    }
}

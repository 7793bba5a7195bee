//! Recipients that took an e-mail which others of its recipients did not take yet: it is not sent to them again. They are kept
//! in memory, so that after a restart an e-mail goes to all of its recipients once more.

use std::collections::VecDeque;

use parking_lot::Mutex;

/// Most e-mails that are remembered; of those that are given up nobody tells.
const MAX_MAILS: usize = 1000;

/// Recipients by the id of their e-mail, the oldest e-mail first.
#[derive(Debug, Default)]
pub struct AcceptedRecipients(Mutex<VecDeque<(String, Vec<String>)>>);

impl AcceptedRecipients {
    /// Returns those of the recipients that do not have the e-mail yet.
    pub fn missing(&self, mail: &str, to: &[String]) -> Vec<String> {
        let mails = self.0.lock();
        let accepted = mails.iter().find(|(id, _)| id == mail).map(|(_, accepted)| accepted);
        let is_missing = |address: &&String| accepted.is_none_or(|accepted| !accepted.contains(address));
        to.iter().filter(is_missing).cloned().collect()
    }

    /// Notes that a recipient has the e-mail.
    pub fn add(&self, mail: &str, address: &str) {
        let mut mails = self.0.lock();
        if let Some(place) = mails.iter().position(|(id, _)| id == mail) {
            mails[place].1.push(address.to_owned());
            return;
        }
        if mails.len() >= MAX_MAILS {
            mails.pop_front();
        }
        mails.push_back((mail.to_owned(), vec![address.to_owned()]));
    }

    /// Forgets an e-mail that every recipient has.
    pub fn forget(&self, mail: &str) {
        self.0.lock().retain(|(id, _)| id != mail);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipient_is_missing_until_it_has_the_mail_and_memory_is_bounded() {
        let (recipients, to) = (AcceptedRecipients::default(), ["a@b.c".to_owned(), "d@e.f".to_owned()]);
        recipients.add("1", "a@b.c");
        assert_eq!(recipients.missing("1", &to), ["d@e.f"]);
        assert_eq!(recipients.missing("2", &to), to);
        recipients.add("1", "d@e.f");
        assert!(recipients.missing("1", &to).is_empty());
        recipients.forget("1");
        assert_eq!(recipients.missing("1", &to), to);
        (0..=MAX_MAILS).for_each(|mail| recipients.add(&mail.to_string(), "a@b.c"));
        assert_eq!(recipients.missing("0", &to).len(), 2);
        assert_eq!(recipients.missing("1", &to), ["d@e.f"]);
    }
}

//! The tables that are loaded alone, and whole, when they have changed.

use std::mem::swap;

use super::Mirror;
use crate::domain::named_enum::named_enum;

named_enum! {
    /// A table that fills one part of the mirror alone: that part has rows of no other table, and no other part is derived from
    /// it. Its rows name rows of other tables by their ids only, which are looked up when they are needed.
    ///
    /// | table | what of other tables its part names, and how |
    /// |---|---|
    /// | `alert_rules` | the stream or the device that a rule watches, by id |
    /// | `binding_reports` | the device by id, the binding by UUID |
    /// | `certificates` | the device by id |
    /// | `clients` | the user by id; whether it may act is asked at each use |
    /// | `commands` | the device by id |
    /// | `documents` | devices by id, other documents by UUID |
    /// | `keys` | allowed devices, streams and dashboards, by id |
    /// | `media_jobs` | the device by id, the camera by id and UUID, which the row repeats |
    /// | `models` with `model_versions` | the stream by id; nothing else is derived from them. Progress of live models is saved every few seconds |
    /// | `objects` | nothing but the organization, by id |
    /// | `org_plans` | nothing but the organization, by id |
    /// | `registrations` | the device by id |
    /// | `sessions` | the user by id; whoever changes a user so that it may not log in deletes its sessions in the database too |
    /// | `tokens` | the client and the user by id |
    ///
    /// Of every other mirrored table the rows that have changed are loaded: see `RowTable`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(in crate::store::catalog) enum LoneTable {
        AlertRules = "alert_rules",
        BindingReports = "binding_reports",
        Certificates = "certificates",
        Clients = "clients",
        Commands = "commands",
        Documents = "documents",
        Keys = "keys",
        MediaJobs = "media_jobs",
        /// Models with their versions, two tables.
        Models = "models",
        Objects = "objects",
        OrgPlans = "org_plans",
        Registrations = "registrations",
        Sessions = "sessions",
        Tokens = "tokens",
    }
}

/// The table that is loaded with `models`.
const MODEL_VERSIONS: &str = "model_versions";

impl LoneTable {
    /// The table of this name, if it is loaded alone.
    pub(in crate::store::catalog) fn by_name(name: &str) -> Option<Self> {
        if name == MODEL_VERSIONS {
            return Some(Self::Models);
        }
        Self::from_name(name)
    }
}

impl Mirror {
    /// Exchanges the parts that these tables fill with those of `fresh`. Everything else stays, also the revision: it counts
    /// changes of other tables.
    pub(in crate::store::catalog) fn exchange_parts(&mut self, fresh: &mut Mirror, tables: &[LoneTable]) {
        for table in tables {
            match table {
                LoneTable::AlertRules => {
                    fresh.alert_rules.continue_after(&self.alert_rules);
                    swap(&mut self.alert_rules, &mut fresh.alert_rules);
                }
                LoneTable::BindingReports => swap(&mut self.binding_reports, &mut fresh.binding_reports),
                LoneTable::Certificates => swap(&mut self.certificates, &mut fresh.certificates),
                LoneTable::Clients => swap(&mut self.clients, &mut fresh.clients),
                LoneTable::Commands => swap(&mut self.commands, &mut fresh.commands),
                LoneTable::Documents => {
                    fresh.documents.continue_after(&self.documents);
                    swap(&mut self.documents, &mut fresh.documents);
                }
                LoneTable::Keys => swap(&mut self.keys, &mut fresh.keys),
                LoneTable::MediaJobs => swap(&mut self.media, &mut fresh.media),
                LoneTable::Models => {
                    swap(&mut self.models, &mut fresh.models);
                    swap(&mut self.model_of, &mut fresh.model_of);
                }
                LoneTable::Objects => swap(&mut self.objects, &mut fresh.objects),
                LoneTable::OrgPlans => swap(&mut self.plans, &mut fresh.plans),
                LoneTable::Registrations => swap(&mut self.registrations, &mut fresh.registrations),
                LoneTable::Sessions => swap(&mut self.sessions, &mut fresh.sessions),
                LoneTable::Tokens => swap(&mut self.tokens, &mut fresh.tokens),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::store::catalog::migration::MIRRORED_TABLES;

    #[test]
    fn each_is_a_mirrored_table_and_is_found_by_its_name() {
        for table in LoneTable::ALL {
            assert!(MIRRORED_TABLES.contains(&table.name()), "{table:?} has no version");
            assert_eq!(LoneTable::by_name(table.name()), Some(table));
        }
        let names: BTreeSet<_> = LoneTable::ALL.iter().map(|table| table.name()).collect();
        assert!(
            names.iter().copied().eq(LoneTable::ALL.iter().map(|table| table.name())),
            "by name, each once"
        );
        assert_eq!(LoneTable::by_name(MODEL_VERSIONS), Some(LoneTable::Models));
        assert!(MIRRORED_TABLES.contains(&MODEL_VERSIONS));
        assert_eq!(LoneTable::by_name("streams"), None);
    }
}

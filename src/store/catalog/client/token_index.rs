//! In-memory index of token pairs: by id, by the hash of either token, and by client.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::domain::token::Token;
use crate::domain::{ClientId, Micros, TokenId, UserId};
use crate::store::catalog::mirror::id_sets::{IdSets, remove_id};
use crate::store::catalog::mirror::id_table::IdTable;

#[derive(Default)]
pub(in crate::store::catalog) struct TokenIndex {
    rows: HashMap<TokenId, Arc<Token>>,
    by_access: IdTable<TokenId>,
    by_refresh: IdTable<TokenId>,
    of_client: IdSets<ClientId, TokenId>,
}

impl TokenIndex {
    pub(in crate::store::catalog) fn get_by_access(&self, hash: &[u8; 32]) -> Option<&Arc<Token>> {
        let is_it = |id| self.rows.get(&id).is_some_and(|token: &Arc<Token>| token.hashes.access == *hash);
        self.rows.get(&self.by_access.find(hash, is_it)?)
    }

    /// The pair whose refresh token has this hash and was not used.
    pub(in crate::store::catalog) fn get_by_refresh(&self, hash: &[u8; 32]) -> Option<&Arc<Token>> {
        let is_it =
            |id| self.rows.get(&id).is_some_and(|token: &Arc<Token>| token.hashes.refresh == Some(*hash));
        self.rows.get(&self.by_refresh.find(hash, is_it)?)
    }

    /// Ids of a client's pairs, the oldest first.
    pub(in crate::store::catalog) fn of_client(
        &self,
        client: ClientId,
    ) -> impl ExactSizeIterator<Item = TokenId> {
        static NONE: BTreeSet<TokenId> = BTreeSet::new();
        self.of_client.get(&client).unwrap_or(&NONE).iter().copied()
    }

    #[cfg(test)]
    pub(in crate::store::catalog) fn all(&self) -> impl Iterator<Item = &Arc<Token>> {
        self.rows.values()
    }

    /// Ids of the pairs that have expired at `now`.
    pub(in crate::store::catalog) fn expired(&self, now: Micros) -> Vec<TokenId> {
        self.rows.values().filter(|token| !token.is_valid_at(now)).map(|token| token.id).collect()
    }

    /// Adds or replaces a pair.
    pub(in crate::store::catalog) fn put(&mut self, token: Arc<Token>) {
        self.remove(token.id);
        self.by_access.insert(&token.hashes.access, token.id);
        if let Some(refresh) = &token.hashes.refresh {
            self.by_refresh.insert(refresh, token.id);
        }
        self.of_client.entry(token.client).or_default().insert(token.id);
        self.rows.insert(token.id, token);
    }

    pub(in crate::store::catalog) fn remove(&mut self, id: TokenId) {
        let Some(token) = self.rows.remove(&id) else { return };
        self.by_access.remove(&token.hashes.access, id);
        if let Some(refresh) = &token.hashes.refresh {
            self.by_refresh.remove(refresh, id);
        }
        remove_id(&mut self.of_client, &token.client, id);
    }

    pub(in crate::store::catalog) fn remove_of_client(&mut self, client: ClientId) {
        let ids: Vec<_> = self.of_client(client).collect();
        ids.into_iter().for_each(|id| self.remove(id));
    }

    pub(in crate::store::catalog) fn remove_of_user(&mut self, user: UserId) {
        let of_user = self.rows.values().filter(|token| token.user == Some(user));
        let ids: Vec<_> = of_user.map(|token| token.id).collect();
        ids.into_iter().for_each(|id| self.remove(id));
    }
}

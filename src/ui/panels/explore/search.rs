//! Search over class and file names; remembers which rows match, because the question is asked for every point.

use crate::data::Catalog;
use crate::eval::EmbeddingTable;
use std::sync::Arc;

/// The text and what it finds.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// What was typed.
    pub(super) text: String,
    table: Option<Arc<EmbeddingTable>>,
    searched: String,
    found: Vec<bool>,
}

impl Search {
    /// Forgets matches of another table.
    pub(super) fn follow(&mut self, table: &Arc<EmbeddingTable>, catalog: &Catalog) {
        if !self.table.as_ref().is_some_and(|known| Arc::ptr_eq(known, table)) {
            self.table = Some(Arc::clone(table));
            self.searched.clear();
            self.update(table, catalog);
        }
    }

    /// Searches if the text changed.
    pub(super) fn update(&mut self, table: &EmbeddingTable, catalog: &Catalog) {
        let wanted = self.text.trim().to_lowercase();
        if wanted == self.searched {
            return;
        }
        let matches = |item: &u32| {
            let item = *item as usize;
            catalog.class_name(item).to_lowercase().contains(&wanted)
                || catalog.name(item).to_lowercase().contains(&wanted)
        };
        self.found = if wanted.is_empty() { Vec::new() } else { table.items().iter().map(matches).collect() };
        self.searched = wanted;
    }

    /// Forgets the text.
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.searched.clear();
        self.found.clear();
    }

    /// Whether a row matches; every row does without a search.
    pub(super) fn finds(&self, row: u32) -> bool {
        self.searched.is_empty() || self.found.get(row as usize).copied().unwrap_or(false)
    }

    /// How many rows match; `None` without a search.
    pub(super) fn count(&self) -> Option<usize> {
        (!self.searched.is_empty()).then(|| self.found.iter().filter(|found| **found).count())
    }

    /// The first match.
    pub(super) fn first(&self, table: &EmbeddingTable) -> Option<u32> {
        if self.searched.is_empty() {
            return None;
        }
        (0..table.len() as u32).find(|row| self.finds(*row))
    }
}

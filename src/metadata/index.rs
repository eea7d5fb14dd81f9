//! The targets of one file (Notary v1; TUF specification 1.0.34 section 4.5), each name once, indexed
//! without a heap object each.
//!
//! A targets file may list 100,000 tags. Names and custom data lie in two texts, fixed-size
//! entries in one vector sorted by name: a look-up is a binary search, memory stays below the size
//! of the received file.

use std::collections::BTreeMap;

use super::{Extra, TargetInfo};
use crate::name::{Hashes, TargetName};

/// All targets of one file, by name in byte order.
#[derive(Clone, Debug, Default)]
pub struct TargetIndex {
    names: String,
    custom: String,
    sha512: Vec<[u8; 64]>,
    entries: Vec<Entry>,
    /// Of the few entries that have any.
    extras: BTreeMap<Box<str>, EntryExtra>,
}

/// What an entry says that has no meaning to us. It belongs to the content that it was signed for,
/// and goes with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct EntryExtra {
    pub(crate) members: Extra,
    /// Digests of algorithms that we don't know.
    pub(crate) hashes: Extra,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    name: Span,
    custom: Option<Span>,
    length: u64,
    sha256: Option<[u8; 32]>,
    sha512: Option<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Span {
    start: u32,
    end: u32,
}

/// One entry of a [`TargetIndex`], borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct TargetEntry<'a> {
    /// The target's name.
    pub name: &'a str,
    /// The exact length in bytes.
    pub length: u64,
    /// The digests; empty when the publisher listed none that we know.
    pub hashes: Hashes,
    /// Custom data: JSON text as received.
    pub custom: Option<&'a str>,
}

impl TargetEntry<'_> {
    /// An owned copy without the name.
    pub fn to_info(&self) -> TargetInfo {
        TargetInfo { length: self.length, hashes: self.hashes, custom: self.custom.map(str::to_owned) }
    }
}

impl TargetIndex {
    /// The entry called `name`.
    pub fn get(&self, name: &str) -> Option<TargetEntry<'_>> {
        let at = self.search(name).ok()?;
        self.entries.get(at).map(|entry| self.entry(entry))
    }

    /// All entries in the byte order of their names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = TargetEntry<'_>> {
        self.entries.iter().map(|entry| self.entry(entry))
    }

    /// How many targets there are.
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no target.
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Adds or replaces an entry. Returns false when exactly this entry was there already.
    pub fn insert(&mut self, name: &TargetName, info: &TargetInfo) -> bool {
        let entry = TargetEntry {
            name: name.as_str(),
            length: info.length,
            hashes: info.hashes,
            custom: info.custom.as_deref(),
        };
        match self.search(entry.name) {
            Ok(_) if self.get(entry.name) == Some(entry) => return false,
            Ok(at) => {
                if let (Some(new), Some(old)) = (self.store(entry), self.entries.get_mut(at)) {
                    *old = new;
                }
                self.extras.remove(entry.name);
            }
            Err(at) => {
                if let Some(new) = self.store(entry) {
                    self.entries.insert(at, new);
                }
            }
        }
        true
    }

    /// Removes an entry. Returns whether it was there.
    pub fn remove(&mut self, name: &str) -> bool {
        match self.search(name) {
            Ok(at) => {
                self.entries.remove(at);
                self.extras.remove(name);
                true
            }
            Err(_) => false,
        }
    }

    /// Appends an entry in the order of the document; [`sort`](Self::sort) follows. Returns false
    /// when the texts outgrow 4 GiB.
    pub(crate) fn push(&mut self, entry: TargetEntry<'_>) -> bool {
        let stored = self.store(entry);
        self.entries.extend(stored);
        stored.is_some()
    }

    /// Puts pushed entries in order; free when they came in order, as canonical files have them.
    pub(crate) fn sort(&mut self) {
        let names = &self.names;
        if !self.entries.is_sorted_by_key(|entry| text(names, entry.name)) {
            self.entries.sort_unstable_by_key(|entry| text(names, entry.name));
        }
        self.entries.shrink_to_fit();
    }

    pub(crate) fn extra(&self, name: &str) -> Option<&EntryExtra> {
        self.extras.get(name)
    }

    /// Adds what else the entry called `name` says.
    pub(crate) fn push_extra(&mut self, name: &str, extra: EntryExtra) {
        if extra != EntryExtra::default() {
            self.extras.insert(name.into(), extra);
        }
    }

    fn search(&self, name: &str) -> Result<usize, usize> {
        self.entries.binary_search_by(|entry| text(&self.names, entry.name).cmp(name))
    }

    fn entry(&self, entry: &Entry) -> TargetEntry<'_> {
        let sha512 = entry.sha512.and_then(|at| self.sha512.get(usize::try_from(at).ok()?)).copied();
        TargetEntry {
            name: text(&self.names, entry.name),
            length: entry.length,
            hashes: Hashes { sha256: entry.sha256, sha512 },
            custom: entry.custom.map(|span| text(&self.custom, span)),
        }
    }

    fn store(&mut self, entry: TargetEntry<'_>) -> Option<Entry> {
        let sha512 = match entry.hashes.sha512 {
            Some(digest) => {
                let at = u32::try_from(self.sha512.len()).ok()?;
                self.sha512.push(digest);
                Some(at)
            }
            None => None,
        };
        let custom = match entry.custom {
            Some(custom) => Some(append(&mut self.custom, custom)?),
            None => None,
        };
        let name = append(&mut self.names, entry.name)?;
        Some(Entry { name, custom, length: entry.length, sha256: entry.hashes.sha256, sha512 })
    }
}

impl PartialEq for TargetIndex {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter()) && self.extras == other.extras
    }
}

impl Eq for TargetIndex {}

fn text(texts: &str, span: Span) -> &str {
    let range = usize::try_from(span.start).ok().zip(usize::try_from(span.end).ok());
    range.and_then(|(start, end)| texts.get(start..end)).unwrap_or_default()
}

fn append(texts: &mut String, text: &str) -> Option<Span> {
    let start = u32::try_from(texts.len()).ok()?;
    let end = u32::try_from(texts.len().checked_add(text.len())?).ok()?;
    texts.push_str(text);
    Some(Span { start, end })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(length: u64) -> TargetInfo {
        TargetInfo { length, hashes: Hashes::sha256([7; 32]), custom: None }
    }

    fn name(text: &str) -> TargetName {
        TargetName::new(text).unwrap()
    }

    #[test]
    fn entries_are_found_replaced_and_removed_by_name() {
        let mut index = TargetIndex::default();
        for (text, length) in [("v2", 2), ("v1", 1), ("Latest", 3), ("latest", 4)] {
            assert!(index.insert(&name(text), &info(length)));
        }
        assert!(!index.insert(&name("v1"), &info(1)), "nothing changed");
        assert!(index.insert(&name("v1"), &info(9)));
        assert_eq!(index.iter().map(|e| e.name).collect::<Vec<_>>(), ["Latest", "latest", "v1", "v2"]);
        assert_eq!(index.get("v1").unwrap().length, 9);
        assert_eq!(index.get("latest").unwrap().length, 4, "names may differ by case only");
        assert!(index.remove("v2") && !index.remove("v2"));
        assert_eq!(index.len(), 3);
    }

    #[test]
    fn pushed_entries_keep_hashes_and_custom_data_apart() {
        let mut index = TargetIndex::default();
        let both = Hashes { sha256: Some([1; 32]), sha512: Some([2; 64]) };
        assert!(index.push(TargetEntry { name: "b", length: 1, hashes: both, custom: Some("{}") }));
        assert!(index.push(TargetEntry { name: "a", length: 2, hashes: Hashes::default(), custom: None }));
        index.sort();
        assert_eq!(index.get("b").unwrap().hashes, both);
        assert_eq!(index.get("b").unwrap().custom, Some("{}"));
        assert!(index.get("a").unwrap().hashes.is_empty());
    }
}

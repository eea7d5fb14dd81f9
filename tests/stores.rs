//! Our stores keep what `MetadataStore` promises, whatever lies in their folder.

#[cfg(feature = "directory")]
#[path = "stores/directory.rs"]
mod directory;

use tuf_notary::{store::MemoryStore, testkit::suite};

#[test]
fn the_memory_store_keeps_its_promises() {
    suite::metadata_store(MemoryStore::new);
}

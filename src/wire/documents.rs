//! Which syntax a document has in which dialect: the one place where they meet.

use super::{Dialect, Document, WireError, envelope::sealed::Syntax, json::Reader, notary, tuf1};
use crate::{
    limits::Limits,
    metadata::{Root, Snapshot, Targets, Timestamp},
    name::{Expiry, Version},
};

macro_rules! document {
    ($document:ty, $module:ident) => {
        impl Document for $document {
            fn version(&self) -> Version {
                self.version
            }

            fn expires(&self) -> Expiry {
                self.expires
            }
        }

        impl Syntax for $document {
            fn read(dialect: Dialect, reader: &mut Reader<'_>, limits: &Limits) -> Result<Self, WireError> {
                match dialect {
                    Dialect::Notary => notary::$module::read(reader, limits),
                    Dialect::Tuf1 => tuf1::$module::read(reader, limits),
                }
            }

            fn write(&self, dialect: Dialect, out: &mut Vec<u8>) {
                match dialect {
                    Dialect::Notary => notary::$module::write(self, out),
                    Dialect::Tuf1 => tuf1::$module::write(self, out),
                }
            }
        }
    };
}

document!(Root, root);
document!(Timestamp, timestamp);
document!(Snapshot, snapshot);
document!(Targets, targets);

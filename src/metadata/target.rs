//! What is signed about one target: exact length and digests of its content (TUF specification 4.5;
//! Notary v1). Whoever has the content needs nothing else; it is read once and never kept.

use std::io::{self, Read};

use crate::{
    crypto::digest::{Sha256, Sha512},
    name::Hashes,
};

/// What is signed about one target.
///
/// Made from a content, or put together from a length and digests that are known already:
/// ```
/// use tuf_notary::{metadata::TargetInfo, name::Hashes};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("app.tar");
/// # std::fs::write(&path, "content")?;
/// let by_bytes = TargetInfo::from_bytes(b"content");
/// let by_file = TargetInfo::from_reader(std::fs::File::open(path)?)?;
/// assert_eq!(by_bytes, by_file);
/// let by_hash = TargetInfo { length: 528, hashes: Hashes::sha256([0x5e; 32]), custom: None };
/// # assert_ne!(by_hash, by_file);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct TargetInfo {
    /// The exact length in bytes; for an image the size of its manifest.
    pub length: u64,
    /// The digests.
    pub hashes: Hashes,
    /// Custom data: JSON text as received.
    pub custom: Option<String>,
}

impl TargetInfo {
    /// The length of a content at hand, and both digests, as `notary add` signs them.
    pub fn from_bytes(content: &[u8]) -> Self {
        let mut measure = Measure::default();
        measure.add(content);
        measure.finish()
    }

    /// The same for a content that is read to its end, such as a file, in small pieces.
    ///
    /// # Errors
    /// Reading failed.
    pub fn from_reader(mut content: impl Read) -> io::Result<Self> {
        let (mut measure, mut buffer) = (Measure::default(), vec![0; 1 << 16]);
        loop {
            match content.read(&mut buffer) {
                Ok(0) => return Ok(measure.finish()),
                Ok(read) => measure.add(buffer.get(..read).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// With custom data, a JSON text. What other clients could not sign again is refused when it
    /// is signed.
    #[must_use]
    pub fn with_custom(self, custom: impl Into<String>) -> Self {
        Self { custom: Some(custom.into()), ..self }
    }
}

/// Counts and digests pieces of a content.
#[derive(Default)]
struct Measure {
    length: u64,
    sha256: Sha256,
    sha512: Sha512,
}

impl Measure {
    fn add(&mut self, piece: &[u8]) {
        self.length = self.length.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        self.sha256.update(piece);
        self.sha512.update(piece);
    }

    fn finish(self) -> TargetInfo {
        let hashes = Hashes { sha256: Some(self.sha256.finish()), sha512: Some(self.sha512.finish()) };
        TargetInfo { length: self.length, hashes, custom: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::digest;

    /// Reads in odd pieces, with interruptions, and fails at the end if told so.
    struct Pieces<'a>(&'a [u8], u32, bool);

    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 += 1;
            if self.1 % 2 == 1 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            if self.0.is_empty() && self.2 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let read = self.0.len().min(70_001).min(buffer.len());
            let (now, later) = self.0.split_at(read);
            buffer[..read].copy_from_slice(now);
            self.0 = later;
            Ok(read)
        }
    }

    #[test]
    fn a_content_is_measured_to_its_end_however_it_comes() {
        for content in [Vec::new(), b"abc".to_vec(), vec![7; 200_003]] {
            let info = TargetInfo::from_bytes(&content);
            assert_eq!(info.length, u64::try_from(content.len()).unwrap());
            assert_eq!(info.hashes.sha256, Some(digest::sha256(&content)));
            assert_eq!(info.hashes.sha512, Some(digest::sha512(&content)));
            assert_eq!(TargetInfo::from_reader(Pieces(&content, 0, false)).unwrap(), info);
            TargetInfo::from_reader(Pieces(&content, 0, true)).unwrap_err();
        }
    }
}

//! What is wrong with a trust configuration, or missing from it.

use std::{io, path::PathBuf};

use crate::{image::ServerError, name::Gun};

/// A configuration that can't be used, or says nothing about an image.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file can't be read.
    #[error("{path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The text is not what was announced, or names a key that does not exist.
    #[error("line {line}, column {column}: {reason}")]
    Syntax {
        /// Where, counted from 1.
        line: usize,
        /// Where in the line, counted from 1.
        column: usize,
        /// What is wrong.
        reason: String,
    },
    /// An entry says nothing that could be meant.
    #[error("{place}: {reason}")]
    Entry {
        /// The entry, by its place among its kind and by its name.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// What is wrong with this file.
    #[error("{path}: {source}")]
    In {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: Box<Self>,
    },
    /// No entry matches the image: nobody says whom to believe.
    #[error("no entry of the trust configuration matches {image} (signed as {gun})")]
    Unlisted {
        /// The image.
        image: String,
        /// The collection that would sign it.
        gun: Gun,
    },
    /// A mirror's image, or a collection, stands for no image.
    #[error("{image} stands for no image: {reason}")]
    Unmapped {
        /// The image or the collection.
        image: String,
        /// Why not.
        reason: String,
    },
    /// No server can be chosen.
    #[error(transparent)]
    Server(#[from] ServerError),
}

impl ConfigError {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Read { .. } => "CONFIG_FILE",
            Self::Syntax { .. } => "CONFIG_SYNTAX",
            Self::Entry { .. } | Self::Server(_) => "CONFIG_ENTRY",
            Self::In { source, .. } => source.code(),
            Self::Unlisted { .. } => "UNLISTED",
            Self::Unmapped { .. } => "UNMAPPED",
        }
    }

    /// Whether the configuration is sound and merely does not know the image.
    pub const fn is_unlisted(&self) -> bool {
        matches!(self, Self::Unlisted { .. })
    }
}

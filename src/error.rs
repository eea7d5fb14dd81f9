//! The error of the façades, and what a caller should do about it.

mod download;
mod publish;

pub use download::DownloadError;
pub use publish::PublishError;

use crate::{
    edit::EditError, keys::KeyError, name::NameError, store::StoreError, transport::TransportError,
    verify::VerifyError, view::LookupError,
};

/// Anything that can go wrong: one variant a layer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A text is no legal name, version or time. Nothing was asked.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Metadata is not trusted.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// A name is not signed.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// The server could not be asked, or refused.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// Local trust data could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Staged changes could not be kept or taken up.
    #[cfg(feature = "directory")]
    #[error(transparent)]
    Staged(#[from] crate::staged::StagedError),
    /// A private key could not be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// New metadata could not be made.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// An upload did not end well.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// A target's content did not arrive as it is signed.
    #[error(transparent)]
    Download(#[from] DownloadError),
    /// The collection exists already and is not overwritten.
    #[error("{gun} exists on the server already")]
    AlreadyExists {
        /// The collection.
        gun: crate::name::Gun,
    },
    /// The collection or repository was built without something that the operation needs.
    #[error("built without {0}")]
    Unconfigured(&'static str),
}

impl Error {
    /// A stable, machine-readable code, in upper case.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Name(_) => "NAME",
            Self::Verify(error) => error.code(),
            Self::Lookup(error) => error.code(),
            Self::Transport(error) => error.code(),
            Self::Store(StoreError::Busy { .. }) => "BUSY",
            Self::Store(_) => "LOCAL_STATE",
            #[cfg(feature = "directory")]
            Self::Staged(error) => error.code(),
            Self::Key(error) => error.code(),
            Self::Edit(error) => error.code(),
            Self::Publish(error) => error.code(),
            Self::Download(error) => error.code(),
            Self::AlreadyExists { .. } => "ALREADY_EXISTS",
            Self::Unconfigured(_) => "CONFIG",
        }
    }

    /// The same for another caller who waited for the same refresh. What can't be copied keeps its
    /// code and its words.
    pub(crate) fn repeated(&self) -> Self {
        match self {
            Self::Verify(error) => Self::Verify(error.clone()),
            Self::Lookup(error) => Self::Lookup(error.clone()),
            Self::Transport(error) => Self::Transport(error.clone()),
            Self::Store(StoreError::Busy { waited }) => Self::Store(StoreError::Busy { waited: *waited }),
            Self::Unconfigured(what) => Self::Unconfigured(what),
            Self::Download(error) => Self::Download(error.clone()),
            other => Self::Store(StoreError::Other(other.to_string())),
        }
    }

    /// Whether the answer is that there is nothing: no trust data, or the name is not signed.
    pub const fn is_not_found(&self) -> bool {
        matches!(
            self,
            Self::Verify(VerifyError::NotSigned { .. })
                | Self::Lookup(LookupError::NotSigned { .. })
                | Self::Transport(TransportError::NotFound { .. })
        )
    }

    /// Whether metadata was genuine and has expired, or the certificate that was to prove it.
    pub fn is_expired(&self) -> bool {
        match self {
            Self::Verify(error) | Self::Lookup(LookupError::Unusable(error)) => error.code() == "EXPIRED",
            _ => false,
        }
    }

    /// Whether the server answered and the answer doesn't hold. Damage and configuration on this
    /// side are no answer.
    pub fn is_untrusted(&self) -> bool {
        match self {
            Self::Verify(error) => !matches!(
                error,
                VerifyError::Unavailable { .. }
                    | VerifyError::NotCached { .. }
                    | VerifyError::NotSigned { .. }
                    | VerifyError::LocalState { .. }
                    | VerifyError::PinInvalid { .. }
                    | VerifyError::Unexpected { .. }
            ),
            Self::Lookup(error) => !matches!(error, LookupError::NotSigned { .. }),
            Self::Publish(PublishError::Unconfirmed { source }) => source.is_untrusted(),
            Self::Publish(error) => {
                matches!(error, PublishError::Stale { .. } | PublishError::Altered { .. })
            }
            Self::Transport(error) => matches!(error, TransportError::TooLarge { .. }),
            Self::Download(error) => {
                matches!(error, DownloadError::Length { .. } | DownloadError::Hash { .. })
            }
            _ => false,
        }
    }

    /// Whether the question was not answered at all: no connection, a time-out, a server that is
    /// not willing or able, a store that others use. An upload that was judged and rejected is
    /// answered; what is not asked at all, such as an unfit path, needs no answer.
    pub fn is_unanswered(&self) -> bool {
        match self {
            Self::Verify(error) => {
                matches!(error, VerifyError::Unavailable { .. } | VerifyError::NotCached { .. })
            }
            Self::Transport(error) | Self::Publish(PublishError::Refused { source: error }) => !matches!(
                error,
                TransportError::NotFound { .. }
                    | TransportError::Rejected { .. }
                    | TransportError::TooLarge { .. }
                    | TransportError::Config(_)
                    | TransportError::Path { .. }
                    | TransportError::Unsupported { .. }
            ),
            Self::Store(error) => matches!(error, StoreError::Busy { .. }),
            Self::Publish(PublishError::Unconfirmed { source }) => source.is_unanswered(),
            Self::Publish(error) => matches!(error, PublishError::Unknown { .. }),
            _ => false,
        }
    }

    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Transport(error) | Self::Publish(PublishError::Refused { source: error }) => {
                error.is_retryable()
            }
            Self::Publish(PublishError::Unconfirmed { source }) => source.is_retryable(),
            // A stale answer gets better by waiting, the upload needn't be made again.
            Self::Publish(error) => !matches!(error, PublishError::Altered { .. }),
            Self::Store(error) => matches!(error, StoreError::Busy { .. }),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_never_asked_does_not_count_as_unanswered() {
        let (what, path) = (String::from("x"), String::from("../x"));
        for (error, expected) in [
            (TransportError::Path { path, reason: "it leads elsewhere" }, false),
            (TransportError::Config(what.clone()), false),
            (TransportError::Unsupported { operation: "publish" }, false),
            (TransportError::TooLarge { what: what.clone(), limit: 1 }, false),
            (TransportError::NotFound { what: what.clone() }, false),
            (TransportError::Unauthorized { what: what.clone(), status: 401 }, true),
            (TransportError::Timeout { what, phase: "body" }, true),
        ] {
            let code = error.code();
            assert_eq!(Error::from(error.clone()).is_unanswered(), expected, "{code}");
            let refused = Error::from(PublishError::Refused { source: error });
            assert_eq!(refused.is_unanswered(), expected, "{code} of an upload");
        }
    }
}

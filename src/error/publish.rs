//! Why an upload did not end well, and what to do about it.
//!
//! The rule: an upload whose reply is not a clear yes or no is neither; what the server shows
//! afterwards decides, and where that decides nothing the error says so.

use crate::{
    name::{RoleName, Version},
    transport::TransportError,
};

/// An upload that did not end well.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The server has stored nothing and says why.
    #[error("{source}; {}", advice(.source))]
    Refused {
        /// The server's words.
        source: TransportError,
    },
    /// Others published in between, each time. Nothing of ours was stored.
    #[error("others have published each of {attempts} times in between ({source}); try again")]
    Conflict {
        /// How often it was tried.
        attempts: u32,
        /// The server's words.
        source: TransportError,
    },
    /// The reply was lost, and the server can't or does not show whether it has stored the upload:
    /// it may still arrive. New keys are kept. The same call can be made again: it begins with what
    /// the server has then, and what is done already is not done twice.
    #[error(
        "nobody knows whether the upload was stored ({source}){}; refresh to see, or try again: nothing is \
         done twice",
        unseen(.read_back.as_deref())
    )]
    Unknown {
        /// How the reply was lost.
        source: TransportError,
        /// Why the server could not be asked afterwards; none when it answered that it does not
        /// have the upload.
        read_back: Option<Box<TransportError>>,
    },
    /// The server has taken the upload and serves an older state: a replica or cache that lags
    /// behind, or a server that lost what it took. What was published stays the least that this
    /// client accepts.
    #[error(
        "{role} version {published} was published, and the server still shows {}: a stale answer; refresh \
         later",
        version_or_none(*.shown)
    )]
    Stale {
        /// Whose file.
        role: RoleName,
        /// The version that was published.
        published: Version,
        /// The version that is served; none when the file is not served at all.
        shown: Option<Version>,
    },
    /// The server has taken the upload and serves another file of the same version.
    #[error("{role} version {version} was published, and the server shows another file of that version")]
    Altered {
        /// Whose file.
        role: RoleName,
        /// Its version.
        version: Version,
    },
    /// The server has taken the upload, and could not be read afterwards or what it took could not
    /// be kept here.
    #[error("published, but the result could not be read back or kept: {source}")]
    Unconfirmed {
        /// What went wrong.
        source: Box<super::Error>,
    },
}

impl PublishError {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused { source } => source.code(),
            Self::Conflict { .. } => "CONFLICT",
            Self::Unknown { .. } => "OUTCOME_UNKNOWN",
            Self::Stale { .. } => "STALE",
            Self::Altered { .. } => "ALTERED",
            Self::Unconfirmed { .. } => "UNCONFIRMED",
        }
    }

    /// Whether the upload was stored, or may have been.
    pub const fn may_be_stored(&self) -> bool {
        !matches!(self, Self::Refused { .. } | Self::Conflict { .. })
    }
}

fn unseen(error: Option<&TransportError>) -> String {
    match error {
        Some(error) => format!(", and it could not be asked afterwards: {error}"),
        None => ", and it does not show it now".to_owned(),
    }
}

fn version_or_none(version: Option<Version>) -> String {
    version.map_or_else(|| "none".to_owned(), |version| format!("version {version}"))
}

/// What to do about a refusal.
fn advice(refusal: &TransportError) -> &'static str {
    match refusal {
        TransportError::Rejected { code, message } => rejection(code, message),
        TransportError::Unauthorized { status: 401, .. } => "nothing was stored: log in",
        TransportError::Unauthorized { .. } => {
            "nothing was stored: this account may not publish to the collection"
        }
        TransportError::Status { status: 413, .. } => {
            "nothing was stored: something before the server takes no upload of this size"
        }
        TransportError::Status { status: 429, .. } => "nothing was stored: wait and try again",
        _ => "nothing was stored",
    }
}

/// The codes and reasons of Notary's servers.
fn rejection(code: &str, message: &str) -> &'static str {
    match code {
        "VERSION" => "others have published in between: try again",
        "INVALID_UPDATE" if message.contains("snapshot key") || message.contains("ErrBadHierarchy") => {
            "neither this key store nor the server holds the snapshot key: publish where it is, or let a \
             holder of the root key hand the snapshot to the server"
        }
        "INVALID_UPDATE" if message.contains("timestamp key") => {
            "the server has lost its timestamp key: let a holder of the root key rotate it"
        }
        "INVALID_UPDATE" if message.contains("ErrBadRoot") => {
            "the root must be the next version, signed by the keys before it and its own"
        }
        "INVALID_UPDATE" if message.contains("ErrBadTargets") => {
            "the role's keys or its delegation have changed, or it has expired: refresh and look"
        }
        "INVALID_GUN" => "this server does not take collections of this name",
        "NO_FILENAME" | "INVALID_ROLE" | "MALFORMED_JSON" | "MALFORMED_UPLOAD" => {
            "the upload did not arrive as it was sent: look for a proxy that changes it"
        }
        _ => "nothing was stored",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str, message: &str) -> String {
        let source = TransportError::Rejected { code: code.to_owned(), message: message.to_owned() };
        PublishError::Refused { source }.to_string()
    }

    #[test]
    fn pc_02_known_refusals_are_explained_and_unknown_ones_shown() {
        let no_key = "ErrBadHierarchy: no snapshot was included in update and server does not hold current \
                      snapshot key for repository";
        assert!(refused("INVALID_UPDATE", no_key).contains("hand the snapshot to the server"));
        let lost = "ErrBadRoot: no  timestamp keys exist on the server";
        assert!(refused("INVALID_UPDATE", lost).contains("rotate it"));
        let versions = "ErrBadRoot: Root modifications must increment the version. Current 1, new 3";
        assert!(refused("INVALID_UPDATE", versions).contains("next version"));
        let gone = "ErrBadTargets: tuf: invalid role targets/zz. delegation does not exist";
        assert!(refused("INVALID_UPDATE", gone).contains("refresh and look"));
        assert!(refused("INVALID_GUN", "").contains("of this name"));
        assert!(refused("MALFORMED_UPLOAD", "").contains("proxy"));
        let unknown = refused("TEAPOT", "short and stout");
        assert_eq!(unknown, "the server refused the upload: TEAPOT: short and stout; nothing was stored");
    }

    #[test]
    fn pc_09_who_may_not_publish_is_told_so() {
        let refused = |status| PublishError::Refused {
            source: TransportError::Unauthorized { what: "the upload".to_owned(), status },
        };
        assert!(refused(401).to_string().contains("log in"));
        assert!(refused(403).to_string().contains("may not publish"));
        assert_eq!(refused(403).code(), "UNAUTHORIZED");
        assert!(!refused(403).may_be_stored());
    }
}

//! The ways in which a server, or whoever sits before it, misbehaves.

use std::{fmt, sync::Arc, time::Duration};

use super::Checkpoint;
use crate::{name::RoleName, transport::TransportError};

/// One way to misbehave.
#[derive(Clone)]
#[non_exhaustive]
pub enum Fault {
    /// Serves an older state as a whole. Uploads change the real one.
    Replay(Checkpoint),
    /// Serves these bytes under a name, such as `2.root.json`, whether it exists or not.
    Serve {
        /// The name.
        name: String,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// Denies that there is a file of this name.
    Withhold {
        /// The name.
        name: String,
    },
    /// Changes any file of a role as it leaves.
    Mutate {
        /// Whose files.
        role: RoleName,
        /// The change.
        change: Arc<dyn Fn(Vec<u8>) -> Vec<u8> + Send + Sync>,
    },
    /// Breaks the connection within any file of a role: reading fails with `UnexpectedEof`.
    Truncate {
        /// Whose files.
        role: RoleName,
        /// After how many bytes.
        length: usize,
    },
    /// Never ends any file of a role: white space follows it.
    Endless {
        /// Whose files.
        role: RoleName,
    },
    /// Waits before each reply.
    Delay(Duration),
    /// Answers with a status: 404 is `NotFound`, 401 and 403 are `Unauthorized`, others `Status`.
    Fail {
        /// Only for this role's files and key; for every request when `None`.
        role: Option<RoleName>,
        /// The status.
        status: u16,
    },
    /// Can't be reached.
    Disconnect {
        /// Only for this role's files and key; for every request when `None`.
        role: Option<RoleName>,
    },
    /// Refuses uploads.
    Reject {
        /// The error code.
        code: String,
        /// The server's words.
        message: String,
    },
    /// Stores uploads, and breaks the connection before it says so.
    LoseReply,
    /// Drops uploads, and says that it has stored them.
    Pretend,
    /// Answers every question for a key with these bytes.
    Key(Vec<u8>),
}

impl Fault {
    /// What a request fails with; `role` is none for uploads and deletion.
    pub(super) fn refusal(&self, role: Option<&RoleName>, what: &str) -> Option<TransportError> {
        let what = what.to_owned();
        let concerns = |only: &Option<RoleName>| only.is_none() || only.as_ref() == role;
        match self {
            Self::Fail { role: only, status } if concerns(only) => Some(match status {
                404 => TransportError::NotFound { what },
                401 | 403 => TransportError::Unauthorized { what, status: *status },
                _ => TransportError::Status {
                    what,
                    status: *status,
                    message: String::new(),
                    retry_after: None,
                },
            }),
            Self::Disconnect { role: only } if concerns(only) => {
                Some(TransportError::Connection { what, reason: "connection refused".to_owned() })
            }
            _ => None,
        }
    }

    /// Changes a file as it leaves.
    pub(super) fn alter(&self, role: &RoleName, name: &str, file: Option<Vec<u8>>) -> Option<Vec<u8>> {
        match self {
            Self::Serve { name: served, bytes } if served == name => Some(bytes.clone()),
            Self::Withhold { name: withheld } if withheld == name => None,
            Self::Mutate { role: mutated, change } if mutated == role => file.map(|file| change(file)),
            _ => file,
        }
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Replay(checkpoint) => f.debug_tuple("Replay").field(checkpoint).finish(),
            Self::Serve { name, bytes } => write!(f, "Serve({name}, {} bytes)", bytes.len()),
            Self::Withhold { name } => write!(f, "Withhold({name})"),
            Self::Mutate { role, .. } => write!(f, "Mutate({role})"),
            Self::Truncate { role, length } => write!(f, "Truncate({role}, {length})"),
            Self::Endless { role } => write!(f, "Endless({role})"),
            Self::Delay(time) => write!(f, "Delay({time:?})"),
            Self::Fail { role, status } => write!(f, "Fail({role:?}, {status})"),
            Self::Disconnect { role } => write!(f, "Disconnect({role:?})"),
            Self::Reject { code, .. } => write!(f, "Reject({code})"),
            Self::LoseReply => f.write_str("LoseReply"),
            Self::Pretend => f.write_str("Pretend"),
            Self::Key(bytes) => write!(f, "Key({} bytes)", bytes.len()),
        }
    }
}

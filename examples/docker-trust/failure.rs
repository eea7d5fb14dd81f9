//! Why a command stops, and with which exit code.

use std::fmt::Display;

/// What to print on standard error and to exit with.
#[derive(Debug)]
pub struct Failure {
    /// 1, as Docker ends for every reason but a flag that it doesn't know, which gives 125.
    pub code: u8,
    /// The message; empty if all has been said.
    pub text: String,
}

impl Failure {
    /// A reason without more.
    pub fn new(reason: impl Display) -> Self {
        Self { code: 1, text: reason.to_string() }
    }

    /// A reason, and what could not be done because of it.
    pub fn of(what: impl Display, reason: impl Display) -> Self {
        Self::new(format!("{what}: {reason}"))
    }
}

impl<E: Into<tuf_notary::error::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::new(error.into())
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

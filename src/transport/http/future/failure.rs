//! What it means that there was no reply, or no end of it.

use std::{error::Error, io};

use crate::transport::http::{
    TransportError,
    retry::{self, Failed},
    status::shorten,
    tls,
};

/// No reply.
pub(super) fn unanswered(what: &str, error: &reqwest::Error) -> Failed {
    let (name, io) = (what.to_owned(), io_error(error));
    // A kept connection that the server has closed meanwhile.
    let passes = chain(error)
        .filter_map(|it| it.downcast_ref::<hyper::Error>())
        .any(hyper::Error::is_incomplete_message);
    let timed_out = error.is_timeout() || io.is_some_and(|it| it.kind() == io::ErrorKind::TimedOut);
    let error = match error {
        _ if timed_out && error.is_connect() => TransportError::Timeout { what: name, phase: "connect" },
        _ if timed_out => TransportError::Timeout { what: name, phase: "response" },
        _ if error.is_builder() => TransportError::Config(shorten(&innermost(error))),
        _ => {
            let reason = format!("{}{}", shorten(&innermost(error)), io.map_or("", tls::advice));
            TransportError::Connection { what: name, reason }
        }
    };
    Failed { error, passes: passes || io.is_some_and(|it| retry::passes(it.kind())) }
}

/// A body that broke off.
pub(super) fn broken(what: &str, error: &reqwest::Error) -> TransportError {
    let what = what.to_owned();
    match error.is_timeout() {
        true => TransportError::Timeout { what, phase: "body" },
        false => TransportError::Connection { what, reason: shorten(&innermost(error)) },
    }
}

/// The error of the connection itself; the libraries wrap it several times.
fn io_error<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e io::Error> {
    chain(error).filter_map(|it| it.downcast_ref::<io::Error>()).last()
}

/// The words of the first cause; those around it only say that something failed.
fn innermost(error: &reqwest::Error) -> String {
    chain(error).last().map_or_else(String::new, ToString::to_string)
}

fn chain<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'e (dyn Error + 'static)| (*error).source())
}

//! What a reply's status means. Exactly 200 is success: Notary v1 sends no other, so 204, 206, 304
//! and every redirect are refusals (TE-05). "Not there" is 404 alone.

use std::{fmt::Write, time::Duration};

use serde::Deserialize;

use super::TransportError;

/// Longest text of a server that we show, in characters.
const SHOWN: usize = 1024;

/// A reply that is no success.
pub(super) struct Refusal {
    what: String,
    status: u16,
    retry_after: Option<Duration>,
    code: Option<String>,
    message: String,
}

impl Refusal {
    /// Of its status, its `Retry-After` header and its body.
    pub(super) fn new(what: &str, status: u16, retry_after: Option<&str>, words: &[u8]) -> Self {
        let (code, message) = read_words(words);
        let retry_after = retry_after.and_then(seconds);
        Self { what: what.to_owned(), status, retry_after, code, message }
    }

    /// Its meaning for anything but an upload.
    pub(super) fn of_request(self) -> TransportError {
        let (what, status) = (self.what, self.status);
        match status {
            404 => TransportError::NotFound { what },
            401 | 403 => TransportError::Unauthorized { what, status },
            _ => {
                let message = match (self.code, self.message) {
                    (Some(code), message) if message.is_empty() => code,
                    (Some(code), message) => format!("{code}: {message}"),
                    (None, message) => message,
                };
                TransportError::Status { what, status, message, retry_after: self.retry_after }
            }
        }
    }

    /// Its meaning for a root of a certain version in a TUF 1.0 repository: a bucket that may not be
    /// listed answers 403 for what it does not have (TE-01). Nothing else ends the chain of roots.
    pub(super) fn of_versioned_root(self) -> TransportError {
        match self.status {
            403 => TransportError::NotFound { what: self.what },
            _ => self.of_request(),
        }
    }

    /// Its meaning for an upload.
    pub(super) fn of_upload(self) -> TransportError {
        if self.status != 400 {
            return self.of_request();
        }
        let code = self.code.unwrap_or_else(|| "400".to_owned());
        TransportError::Rejected { code, message: self.message }
    }
}

/// A text from elsewhere, fit for a terminal: shortened, control characters escaped.
pub(super) fn shorten(text: &str) -> String {
    let mut short = String::new();
    let mut rest = text.trim().chars();
    for c in rest.by_ref().take(SHOWN) {
        if c.is_control() || is_bidirectional(c) {
            // Writing to a string can't fail.
            let _ = write!(short, "{}", c.escape_default());
        } else {
            short.push(c);
        }
    }
    if rest.next().is_some() {
        short.push('…');
    }
    short
}

/// Reorders the text around it, so that a message could show as another.
fn is_bidirectional(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Dates are another form of this header; a client that does not know them asks when it likes.
fn seconds(retry_after: &str) -> Option<Duration> {
    let seconds: u32 = retry_after.trim().parse().ok()?;
    Some(Duration::from_secs(u64::from(seconds)))
}

#[derive(Deserialize)]
struct Words {
    errors: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    code: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    detail: serde_json::Value,
}

/// The code and the message of a refusal; without a code when it is not in Notary's form. Of
/// several errors the first gives the code, and all are shown.
fn read_words(words: &[u8]) -> (Option<String>, String) {
    let errors = serde_json::from_slice::<Words>(words).map(|words| words.errors).unwrap_or_default();
    let Some((first, others)) = errors.split_first() else {
        return (None, shorten(&String::from_utf8_lossy(words)));
    };
    let mut message = first.message();
    for other in others {
        let _ = write!(message, "; {}: {}", other.code, other.message());
    }
    (Some(shorten(&first.code)), shorten(&message))
}

impl Entry {
    fn message(&self) -> String {
        let text = |pointer| self.detail.pointer(pointer).and_then(serde_json::Value::as_str);
        match (text("/Name"), text("/Error/Msg")) {
            (Some(name), Some(cause)) => format!("{name}: {cause}"),
            (None, Some(cause)) => cause.to_owned(),
            _ => self.message.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, words: &str) -> Refusal {
        Refusal::new("root.json", status, Some(" 7"), words.as_bytes())
    }

    #[test]
    fn only_404_is_not_there() {
        for status in [201, 204, 206, 301, 304, 400, 405, 410, 429, 500, 503] {
            match refusal(status, "x").of_request() {
                TransportError::Status { status: got, message, retry_after, .. } => {
                    assert_eq!((got, message.as_str()), (status, "x"));
                    assert_eq!(retry_after, Some(Duration::from_secs(7)));
                }
                other => panic!("{status}: {other:?}"),
            }
        }
        assert!(matches!(refusal(404, "").of_request(), TransportError::NotFound { .. }));
        for status in [401, 403] {
            let error = refusal(status, "").of_request();
            assert!(matches!(error, TransportError::Unauthorized { status: got, .. } if got == status));
        }
    }

    #[test]
    fn te_01_te_02_a_newer_root_is_not_there_only_by_404_and_403() {
        for status in [404, 403] {
            let error = refusal(status, "").of_versioned_root();
            assert!(matches!(error, TransportError::NotFound { .. }), "{status}");
        }
        for status in [204, 301, 400, 401, 402, 405, 410, 429, 451, 500, 502, 503, 504] {
            let error = refusal(status, "").of_versioned_root();
            assert!(!matches!(error, TransportError::NotFound { .. }), "{status}");
        }
    }

    #[test]
    fn the_cause_of_an_invalid_update_is_in_its_detail() {
        let words = r#"{"errors":[{"code":"INVALID_UPDATE","message":"Update sent by the client is invalid.",
            "detail":{"Name":"ErrBadTargets","Error":{"Msg":"tuf: invalid role targets/zz."}}}]}"#;
        match refusal(400, words).of_upload() {
            TransportError::Rejected { code, message } => {
                assert_eq!(code, "INVALID_UPDATE");
                assert_eq!(message, "ErrBadTargets: tuf: invalid role targets/zz.");
            }
            other => panic!("{other:?}"),
        }
        let words = r#"{"errors":[{"code":"VERSION","message":"A newer version exists.","detail":{}}]}"#;
        let error = refusal(400, words).of_upload();
        assert_eq!(error.to_string(), "the server refused the upload: VERSION: A newer version exists.");
        assert!(matches!(refusal(500, words).of_upload(), TransportError::Status { .. }));
    }

    #[test]
    fn pc_02_of_several_errors_none_is_lost() {
        let words = r#"{"errors":[{"code":"VERSION","message":"A newer version exists."},
            {"code":"TEAPOT","message":"","detail":{"Error":{"Msg":"short and stout"}}}]}"#;
        let TransportError::Rejected { code, message } = refusal(400, words).of_upload() else { panic!() };
        assert_eq!(
            (code.as_str(), message.as_str()),
            ("VERSION", "A newer version exists.; TEAPOT: short and stout")
        );
        for words in [r#"{"errors":[]}"#, r#"{"errors":{}}"#, "[]", "no JSON"] {
            let TransportError::Rejected { code, message } = refusal(400, words).of_upload() else {
                panic!()
            };
            assert_eq!((code.as_str(), message.as_str()), ("400", words));
        }
    }

    #[test]
    fn words_in_another_form_are_shown_short_and_harmless() {
        let words = format!("<html>\u{1b}[2J\u{202e}{}", "é".repeat(5000));
        let TransportError::Rejected { code, message } = refusal(400, &words).of_upload() else { panic!() };
        assert_eq!(code, "400");
        assert!(message.starts_with("<html>\\u{1b}[2J\\u{202e}é") && message.ends_with('…'));
        assert!(message.chars().count() < 1100);
    }
}

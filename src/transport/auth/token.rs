//! Asking for a token and reading the answer (the token protocol of the distribution project, and
//! its form with refresh tokens by OAuth 2, RFC 6749 section 6).
//!
//! A token is short-lived; how long is counted from before it was asked for, on our clock.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Deserializer};
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use super::{credentials::Credentials, realm::Realm};

/// What a client of this protocol calls itself.
const CLIENT: &str = "tuf-notary";
/// Shortest life of a token, whatever the server says, in seconds; it is the default too.
const SHORTEST: u64 = 60;
/// Longest life that is believed.
const LONGEST: u64 = 24 * 60 * 60;
/// So long before its end a token is not used any more: it must outlive the request's way.
const MARGIN: Duration = Duration::from_secs(5);

/// What a request may do to a collection. Less is asked for where less will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Access {
    /// Reading.
    Pull,
    /// Publishing, and asking for a key of the server.
    PushPull,
    /// Rotating a key of the server, and deleting.
    Admin,
}

impl Access {
    /// The actions of a scope, as servers know them.
    const fn actions(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::PushPull => "push,pull",
            Self::Admin => "*",
        }
    }
}

/// A request for a token, to be sent by whoever has the sockets.
///
/// A GET of [`url`](Self::url), or a POST when there is a [`form`](Self::form). No redirect may be
/// followed, and at most [`MAX_REPLY`](Self::MAX_REPLY) bytes of the answer be read.
pub struct TokenRequest {
    pub(super) realm: Realm,
    pub(super) access: Access,
    pub(super) with_credentials: bool,
    url: Url,
    authorization: Option<Zeroizing<String>>,
    form: Option<Zeroizing<String>>,
}

impl TokenRequest {
    /// Most bytes of an answer.
    pub const MAX_REPLY: u64 = 256 << 10;

    pub(super) fn new(
        realm: Realm,
        service: Option<&str>,
        repository: &str,
        access: Access,
        credentials: Option<&Credentials>,
    ) -> Self {
        // What is no repository of a registry has no name there.
        let scope = (!repository.is_empty()).then(|| format!("repository:{repository}:{}", access.actions()));
        let mut url = realm.url.clone();
        let (mut form, mut authorization) = (None, None);
        if let Some(token) = credentials.and_then(Credentials::as_identity_token) {
            let mut body = form_urlencoded::Serializer::new(String::with_capacity(1024));
            body.append_pair("grant_type", "refresh_token").append_pair("client_id", CLIENT);
            service.map(|service| body.append_pair("service", service));
            scope.map(|scope| body.append_pair("scope", &scope));
            body.append_pair("refresh_token", token);
            form = Some(Zeroizing::new(body.finish()));
        } else {
            let mut query = url.query_pairs_mut();
            query.append_pair("client_id", CLIENT);
            service.map(|service| query.append_pair("service", service));
            scope.map(|scope| query.append_pair("scope", &scope));
            credentials.and_then(Credentials::user).map(|user| query.append_pair("account", user));
            drop(query);
            authorization = credentials.and_then(Credentials::basic_header);
        }
        let with_credentials = form.is_some() || authorization.is_some();
        Self { realm, access, with_credentials, url, authorization, form }
    }

    /// Where to.
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// The `Authorization` header, if there is to be one.
    pub fn authorization(&self) -> Option<&str> {
        self.authorization.as_ref().map(|header| header.as_str())
    }

    /// The body, `application/x-www-form-urlencoded`, if there is to be one.
    pub fn form(&self) -> Option<&str> {
        self.form.as_ref().map(|form| form.as_str())
    }

    /// What this is, for messages.
    pub fn what(&self) -> String {
        format!("a token from {}", self.realm.origin())
    }
}

impl fmt::Debug for TokenRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenRequest")
            .field("server", &self.realm.origin())
            .field("access", &self.access)
            .field("with_credentials", &self.with_credentials)
            .finish_non_exhaustive()
    }
}

/// A token, as the header that shows it.
pub(super) struct Token {
    header: Zeroizing<String>,
    until: SystemTime,
    pub(super) with_credentials: bool,
}

impl Token {
    /// Reads the answer to a request that was sent at `asked`. The error says what is wrong.
    pub(super) fn parse(
        body: &[u8],
        asked: SystemTime,
        with_credentials: bool,
    ) -> Result<Self, &'static str> {
        let reply: Reply = serde_json::from_slice(body).map_err(|_| "the answer is no JSON with a token")?;
        let token = reply.access_token.filter(|token| !token.is_empty()).or(reply.token);
        let token = token.filter(|token| !token.is_empty()).ok_or("the answer has no token")?;
        let header = bearer(&token).ok_or("the token has a character that no token has")?;
        let seconds = reply.expires_in.as_ref().and_then(serde_json::Value::as_u64).unwrap_or(SHORTEST);
        let life = Duration::from_secs(seconds.clamp(SHORTEST, LONGEST)).saturating_sub(MARGIN);
        let until = asked.checked_add(life).unwrap_or(asked);
        Ok(Self { header, until, with_credentials })
    }

    /// The header, unless the token has expired or the clock was turned back by more than it lives.
    pub(super) fn header(&self, now: SystemTime) -> Option<Zeroizing<String>> {
        let left = self.until.duration_since(now).ok()?;
        (!left.is_zero() && left <= Duration::from_secs(LONGEST)).then(|| self.header.clone())
    }
}

/// The header that shows a token; none when its characters can't be sent.
pub(super) fn bearer(token: &str) -> Option<Zeroizing<String>> {
    let can_be_sent = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    can_be_sent.then(|| Zeroizing::new(["Bearer ", token].concat()))
}

#[derive(Deserialize)]
struct Reply {
    #[serde(default, deserialize_with = "secret")]
    token: Option<Zeroizing<String>>,
    #[serde(default, deserialize_with = "secret")]
    access_token: Option<Zeroizing<String>>,
    expires_in: Option<serde_json::Value>,
}

fn secret<'de, D: Deserializer<'de>>(source: D) -> Result<Option<Zeroizing<String>>, D::Error> {
    Ok(Option::<String>::deserialize(source)?.map(Zeroizing::new))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    fn secret(text: &str) -> Zeroizing<String> {
        Zeroizing::new(text.to_owned())
    }

    fn request(realm: &str, service: Option<&str>, credentials: Option<&Credentials>) -> TokenRequest {
        let base = Url::parse("https://h.example.com").unwrap();
        let realm = Realm::judge(realm, &base, &[]).unwrap();
        TokenRequest::new(realm, service, "h/é&scope=x", Access::PushPull, credentials)
    }

    #[test]
    fn sr_04_service_and_scope_are_encoded() {
        let request = request("https://h.example.com/t?tenant=1", Some("a b&scope=x"), None);
        let expected = "https://h.example.com/t?tenant=1&client_id=tuf-notary&service=a+b%26scope%3Dx\
            &scope=repository%3Ah%2F%C3%A9%26scope%3Dx%3Apush%2Cpull";
        assert_eq!(request.url().as_str(), expected);
        assert!(request.authorization().is_none() && request.form().is_none() && !request.with_credentials);
    }

    #[test]
    fn each_kind_of_credentials_has_its_form() {
        let alice = Credentials::basic("alice", secret("pw")).unwrap();
        let basic = request("https://h.example.com/t", None, Some(&alice));
        assert!(basic.url().as_str().ends_with("&account=alice"), "{}", basic.url());
        assert_eq!(basic.authorization(), Some("Basic YWxpY2U6cHc="));
        let identity = Credentials::identity_token(secret("r&t")).unwrap();
        let refresh = request("https://h.example.com/t", Some("s"), Some(&identity));
        assert_eq!(refresh.url().as_str(), "https://h.example.com/t");
        let form = refresh.form().unwrap();
        assert!(form.starts_with("grant_type=refresh_token&client_id=tuf-notary&service=s&scope="), "{form}");
        assert!(form.ends_with("&refresh_token=r%26t"), "{form}");
        assert!(refresh.with_credentials && refresh.authorization().is_none());
        let shown = format!("{basic:?} {refresh:?} {} {}", basic.what(), refresh.what());
        assert!(
            !shown.contains("YWxpY2U6") && !shown.contains("r%26t") && !shown.contains("alice"),
            "{shown}"
        );
    }

    #[test]
    fn ta_09_an_answer_without_a_token_is_refused() {
        for body in [
            "",
            "<html>",
            "[]",
            "{}",
            "null",
            r#"{"token":""}"#,
            r#"{"token":null,"access_token":""}"#,
            r#"{"token":1}"#,
            r#"{"token":"a b"}"#,
            r#"{"token":"a\r\nX: 1"}"#,
            r#"{"token":"é"}"#,
            r#"{"token":"a"} x"#,
        ] {
            assert!(Token::parse(body.as_bytes(), NOW, false).is_err(), "{body}");
        }
    }

    #[test]
    fn a_token_lives_as_long_as_it_says_within_bounds() {
        for (life, seconds) in [
            ("", 55),
            (r#","expires_in":1"#, 55),
            (r#","expires_in":-5"#, 55),
            (r#","expires_in":"x""#, 55),
            (r#","expires_in":300"#, 295),
            (r#","expires_in":99999999999"#, LONGEST - 5),
        ] {
            let body = format!(r#"{{"token":"t","access_token":"a"{life}}}"#);
            let token = Token::parse(body.as_bytes(), NOW, false).unwrap();
            let at = |seconds| token.header(NOW + Duration::from_secs(seconds));
            assert_eq!(at(seconds - 1).unwrap().as_str(), "Bearer a", "access_token counts first");
            assert!(at(seconds).is_none(), "{life}");
        }
        let token = Token::parse(br#"{"token":"t"}"#, NOW + Duration::from_secs(1 << 30), false).unwrap();
        assert!(token.header(NOW).is_none(), "the clock was turned back");
    }
}

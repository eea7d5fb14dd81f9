//! Who asks: a secret, shown to the server that it is for and to nobody else (RFC 7617, RFC 6750).
//!
//! Secrets are wiped when dropped and never part of a text for people (TA-13).

use std::fmt;

use data_encoding::BASE64;
use zeroize::Zeroizing;

/// What proves who asks.
#[derive(Clone)]
pub struct Credentials(Kind);

#[derive(Clone)]
enum Kind {
    Basic { user: String, password: Zeroizing<String> },
    IdentityToken(Zeroizing<String>),
    RegistryToken(Zeroizing<String>),
}

/// Credentials that can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// A part is missing.
    #[error("the credentials have no {part}")]
    Empty {
        /// Which one.
        part: &'static str,
    },
    /// A part holds a character that would change what is sent.
    #[error("the {part} in the credentials has a character that can't be sent")]
    Character {
        /// Which one.
        part: &'static str,
    },
    /// The text is not base64 of UTF-8 `USER:PASSWORD`.
    #[error("the credentials are not base64 of USER:PASSWORD")]
    Encoding,
}

impl Credentials {
    /// Name and password. The password may be an access token that is used as one.
    ///
    /// # Errors
    /// One is empty, the name has a colon, or one a control character.
    pub fn basic(user: impl Into<String>, password: Zeroizing<String>) -> Result<Self, CredentialsError> {
        let user = user.into();
        check("user name", &user, |c| !c.is_control() && c != ':')?;
        check("password", &password, |c| !c.is_control())?;
        Ok(Self(Kind::Basic { user, password }))
    }

    /// A token that the token server takes in exchange for short-lived ones, as `docker login`
    /// keeps it (`identitytoken`). It goes to the token server alone.
    ///
    /// # Errors
    /// It is empty or has a control character.
    pub fn identity_token(token: Zeroizing<String>) -> Result<Self, CredentialsError> {
        check("identity token", &token, |c| !c.is_control())?;
        Ok(Self(Kind::IdentityToken(token)))
    }

    /// A token that the trust server itself takes, made elsewhere (`registrytoken`). It is sent as
    /// it is.
    ///
    /// # Errors
    /// It is empty or has a character that no token has.
    pub fn registry_token(token: Zeroizing<String>) -> Result<Self, CredentialsError> {
        check("registry token", &token, |c| c.is_ascii_graphic())?;
        Ok(Self(Kind::RegistryToken(token)))
    }

    /// What Notary reads from the variable `NOTARY_AUTH`: base64 of `USER:PASSWORD`, white space
    /// around either being none of it. An empty text means nobody.
    ///
    /// # Errors
    /// The text has another form, or as [`basic`](Self::basic). The error does not show it.
    pub fn from_notary_auth(text: &str) -> Result<Option<Self>, CredentialsError> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let (user, password) = decode_pair(text)?;
        Self::basic(user.trim(), Zeroizing::new(password.trim().to_owned())).map(Some)
    }

    /// The user's name, where there is one.
    pub fn user(&self) -> Option<&str> {
        match &self.0 {
            Kind::Basic { user, .. } => Some(user),
            Kind::IdentityToken(_) | Kind::RegistryToken(_) => None,
        }
    }

    /// The header for a server that asks for name and password; none without them.
    pub(in crate::transport) fn basic_header(&self) -> Option<Zeroizing<String>> {
        let Kind::Basic { user, password } = &self.0 else { return None };
        let pair = Zeroizing::new([user, ":", password].concat());
        let encoded = Zeroizing::new(BASE64.encode(pair.as_bytes()));
        Some(Zeroizing::new(["Basic ", &encoded].concat()))
    }

    pub(in crate::transport) fn as_identity_token(&self) -> Option<&str> {
        match &self.0 {
            Kind::IdentityToken(token) => Some(token),
            Kind::Basic { .. } | Kind::RegistryToken(_) => None,
        }
    }

    pub(in crate::transport) fn as_registry_token(&self) -> Option<&str> {
        match &self.0 {
            Kind::RegistryToken(token) => Some(token),
            Kind::Basic { .. } | Kind::IdentityToken(_) => None,
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Kind::Basic { .. } => "Credentials(name and password)",
            Kind::IdentityToken(_) => "Credentials(identity token)",
            Kind::RegistryToken(_) => "Credentials(registry token)",
        })
    }
}

/// Base64 of `USER:PASSWORD`; the password may have colons.
pub(in crate::transport) fn decode_pair(text: &str) -> Result<(String, Zeroizing<String>), CredentialsError> {
    let plain = BASE64.decode(text.as_bytes()).map_err(|_| CredentialsError::Encoding)?;
    let plain = Zeroizing::new(plain);
    let plain = std::str::from_utf8(&plain).map_err(|_| CredentialsError::Encoding)?;
    let (user, password) = plain.split_once(':').ok_or(CredentialsError::Encoding)?;
    Ok((user.to_owned(), Zeroizing::new(password.to_owned())))
}

fn check(part: &'static str, text: &str, allowed: fn(char) -> bool) -> Result<(), CredentialsError> {
    if text.is_empty() {
        return Err(CredentialsError::Empty { part });
    }
    if text.chars().all(allowed) { Ok(()) } else { Err(CredentialsError::Character { part }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Zeroizing<String> {
        Zeroizing::new(text.to_owned())
    }

    fn notary_auth(plain: &str) -> Result<Option<String>, CredentialsError> {
        let read = Credentials::from_notary_auth(&format!("{}\n", BASE64.encode(plain.as_bytes())))?;
        Ok(read.and_then(|it| it.basic_header()).map(|header| header.to_string()))
    }

    #[test]
    fn ta_12_notary_auth_is_read_or_refused_and_never_shown() {
        let header = |pair: &str| Some(format!("Basic {}", BASE64.encode(pair.as_bytes())));
        assert_eq!(notary_auth("alice:secret").unwrap(), header("alice:secret"));
        assert_eq!(notary_auth("alice:a:b:c\n").unwrap(), header("alice:a:b:c"));
        for text in ["", " \n"] {
            assert!(Credentials::from_notary_auth(text).unwrap().is_none(), "nobody");
        }
        assert_eq!(notary_auth(":secret").unwrap_err(), CredentialsError::Empty { part: "user name" });
        assert_eq!(notary_auth("alice:").unwrap_err(), CredentialsError::Empty { part: "password" });
        assert_eq!(notary_auth("hunter2").unwrap_err(), CredentialsError::Encoding);
        let wrong = Credentials::from_notary_auth("alice:hunter2").unwrap_err();
        assert_eq!(wrong, CredentialsError::Encoding);
        assert!(!format!("{wrong} {wrong:?}").contains("hunter2"));
    }

    #[test]
    fn ta_15_characters_that_would_change_what_is_sent_are_refused() {
        for user in ["a:b", "a\r\nX-Injected: 1", "a\0"] {
            assert!(Credentials::basic(user, secret("p")).is_err(), "{user:?}");
        }
        assert!(Credentials::basic("a", secret("p\r\n")).is_err());
        assert!(Credentials::identity_token(secret("t\n")).is_err());
        for token in ["", "a b", "a\r\nX-Injected: 1", "é"] {
            assert!(Credentials::registry_token(secret(token)).is_err(), "{token:?}");
        }
    }

    #[test]
    fn ta_13_credentials_are_not_shown() {
        for credentials in [
            Credentials::basic("alice", secret("hunter2")).unwrap(),
            Credentials::identity_token(secret("hunter2")).unwrap(),
            Credentials::registry_token(secret("hunter2")).unwrap(),
        ] {
            let shown = format!("{credentials:?} {credentials:#?}");
            assert!(!shown.contains("hunter2") && !shown.contains("alice"), "{shown}");
        }
    }
}

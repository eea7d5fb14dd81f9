//! What a server that answers 401 asks for: `WWW-Authenticate` (RFC 9110 section 11.6.1), read
//! strictly and within bounds (TA-08).
//!
//! Of several schemes the strongest that we know counts: Bearer (RFC 6750), then Basic (RFC 7617).
//! A scope in a challenge is not read: what is asked for is the client's choice, never the server's.

/// Most bytes of all challenges in one reply.
const MAX_HEADERS: usize = 8 << 10;

/// What a server wants to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// A token of the server at `realm`.
    Bearer { realm: String, service: Option<String> },
    /// Name and password.
    Basic,
}

impl Challenge {
    /// The strongest challenge in these headers; none when no scheme is known. The error says what
    /// is malformed.
    pub(super) fn strongest<'h>(
        headers: impl IntoIterator<Item = &'h [u8]>,
    ) -> Result<Option<Self>, &'static str> {
        let (mut bytes, mut strongest) = (0_usize, None);
        for header in headers {
            bytes = bytes.saturating_add(header.len());
            if bytes > MAX_HEADERS {
                return Err("the challenge is longer than 8 KiB");
            }
            let text = std::str::from_utf8(header).map_err(|_| "the challenge is no text")?;
            for offered in (Reader { rest: text }).challenges()? {
                match Self::of(&offered)? {
                    Some(bearer @ Self::Bearer { .. }) => {
                        if matches!(strongest, Some(Self::Bearer { .. })) {
                            return Err("the challenge names two token servers");
                        }
                        strongest = Some(bearer);
                    }
                    Some(Self::Basic) => strongest = strongest.or(Some(Self::Basic)),
                    None => {}
                }
            }
        }
        Ok(strongest)
    }

    fn of(offered: &Offered<'_>) -> Result<Option<Self>, &'static str> {
        if offered.scheme.eq_ignore_ascii_case("basic") {
            return Ok(Some(Self::Basic));
        }
        if !offered.scheme.eq_ignore_ascii_case("bearer") {
            return Ok(None);
        }
        let value = |name| offered.parameters.iter().find(|(key, _)| key == name).map(|(_, it)| it.clone());
        let realm = value("realm").filter(|realm| !realm.is_empty());
        let realm = realm.ok_or("the challenge names no token server (realm)")?;
        Ok(Some(Self::Bearer { realm, service: value("service").filter(|it| !it.is_empty()) }))
    }
}

struct Offered<'h> {
    scheme: &'h str,
    /// Names in lower case, each once.
    parameters: Vec<(String, String)>,
}

#[derive(Clone)]
struct Reader<'h> {
    rest: &'h str,
}

impl<'h> Reader<'h> {
    fn challenges(mut self) -> Result<Vec<Offered<'h>>, &'static str> {
        let mut all = Vec::new();
        loop {
            while self.space() | self.sign(',') {}
            if self.rest.is_empty() {
                return Ok(all);
            }
            let scheme = self.token().ok_or("the challenge names no scheme")?;
            let mut offered = Offered { scheme, parameters: Vec::new() };
            if self.space() && !self.token68() {
                self.parameters(&mut offered.parameters)?;
            }
            self.space();
            if !self.rest.is_empty() && !self.rest.starts_with(',') {
                return Err("the challenge is malformed");
            }
            all.push(offered);
        }
    }

    /// `name=value` pairs with commas between; stops where another challenge begins.
    fn parameters(&mut self, into: &mut Vec<(String, String)>) -> Result<(), &'static str> {
        while let Some(name) = self.parameter_name() {
            let name = name.to_ascii_lowercase();
            if into.iter().any(|(known, _)| *known == name) {
                return Err("the challenge has a parameter twice");
            }
            let value =
                if self.sign('"') { self.quoted()? } else { self.token().unwrap_or_default().to_owned() };
            into.push((name, value));
            let mut ahead = self.clone();
            ahead.space();
            let mut separated = false;
            while ahead.sign(',') {
                separated = true;
                ahead.space();
            }
            if !separated || ahead.clone().parameter_name().is_none() {
                break;
            }
            *self = ahead;
        }
        Ok(())
    }

    /// A name and its `=`; takes nothing when there is none.
    fn parameter_name(&mut self) -> Option<&'h str> {
        let mut ahead = self.clone();
        let name = ahead.token()?;
        ahead.space();
        if !ahead.sign('=') {
            return None;
        }
        ahead.space();
        *self = ahead;
        Some(name)
    }

    /// The rest of a quoted text, after its opening quote.
    fn quoted(&mut self) -> Result<String, &'static str> {
        let (mut value, mut chars) = (String::new(), self.rest.chars());
        loop {
            match chars.next() {
                Some('"') => break,
                Some('\\') => value.push(chars.next().ok_or("a quoted text of the challenge has no end")?),
                Some(c) if c.is_control() && c != '\t' => {
                    return Err("the challenge has a control character");
                }
                Some(c) => value.push(c),
                None => return Err("a quoted text of the challenge has no end"),
            }
        }
        self.rest = chars.as_str();
        Ok(value)
    }

    /// One opaque word, as some schemes have it instead of parameters.
    fn token68(&mut self) -> bool {
        let word = |c: char| c.is_ascii_alphanumeric() || "-._~+/".contains(c);
        let rest = self.rest.trim_start_matches(word);
        if rest.len() == self.rest.len() {
            return false;
        }
        let rest = rest.trim_start_matches('=').trim_start_matches([' ', '\t']);
        let whole = rest.is_empty() || rest.starts_with(',');
        if whole {
            self.rest = rest;
        }
        whole
    }

    fn token(&mut self) -> Option<&'h str> {
        let sign = |c: char| !(c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c));
        let (token, rest) = self.rest.split_at(self.rest.find(sign).unwrap_or(self.rest.len()));
        self.rest = rest;
        (!token.is_empty()).then_some(token)
    }

    fn space(&mut self) -> bool {
        let rest = self.rest.trim_start_matches([' ', '\t']);
        let any = rest.len() < self.rest.len();
        self.rest = rest;
        any
    }

    fn sign(&mut self, sign: char) -> bool {
        match self.rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: &[&str]) -> Result<Option<Challenge>, &'static str> {
        Challenge::strongest(headers.iter().map(|header| header.as_bytes()))
    }

    fn bearer(realm: &str, service: Option<&str>) -> Option<Challenge> {
        Some(Challenge::Bearer { realm: realm.to_owned(), service: service.map(str::to_owned) })
    }

    #[test]
    fn ta_08_bearer_is_preferred_wherever_it_stands() {
        let token = r#"Bearer realm="https://a/t",service="reg",scope="repository:x:pull""#;
        let expected = bearer("https://a/t", Some("reg"));
        assert_eq!(read(&[token]).unwrap(), expected);
        assert_eq!(read(&["Basic realm=\"x, y\"", token]).unwrap(), expected);
        assert_eq!(read(&[&format!("Basic realm=\"x\", {token}")]).unwrap(), expected);
        assert_eq!(read(&[&format!("{token} , basic realm=x,Negotiate")]).unwrap(), expected);
        assert_eq!(read(&[&format!("Negotiate YWJj==, {token}")]).unwrap(), expected);
        assert_eq!(
            read(&[r#"BEARER Realm = "https:\/\/a" , , error=invalid_token"#]).unwrap(),
            bearer("https://a", None)
        );
        assert_eq!(read(&["Basic"]).unwrap(), Some(Challenge::Basic));
        assert_eq!(read(&["Negotiate", "Digest realm=\"x\", nonce=\"Bearer realm=y\""]).unwrap(), None);
        assert_eq!(read(&[]).unwrap(), None);
    }

    #[test]
    fn ta_08_what_is_malformed_is_refused() {
        for malformed in [
            "Bearer",
            "Bearer service=\"x\"",
            "Bearer realm=\"\"",
            "Bearer realm=",
            "Bearer realm=\"https://a",
            "Bearer realm=\"https://a\\",
            "Bearer realm=\"https://a\" service=\"x\"",
            "Bearer realm=\"a\", realm=\"b\"",
            "Bearer realm=https://a",
            "Bearer realm=\"a\u{7}b\"",
            "Bearer realm=\"a\", Bearer realm=\"b\"",
            "\"Bearer\" realm=\"a\"",
            "= x",
        ] {
            assert!(read(&[malformed]).is_err(), "{malformed}");
        }
        assert!(Challenge::strongest([&b"Basic realm=\"\xff\""[..]]).is_err());
    }

    #[test]
    fn ta_08_a_challenge_has_a_bound() {
        let long = format!("Basic realm=\"{}\"", "x".repeat(5000));
        assert!(read(&[&long]).is_ok());
        assert!(read(&[&long, &long]).is_err());
    }
}

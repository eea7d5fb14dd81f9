//! A token server whose tokens real trust servers and registries take: it knows three people, and
//! signs what they may do (JSON Web Tokens, ES256, with the certificate in the header).

use std::{
    fs,
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, SystemTime},
};

use data_encoding::{BASE64, BASE64URL_NOPAD};
use rcgen::{CertificateParams, KeyPair};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use url::{Url, form_urlencoded};

/// Who the server is for those whom it issues tokens for.
pub const SERVICE: &str = "test-service";
const ISSUER: &str = "test-issuer";
/// May do everything.
pub const ALICE: (&str, &str) = ("alice", "wonder:land");
/// May read.
pub const BOB: (&str, &str) = ("bob", "builder");
/// What alice may show instead of her password.
pub const REFRESH: &str = "alice/refresh+token=";

/// A running server; it ends with the process.
#[derive(Debug)]
pub struct TokenServer {
    port: u16,
    folder: TempDir,
    issuer: Arc<Issuer>,
    asked: Arc<Mutex<Vec<String>>>,
}

#[derive(Debug)]
struct Issuer {
    key: EcdsaKeyPair,
    certificate: Vec<u8>,
    /// Seconds that a token lasts.
    life: u64,
}

impl TokenServer {
    /// Starts a server; everybody may read what begins with `public/`.
    pub fn start() -> Self {
        Self::with_life(300)
    }

    /// The same, with tokens that end after some seconds, whatever it says about them.
    pub fn with_life(life: u64) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let pair = KeyPair::generate().expect("a key can be made");
        let certificate = CertificateParams::new(Vec::new()).expect("no names are legal").self_signed(&pair);
        let certificate = certificate.expect("a certificate can be made").der().to_vec();
        let pem = pem::encode(&pem::Pem::new("CERTIFICATE", certificate.clone()));
        fs::write(folder.path().join("tokens.pem"), pem).expect("a file can be written");
        let key = EcdsaKeyPair::from_pkcs8(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            pair.serialized_der(),
            &SystemRandom::new(),
        );
        let issuer = Arc::new(Issuer { key: key.expect("ring takes the key"), certificate, life });
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (seen, signs) = (Arc::clone(&asked), Arc::clone(&issuer));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (issuer, seen) = (Arc::clone(&signs), Arc::clone(&seen));
                thread::spawn(move || answer(stream, &issuer, &seen));
            }
        });
        Self { port, folder, issuer, asked }
    }

    /// Where tokens are asked for.
    pub fn realm(&self) -> String {
        format!("http://127.0.0.1:{}/token", self.port)
    }

    /// The same on its own.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The configuration (`auth`) of a server that wants these tokens.
    pub fn configuration(&self, realm: &str) -> Value {
        json!({
            "realm": realm, "service": SERVICE, "issuer": ISSUER, "rootcertbundle": self.certificate(),
        })
    }

    /// Who asked for what since the last call: `alice: repository:app:pull`.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().expect("no thread panics"))
    }

    /// A token for somebody, without asking.
    pub fn grant(&self, who: &str, scope: &str) -> String {
        self.issuer.token(who, &granted(who, scope))
    }

    fn certificate(&self) -> PathBuf {
        Path::new(self.folder.path()).join("tokens.pem")
    }
}

fn answer(mut stream: TcpStream, issuer: &Issuer, seen: &Mutex<Vec<String>>) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    while let Some((head, body)) = request(&mut stream)? {
        let reply = reply(issuer, seen, &head, &body);
        let (line, body) = reply.map_or(("401 Unauthorized", String::new()), |body| ("200 OK", body));
        let head =
            format!("HTTP/1.1 {line}\r\nContent-Type: application/json\r\nContent-Length: {}", body.len());
        stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes())?;
    }
    Ok(())
}

fn request(stream: &mut TcpStream) -> io::Result<Option<(String, Vec<u8>)>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte)? == 0 {
            return Ok(None);
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let length = header(&head, "content-length").and_then(|it| it.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(Some((head, body)))
}

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let find = |line: &'h str| line.split_once(": ").filter(|(key, _)| key.eq_ignore_ascii_case(name));
    head.lines().find_map(find).map(|(_, value)| value)
}

/// The body with a token; none for somebody who is not who they say.
fn reply(issuer: &Issuer, seen: &Mutex<Vec<String>>, head: &str, body: &[u8]) -> Option<String> {
    let target = head.split(' ').nth(1)?;
    let url = Url::parse("http://tokens").ok()?.join(target).ok()?;
    let fields: Vec<(String, String)> = match head.starts_with("POST ") {
        true => form_urlencoded::parse(body).into_owned().collect(),
        false => url.query_pairs().into_owned().collect(),
    };
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let who = match header(head, "authorization") {
        _ if head.starts_with("POST ") => {
            let knows =
                field("grant_type") == Some("refresh_token") && field("refresh_token") == Some(REFRESH);
            knows.then_some("alice")?
        }
        Some(basic) => {
            let pair = BASE64.decode(basic.strip_prefix("Basic ")?.as_bytes()).ok()?;
            let pair = String::from_utf8(pair).ok()?;
            let knows = |(name, password)| pair == format!("{name}:{password}");
            [ALICE, BOB].into_iter().find(|known| knows(*known))?.0
        }
        None => "",
    };
    let scope = field("scope")?;
    seen.lock().expect("no thread panics").push(format!("{who}: {scope}"));
    (field("service") == Some(SERVICE)).then_some(())?;
    let token = issuer.token(who, &granted(who, scope));
    Some(json!({ "token": token, "expires_in": issuer.life.max(60) }).to_string())
}

/// What somebody gets of what they ask for.
fn granted(who: &str, scope: &str) -> Vec<Value> {
    let Some((name, actions)) = scope.strip_prefix("repository:").and_then(|it| it.rsplit_once(':')) else {
        return Vec::new();
    };
    let may = |action: &str| match who {
        "alice" => true,
        "bob" => action == "pull",
        _ => action == "pull" && name.contains("public/"),
    };
    let actions: Vec<_> = actions.split(',').filter(|action| may(action)).collect();
    vec![json!({ "type": "repository", "name": name, "actions": actions })]
}

impl Issuer {
    fn token(&self, who: &str, access: &[Value]) -> String {
        let now =
            SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is past 1970").as_secs();
        let header = json!({ "typ": "JWT", "alg": "ES256", "x5c": [BASE64.encode(&self.certificate)] });
        // Servers forgive a minute of difference between clocks, and are not to forgive here.
        let until = if self.life < 60 { now - 61 + self.life } else { now + self.life };
        let claims = json!({
            "iss": ISSUER, "sub": who, "aud": SERVICE, "exp": until, "nbf": now - 10, "iat": now,
            "jti": format!("{now}"), "access": access,
        });
        let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = self.key.sign(&SystemRandom::new(), signed.as_bytes()).expect("it can be signed");
        format!("{signed}.{}", BASE64URL_NOPAD.encode(signature.as_ref()))
    }
}

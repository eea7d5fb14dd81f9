//! The webhook `admission` over HTTP, with a real trust server behind it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    common::{notary_server::NotaryServer, process},
    lab::*,
};

/// A running webhook, gone with the test.
struct Webhook {
    child: Child,
    address: String,
}

impl Webhook {
    fn start(user: &User, config: &str) -> Self {
        let mut command = process::command(&program("admission"), user.home());
        command.args(["--config", config, "--listen", "127.0.0.1:0", "--patience", "3"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut webhook = Self { child: command.spawn().unwrap(), address: String::new() };
        let mut line = String::new();
        BufReader::new(webhook.child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        webhook.address = line.trim_end().strip_prefix("listening on http://").unwrap().to_owned();
        webhook
    }

    /// Status and body of the answer to a POST.
    fn post(&self, path: &str, body: &[u8]) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: webhook\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        // A body that is refused early is not read to its end.
        let _ = stream.write_all(body);
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        (head.split(' ').nth(1).unwrap_or("0").parse().unwrap(), body.to_owned())
    }

    fn review(&self, kind: &str, object: &Value) -> Value {
        let group = if kind == "Deployment" { "apps" } else { "" };
        let review = json!({
            "apiVersion": "admission.k8s.io/v1",
            "kind": "AdmissionReview",
            "request": {
                "uid": "705ab4f5",
                "kind": { "group": group, "version": "v1", "kind": kind },
                "operation": "CREATE",
                "object": object,
            },
        });
        let (status, body) = self.post("/admit", review.to_string().as_bytes());
        assert_eq!(status, 200, "{body}");
        let answer: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(answer["apiVersion"], "admission.k8s.io/v1");
        assert_eq!(answer["response"]["uid"], "705ab4f5");
        answer["response"].clone()
    }

    /// The patch of a request that is allowed.
    #[track_caller]
    fn allows(&self, kind: &str, object: &Value) -> Value {
        let response = self.review(kind, object);
        assert_eq!(response["allowed"], true, "{response}");
        let Some(patch) = response["patch"].as_str() else { return Value::Null };
        assert_eq!(response["patchType"], "JSONPatch");
        serde_json::from_slice(&data_encoding::BASE64.decode(patch.as_bytes()).unwrap()).unwrap()
    }

    #[track_caller]
    fn refuses(&self, images: &[&str], reason: &str) {
        let response = self.review("Pod", &json!({ "spec": containers(images) }));
        assert_eq!(response["allowed"], false, "{response}");
        assert!(response.get("patch").is_none());
        let message = response["status"]["message"].as_str().unwrap();
        assert!(message.contains(reason), "{reason:?} expected: {message}");
    }
}

impl Drop for Webhook {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn containers(images: &[&str]) -> Value {
    json!({ "containers": images.iter().map(|image| json!({ "image": image })).collect::<Vec<_>>() })
}

fn configuration(user: &User, server: &str, pin: &str) -> String {
    user.write(
        "trust.toml",
        format!(
            "trust-dir = \"trust\"\n[[image]]\nmatch = \"registry.example.com/team\"\nserver = \"{server}\"\n\
             dangerous-plain-http = true\nroot-keys = [\"{pin}\"]\nmax-age-seconds = 60\n"
        ),
    )
}

#[test]
fn images_are_pinned_or_the_request_is_refused() {
    let test = "images_are_pinned_or_the_request_is_refused";
    let Some(server) = NotaryServer::start(test) else { return };
    let (owner, url, hex) = (User::new(), server.url(), "ab".repeat(32));
    let at = ["--plain-http", "--server", &url];
    let pin = owner.run("initialise", [&at[..], &[GUN]].concat()).0.ok();
    let pin = pin.stdout.trim_end().rsplit_once(' ').unwrap().1.to_owned();
    let image = format!("{GUN}:v1");
    owner.run("push_sign", [&at[..], &["--sha256", &hex, "--size", "528", &image]].concat()).0.ok();

    let user = User::new();
    let webhook = Webhook::start(&user, &configuration(&user, &url, &pin));
    let pinned = format!("{GUN}@sha256:{hex}");
    let replace = |path: &str| json!({ "op": "replace", "path": path, "value": pinned });
    let mut spec = containers(&[&image, &pinned]);
    spec["initContainers"] = json!([{ "image": format!("{image}@sha256:{hex}") }]);
    spec["ephemeralContainers"] = json!([{ "image": image }]);
    let patch = webhook.allows("Pod", &json!({ "spec": spec }));
    let places = ["initContainers/0", "containers/0", "ephemeralContainers/0"];
    assert_eq!(patch, Value::from(places.map(|place| replace(&format!("/spec/{place}/image"))).to_vec()));
    let template = json!({ "spec": { "template": { "spec": containers(&[&image]) } } });
    let patch = webhook.allows("Deployment", &template);
    assert_eq!(patch, json!([replace("/spec/template/spec/containers/0/image")]));
    assert_eq!(webhook.allows("Pod", &json!({ "spec": containers(&[&pinned]) })), Value::Null);

    webhook.refuses(&[&image, &format!("{GUN}:v2")], "NOT_SIGNED: ");
    webhook.refuses(&[&format!("{GUN}@sha256:{}", "cd".repeat(32))], "DIGEST_NOT_SIGNED: ");
    webhook.refuses(&[&format!("{image}@sha256:{}", "cd".repeat(32))], "OTHER_DIGEST: ");
    webhook.refuses(&[&image, "alpine"], "alpine: UNLISTED: ");
    webhook.refuses(&["registry.example.com/team/other:v1"], "NOT_SIGNED: ");

    // One handle serves all: within the window nobody asks again, and one more image costs nothing.
    let asked = server.log().lines().filter(|line| line.contains("timestamp.json")).count();
    webhook.allows("Pod", &json!({ "spec": containers(&[&image]) }));
    assert_eq!(server.log().lines().filter(|line| line.contains("timestamp.json")).count(), asked);

    // Another root than the pinned one is refused.
    let stranger = User::new();
    let wrong = Webhook::start(&stranger, &configuration(&stranger, &url, &"ab".repeat(32)));
    wrong.refuses(&[&image], "PIN_MISMATCH: ");
}

#[test]
fn whatever_goes_wrong_is_a_refusal() {
    let user = User::new();
    // Nobody listens there.
    let webhook = Webhook::start(&user, &configuration(&user, "http://127.0.0.1:1", &"ab".repeat(32)));
    webhook.refuses(&[&format!("{GUN}:v1")], "NETWORK: ");
    webhook.refuses(&["registry.example.com/Upper"], "IMAGE: ");
    webhook.refuses(&[], "OBJECT: ");
    let response = webhook.review("Gadget", &json!({ "spec": containers(&["alpine"]) }));
    assert_eq!(response["allowed"], false);
    assert_eq!(webhook.post("/admit", b"{}").0, 400);
    assert_eq!(webhook.post("/admit", b"not json").0, 400);
    assert_eq!(webhook.post("/admit", &vec![b' '; (4 << 20) + 1]).0, 413);
    assert_eq!(webhook.post("/elsewhere", b"{}").0, 404);

    // A trust server that never answers, and a client that never ends its request.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let webhook = Webhook::start(&user, &configuration(&user, &url, &"ab".repeat(32)));
    let begun = Instant::now();
    webhook.refuses(&[&format!("{GUN}:v1")], "TIMEOUT: ");
    let mut stream = TcpStream::connect(&webhook.address).unwrap();
    let head =
        "POST /admit HTTP/1.1\r\nHost: w\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{";
    stream.write_all(head.as_bytes()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut start = [0; 12];
    stream.read_exact(&mut start).unwrap();
    assert_eq!(&start, b"HTTP/1.1 408");
    assert!(begun.elapsed() < Duration::from_secs(15));
}

#[test]
fn a_configuration_that_can_not_be_used_ends_with_2() {
    let user = User::new();
    let outcome = user.run("admission", ["--config", "/nowhere.toml"]).0;
    assert_eq!(outcome.status, Some(2), "{outcome:#?}");
    let file = user.write("trust.toml", "[[image]]\nmatch = \"*\"\n");
    let outcome = user.run("admission", ["--config", &file]).0;
    assert!(outcome.status == Some(2) && outcome.says("exactly one of"), "{outcome:#?}");
    assert_eq!(user.run("admission", [""; 0]).0.status, Some(2));
}

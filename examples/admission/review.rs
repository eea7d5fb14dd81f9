//! Kubernetes' `admission.k8s.io/v1` as far as images are concerned: which ones a request would run,
//! and how an answer looks. No input or output.

use data_encoding::BASE64;
use serde_json::{Value, json};

/// What is asked.
#[derive(Debug)]
pub struct Review {
    /// Names the request in its answer.
    pub uid: String,
    /// The images that it would run, or why that can't be told.
    pub images: Result<Vec<Place>, String>,
}

/// Where an image stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// A JSON pointer into the object.
    pub pointer: String,
    /// The image as written.
    pub image: String,
}

/// Reads a request. What has no uid can't be answered at all.
pub fn read(body: &[u8]) -> Result<Review, String> {
    let review: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let is = |key: &str, expected: &str| review.get(key).and_then(Value::as_str) == Some(expected);
    if !is("apiVersion", "admission.k8s.io/v1") || !is("kind", "AdmissionReview") {
        return Err("not an AdmissionReview of admission.k8s.io/v1".to_owned());
    }
    let request = review.get("request").ok_or("no request")?;
    let uid = request.get("uid").and_then(Value::as_str).filter(|uid| !uid.is_empty()).ok_or("no uid")?;
    Ok(Review { uid: uid.to_owned(), images: images(request) })
}

/// Allows the request, with these images instead of the ones that are written.
pub fn allow(uid: &str, pinned: &[Place]) -> Value {
    let replace = |it: &Place| json!({ "op": "replace", "path": it.pointer, "value": it.image });
    let patch: Vec<_> = pinned.iter().map(replace).collect();
    let mut response = json!({ "uid": uid, "allowed": true });
    if !patch.is_empty() {
        response["patchType"] = json!("JSONPatch");
        response["patch"] = json!(BASE64.encode(Value::from(patch).to_string().as_bytes()));
    }
    answer(response)
}

/// Refuses the request and says why.
pub fn refuse(uid: &str, reason: &str) -> Value {
    let status = json!({ "status": "Failure", "code": 403, "reason": "Forbidden", "message": reason });
    answer(json!({ "uid": uid, "allowed": false, "status": status }))
}

fn answer(response: Value) -> Value {
    json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response })
}

fn images(request: &Value) -> Result<Vec<Place>, String> {
    match request.get("operation").and_then(Value::as_str) {
        Some("CREATE" | "UPDATE") => {}
        // Nothing runs that did not run before.
        Some("DELETE") => return Ok(Vec::new()),
        other => return Err(format!("operation {other:?} is not expected here")),
    }
    let kind = request.pointer("/kind/kind").and_then(Value::as_str).unwrap_or_default();
    let group = request.pointer("/kind/group").and_then(Value::as_str).unwrap_or_default();
    let pointer = match (group, kind) {
        ("", "Pod") => "/spec",
        ("", "PodTemplate") => "/template/spec",
        ("", "ReplicationController")
        | ("apps", "Deployment" | "ReplicaSet" | "DaemonSet" | "StatefulSet")
        | ("batch", "Job") => "/spec/template/spec",
        ("batch", "CronJob") => "/spec/jobTemplate/spec/template/spec",
        _ => return Err(format!("{group}/{kind}: where its images stand is not known here")),
    };
    let spec = request.get("object").and_then(|object| object.pointer(pointer));
    let spec = spec.filter(|spec| spec.is_object()).ok_or_else(|| format!("{kind} without {pointer}"))?;
    let mut places = Vec::new();
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        places.extend(listed(spec, pointer, list, "/image", true)?);
    }
    // Volumes may hold the content of an image, too.
    places.extend(listed(spec, pointer, "volumes", "/image/reference", false)?);
    if places.is_empty() { Err(format!("{kind} without any image")) } else { Ok(places) }
}

/// The images of one list. Where one must stand or begins to, it has to be a text.
fn listed(spec: &Value, pointer: &str, list: &str, below: &str, always: bool) -> Result<Vec<Place>, String> {
    let items = match spec.get(list) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(items)) => items,
        Some(_) => return Err(format!("{pointer}/{list} is no list")),
    };
    let mut places = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let pointer = format!("{pointer}/{list}/{index}{below}");
        if !always && item.get("image").is_none_or(Value::is_null) {
            continue;
        }
        match item.pointer(below).and_then(Value::as_str) {
            Some(image) if !image.is_empty() => places.push(Place { pointer, image: image.to_owned() }),
            _ => return Err(format!("{pointer} names no image")),
        }
    }
    Ok(places)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(group: &str, kind: &str, operation: &str, object: Value) -> Result<Vec<String>, String> {
        let kind = json!({ "group": group, "version": "v1", "kind": kind });
        let request = json!({ "uid": "u", "kind": kind, "operation": operation, "object": object });
        let review =
            json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request });
        let images = read(review.to_string().as_bytes()).unwrap().images?;
        let found = |place: &Place| object.pointer(&place.pointer).and_then(Value::as_str);
        assert!(images.iter().all(|place| found(place) == Some(place.image.as_str())), "{images:?}");
        Ok(images.into_iter().map(|place| format!("{} {}", place.pointer, place.image)).collect())
    }

    #[test]
    fn every_image_that_would_run_is_found() {
        let spec = json!({
            "initContainers": [{ "image": "i" }],
            "containers": [{ "image": "a" }, { "image": "b" }],
            "ephemeralContainers": [{ "image": "e" }],
            "volumes": [{ "emptyDir": {} }, { "image": { "reference": "v" } }],
        });
        let in_pod = [
            "/spec/initContainers/0/image i",
            "/spec/containers/0/image a",
            "/spec/containers/1/image b",
            "/spec/ephemeralContainers/0/image e",
            "/spec/volumes/1/image/reference v",
        ];
        assert_eq!(asked("", "Pod", "CREATE", json!({ "spec": spec })).unwrap(), in_pod);
        for (group, kind) in [
            ("apps", "Deployment"),
            ("apps", "ReplicaSet"),
            ("apps", "DaemonSet"),
            ("apps", "StatefulSet"),
            ("batch", "Job"),
            ("", "ReplicationController"),
        ] {
            let object = json!({ "spec": { "template": { "spec": spec } } });
            assert_eq!(asked(group, kind, "UPDATE", object).unwrap().len(), 5, "{kind}");
        }
        let job = json!({ "spec": { "template": { "spec": spec } } });
        let cron = json!({ "spec": { "jobTemplate": job } });
        assert_eq!(asked("batch", "CronJob", "CREATE", cron).unwrap().len(), 5);
        assert_eq!(
            asked("", "PodTemplate", "CREATE", json!({ "template": { "spec": spec } })).unwrap().len(),
            5
        );
        assert_eq!(asked("", "Pod", "DELETE", Value::Null).unwrap().len(), 0);
    }

    #[test]
    fn what_can_not_be_told_is_an_error() {
        let pod = |spec: Value| asked("", "Pod", "CREATE", json!({ "spec": spec }));
        assert!(pod(json!({})).is_err());
        assert!(pod(json!({ "containers": [] })).is_err());
        assert!(pod(json!({ "containers": {} })).is_err());
        assert!(pod(json!({ "containers": [{ "name": "a" }] })).is_err());
        assert!(pod(json!({ "containers": [{ "image": "" }] })).is_err());
        assert!(pod(json!({ "containers": [{ "image": 1 }] })).is_err());
        assert!(pod(json!({ "containers": [{ "image": "a" }], "volumes": [{ "image": {} }] })).is_err());
        let spec = json!({ "spec": { "containers": [{ "image": "a" }] } });
        assert!(asked("", "Pod", "CONNECT", spec.clone()).is_err());
        assert!(asked("example.com", "Pod", "CREATE", spec.clone()).is_err());
        assert!(asked("apps", "Deployment", "CREATE", spec).is_err());
        assert!(asked("", "Pod", "CREATE", Value::Null).is_err());
        for body in ["", "{}", "[]", r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}"#] {
            assert!(read(body.as_bytes()).is_err());
        }
    }
}

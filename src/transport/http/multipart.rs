//! An upload's body: `multipart/form-data` (RFC 7578), one part a file, as Notary v1's servers
//! expect it. The file name is the role, slashes included; all parts are named `files`.

use ring::rand::{SecureRandom, SystemRandom};

use super::TransportError;
use crate::name::RoleName;

/// The content type, and the body.
pub(super) fn encode(files: &[(RoleName, Vec<u8>)]) -> Result<(String, Vec<u8>), TransportError> {
    let boundary = boundary(files)?;
    let mut body = Vec::new();
    body.reserve_exact(
        files.iter().fold(0, |sum: usize, (_, it)| sum.saturating_add(it.len()).saturating_add(512)),
    );
    for (role, content) in files {
        let head = format!(
            "--{boundary}\r\n\
             Content-Disposition: form-data; name=\"files\"; filename=\"{role}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    Ok((format!("multipart/form-data; boundary={boundary}"), body))
}

/// A boundary that occurs in no file. 30 random bytes do not; whoever controls a file can't know
/// them, but a broken random generator would not be noticed otherwise.
fn boundary(files: &[(RoleName, Vec<u8>)]) -> Result<String, TransportError> {
    for _ in 0..4 {
        let mut random = [0; 30];
        if SystemRandom::new().fill(&mut random).is_err() {
            break;
        }
        let boundary = data_encoding::HEXLOWER.encode(&random);
        if !files.iter().any(|(_, content)| delimits(content, boundary.as_bytes())) {
            return Ok(boundary);
        }
    }
    Err(TransportError::Config("no randomness for the upload's boundary".to_owned()))
}

/// Whether a reader would take a line of the content for the boundary.
fn delimits(content: &[u8], boundary: &[u8]) -> bool {
    let starts = |line: &[u8]| line.strip_prefix(b"--").is_some_and(|line| line.starts_with(boundary));
    // Canonical metadata is one line, which a search for its end tells fastest.
    starts(content) || (content.contains(&b'\n') && content.split(|byte| *byte == b'\n').any(starts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_as_notary_reads_them() {
        let files =
            vec![(RoleName::Root, b"{\"a\":1}".to_vec()), (RoleName::releases(), b"\r\n--x".to_vec())];
        let (content_type, body) = encode(&files).unwrap();
        let boundary = content_type.strip_prefix("multipart/form-data; boundary=").unwrap();
        assert_eq!(boundary.len(), 60);
        let head = |role| {
            format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"files\"; filename=\"{role}\"\r\n\
                 Content-Type: application/octet-stream\r\n\r\n"
            )
        };
        let expected = format!(
            "{}{{\"a\":1}}\r\n{}\r\n--x\r\n--{boundary}--\r\n",
            head("root"),
            head("targets/releases")
        );
        assert_eq!(String::from_utf8(body).unwrap(), expected);
        assert_ne!(encode(&files).unwrap().0, content_type, "a new boundary each time");
    }

    #[test]
    fn a_boundary_inside_of_a_file_is_seen() {
        for content in ["--abc", "x\r\n--abc--\r\n", "\n\n--abcd"] {
            assert!(delimits(content.as_bytes(), b"abc"), "{content:?}");
        }
        for content in ["", "abc", "x--abc", "\r\n--ab", "\r\n-abc"] {
            assert!(!delimits(content.as_bytes(), b"abc"), "{content:?}");
        }
    }
}

//! One file over HTTP: what has arrived is kept, and the next attempt goes on from there.

use std::io::{self, Read as _, Write as _};
use std::time::Duration;

use camino::Utf8Path;
use ureq::Agent;
use ureq::http::{Response, StatusCode, header};
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

/// How long one attempt may take; the next one goes on where it ended, and may take twice as long.
const FIRST_ATTEMPT: Duration = Duration::from_secs(120);

/// How often a transfer that moves on at least a little is taken up again.
const ATTEMPTS: u32 = 6;

/// Why a file did not arrive.
#[derive(Debug, thiserror::Error)]
pub(super) enum DownloadError {
    /// Nobody answers, or the connection broke.
    #[error("{0}")]
    Unreachable(String),
    /// The server answers with something else than the file.
    #[error("the server answers {0}")]
    Status(StatusCode),
    /// The disk says no.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// A client that trusts whom the system trusts, and takes the proxy from the environment.
pub(super) fn agent() -> Agent {
    let tls =
        TlsConfig::builder().provider(TlsProvider::NativeTls).root_certs(RootCerts::PlatformVerifier).build();
    Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .timeout_connect(Some(Duration::from_secs(20)))
        .timeout_recv_response(Some(Duration::from_secs(60)))
        .user_agent(concat!("calico-mesos-install/", env!("CARGO_PKG_VERSION")))
        .build()
        .into()
}

/// Downloads `url` to `partial`, going on where an earlier call ended, in this process or another. `progress` hears how
/// many bytes are there, and of how many.
///
/// # Errors
/// Why it is not complete. What has arrived stays.
pub(super) fn download(
    agent: &Agent,
    url: &str,
    partial: &Utf8Path,
    progress: &dyn Fn(u64, Option<u64>),
) -> Result<(), DownloadError> {
    let mut patience = FIRST_ATTEMPT;
    let mut attempts = 0;
    loop {
        let before = length(partial);
        match attempt(agent, url, partial, patience, progress) {
            Err(DownloadError::Unreachable(_)) if attempts < ATTEMPTS && length(partial) > before => {
                attempts += 1;
                patience *= 2;
            }
            ended => return ended,
        }
    }
}

/// What has arrived, in bytes.
fn length(partial: &Utf8Path) -> u64 {
    fs_err::metadata(partial).map_or(0, |about| about.len())
}

fn attempt(
    agent: &Agent,
    url: &str,
    partial: &Utf8Path,
    patience: Duration,
    progress: &dyn Fn(u64, Option<u64>),
) -> Result<(), DownloadError> {
    let tag_file = partial.with_extension("tag");
    // Which version of the file the first part is of: without that, two versions could be put together.
    let tag = fs_err::read_to_string(&tag_file).unwrap_or_default();
    let have = if tag.is_empty() { 0 } else { length(partial) };
    let mut request = agent.get(url).header(header::ACCEPT_ENCODING, "identity");
    if have > 0 {
        request = request.header(header::RANGE, format!("bytes={have}-")).header(header::IF_RANGE, &tag);
    }
    // What began encrypted does not go on in the clear.
    let secure = url.starts_with("https://");
    let request = request.config().https_only(secure).timeout_recv_body(Some(patience)).build();
    let answer = request.call().map_err(|error| DownloadError::Unreachable(error.to_string()))?;
    let (start, mut file) = match answer.status() {
        StatusCode::PARTIAL_CONTENT if starts_at(&answer, have) => {
            (have, fs_err::OpenOptions::new().append(true).open(partial)?)
        }
        StatusCode::OK => {
            fs_err::write(&tag_file, validator(&answer).unwrap_or_default())?;
            (0, fs_err::File::create(partial)?)
        }
        StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => {
            // Not what was asked for: from the beginning the next time.
            fs_err::remove_file(&tag_file)?;
            return Err(DownloadError::Unreachable(
                "the server does not go on where the file ended".to_owned(),
            ));
        }
        status => return Err(DownloadError::Status(status)),
    };
    let total = answer.body().content_length().map(|rest| start + rest);
    let mut body = answer.into_body().into_reader();
    let (mut buffer, mut there) = (vec![0; 64 << 10], start);
    loop {
        progress(there, total);
        let count = body.read(&mut buffer).map_err(|error| DownloadError::Unreachable(error.to_string()))?;
        if count == 0 {
            break;
        }
        file.write_all(buffer.get(..count).unwrap_or_default())?;
        there += count as u64;
    }
    match total {
        Some(total) if total != there => {
            Err(DownloadError::Unreachable(format!("it ended after {there} of {total} bytes")))
        }
        _ => Ok(()),
    }
}

/// Whether a part begins where it was asked to.
fn starts_at<B>(answer: &Response<B>, offset: u64) -> bool {
    let range = answer.headers().get(header::CONTENT_RANGE).and_then(|value| value.to_str().ok());
    range.is_some_and(|range| range.starts_with(&format!("bytes {offset}-")))
}

/// What tells this version of the file from another: a strong `ETag`, else the time of the last change.
fn validator<B>(answer: &Response<B>) -> Option<String> {
    let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
    let strong = header(header::ETAG).filter(|tag| !tag.starts_with("W/"));
    strong.or_else(|| header(header::LAST_MODIFIED)).map(str::to_owned)
}

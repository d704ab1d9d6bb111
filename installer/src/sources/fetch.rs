//! Many sources at once.

use super::event::ObtainedFile;
use super::obtain::{Context, Obtained};
use super::{Event, Options, SourceError, Wanted};
use crate::data::Data;
use crate::diagnostic::with_causes;

/// Obtains all sources, at most `workers` at once, and tells `observe` what becomes of each. A file of which nothing
/// says what it must be is taken as it is. The answers are in the order of `wanted`.
///
/// # Errors
/// This machine has no threads.
pub fn fetch(
    data: &Data,
    wanted: &[Wanted<'_>],
    options: &Options,
    workers: usize,
    observe: &(dyn Fn(Event) + Sync),
) -> Result<Vec<Result<Obtained, SourceError>>, SourceError> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(workers).build();
    let pool = pool.map_err(|error| SourceError::io("starting threads", std::io::Error::other(error)))?;
    let mut results: Vec<_> = wanted.iter().map(|_| None).collect();
    pool.scope_fifo(|scope| {
        for (wanted, result) in wanted.iter().zip(&mut results) {
            scope.spawn_fifo(move |_| {
                let context = Context { wanted, options, strict: false, observe };
                let obtained = context.obtain(data);
                observe(event(wanted, &obtained));
                *result = Some(obtained);
            });
        }
    });
    Ok(results.into_iter().flatten().collect())
}

fn event(wanted: &Wanted<'_>, obtained: &Result<Obtained, SourceError>) -> Event {
    let source = wanted.name.to_owned();
    match obtained {
        Ok(Obtained { how, files }) => {
            let file = |file: &super::SourceFile| ObtainedFile {
                name: file.name.clone(),
                sha256: file.digest,
                path: file.path().map(camino::Utf8Path::to_owned),
            };
            Event::SourceObtained { source, how: *how, files: files.iter().map(file).collect() }
        }
        Err(error) => Event::SourceFailed { source, error: with_causes(error) },
    }
}

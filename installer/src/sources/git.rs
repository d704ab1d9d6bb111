//! A commit of a git repository → an archive.
//!
//! The objects are read by git, which verifies them, and the archive is made here: `git archive` would ask the
//! repository's own attributes what to leave out and what to write into files.

use std::collections::BTreeSet;
use std::io::{self, BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::process::{Child, Command, Stdio};

use camino::{Utf8Path, Utf8PathBuf};

use super::archive::{Archive, Entry};
use crate::process::{self, ProcessError};

/// A repository on this machine: bare, or with a work tree, which is left alone.
pub(super) struct Repository<'a> {
    path: &'a Utf8Path,
}

/// One file of a commit.
struct File {
    /// `100644`, `100755` or `120000`.
    mode: String,
    object: String,
    path: Utf8PathBuf,
}

/// Why a commit could not be made into an archive.
#[derive(Debug)]
pub(super) enum GitError {
    /// Something that the operator can do something about: what, and what to do.
    Problem(String),
    /// git could not be run, or ended in a way that is not expected.
    Process(ProcessError),
    /// Reading objects or writing the archive failed.
    Io(io::Error),
}

impl From<ProcessError> for GitError {
    fn from(error: ProcessError) -> Self {
        Self::Process(error)
    }
}

impl From<io::Error> for GitError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl<'a> Repository<'a> {
    /// The repository in the folder `path`; `None` when there is none right there.
    pub(super) fn open(path: &'a Utf8Path) -> Option<Self> {
        let bare = path.join("objects").is_dir() && path.join("HEAD").is_file();
        (bare || path.join(".git").exists()).then_some(Self { path })
    }

    /// Its folder.
    pub(super) fn path(&self) -> &'a Utf8Path {
        self.path
    }

    /// Whether the commit is there.
    pub(super) fn has(&self, commit: &str) -> Result<bool, GitError> {
        let mut git = self.git(&["cat-file", "-t", commit]);
        match process::capture(&mut git, &format!("looking for {commit} in {}", self.path)) {
            Ok(kind) => Ok(kind.trim() == "commit"),
            Err(ProcessError::Failed { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes the files of `commit` to `file`, below one folder `top`, in the order of their names and with the
    /// commit's time. What `exclude` names, files or folders, is left out.
    pub(super) fn archive(
        &self,
        commit: &str,
        top: &str,
        exclude: &BTreeSet<Utf8PathBuf>,
        file: &Utf8Path,
    ) -> Result<(), GitError> {
        if !self.has(commit)? {
            return Err(GitError::Problem(format!(
                "{} has no commit {commit}\nFetch it into that repository, or correct the commit in the release.",
                self.path
            )));
        }
        let mut files = self.files(commit)?;
        for path in exclude {
            let before = files.len();
            files.retain(|file| !file.path.starts_with(path));
            if files.len() == before {
                return Err(GitError::Problem(format!(
                    "commit {commit} has no {path}, which the release excludes\nRemove it from `exclude`."
                )));
            }
        }
        let mut objects = Objects::open(self, &files)?;
        let partial = file.with_extension("part");
        let mut archive = Archive::new(BufWriter::new(fs_err::File::create(&partial)?), self.time(commit)?);
        for file in &files {
            let path = Utf8Path::new(top).join(&file.path);
            objects.next(file, self.path, |size, content| {
                if file.mode == "120000" {
                    let mut target = String::new();
                    content.read_to_string(&mut target)?;
                    return archive.add(&path, Entry::<io::Empty>::Link { target });
                }
                archive.add(&path, Entry::File { executable: file.mode == "100755", size, content })
            })?;
        }
        objects.close()?;
        archive.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        Ok(fs_err::rename(&partial, file)?)
    }

    /// The files of a commit, sorted by their paths. Submodules are none.
    fn files(&self, commit: &str) -> Result<Vec<File>, GitError> {
        let mut git = self.git(&["ls-tree", "-r", "-z", "--full-tree", commit]);
        let listing = process::capture(&mut git, &format!("listing {commit} of {}", self.path))?;
        let file = |line: &str| {
            let (about, path) = line.split_once('\t')?;
            let mut words = about.split(' ');
            let (mode, kind, object) = (words.next()?, words.next()?, words.next()?);
            (kind == "blob").then(|| File {
                mode: mode.to_owned(),
                object: object.to_owned(),
                path: path.into(),
            })
        };
        let mut files: Vec<_> = listing.split('\0').filter_map(file).collect();
        files.sort_by(|one, other| one.path.as_str().cmp(other.path.as_str()));
        Ok(files)
    }

    /// When the commit was made, in seconds since 1970.
    fn time(&self, commit: &str) -> Result<u64, GitError> {
        let mut git = self.git(&["show", "-s", "--format=%ct", commit]);
        let text = process::capture(&mut git, &format!("reading {commit} of {}", self.path))?;
        let time = text.trim().parse();
        time.map_err(|_| GitError::Problem(format!("git gives {:?} as the time of {commit}", text.trim())))
    }

    fn git(&self, args: &[&str]) -> Command {
        let mut git = process::program("git");
        // The owner of the folder may be another user: nothing of it is run, its objects are only read.
        git.args(["-c", "safe.directory=*", "-C", self.path.as_str()]).args(args);
        git.env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .env("GIT_NO_LAZY_FETCH", "1");
        git
    }
}

/// Fetches one commit of the repository at `url` into the one at `path`, which is made if need be.
///
/// # Errors
/// git's own last word, in a line, when it cannot be fetched.
pub(super) fn fetch<'a>(path: &'a Utf8Path, url: &str, commit: &str) -> Result<Repository<'a>, GitError> {
    let repository = Repository { path };
    if Repository::open(path).is_none() {
        fs_err::create_dir_all(path)?;
        process::capture(&mut repository.git(&["init", "--quiet", "--bare"]), &format!("making {path}"))?;
    }
    // Nobody is there to be asked for a password.
    let mut git = repository.git(&["fetch", "--quiet", "--depth=1", "--no-tags", "--", url, commit]);
    git.env("GIT_TERMINAL_PROMPT", "0");
    match process::capture(&mut git, &format!("fetching {commit} of {url}")) {
        Ok(_) => Ok(repository),
        Err(ProcessError::Failed { stderr, .. }) => {
            let last = stderr.lines().find_map(|line| line.strip_prefix("fatal: "));
            Err(GitError::Problem(
                last.or(stderr.lines().last()).unwrap_or("git does not say why").to_owned(),
            ))
        }
        Err(error) => Err(error.into()),
    }
}

/// The contents of objects, one after another, from one git process.
struct Objects {
    git: Child,
    answers: BufReader<std::process::ChildStdout>,
}

impl Objects {
    /// Asks for the contents of all `files`, in their order.
    fn open(repository: &Repository<'_>, files: &[File]) -> Result<Self, GitError> {
        let mut command = repository.git(&["cat-file", "--batch"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut git = command.spawn()?;
        let (Some(mut questions), Some(answers)) = (git.stdin.take(), git.stdout.take()) else {
            return Err(io::Error::other("git has no streams").into());
        };
        let names: String = files.iter().map(|file| format!("{}\n", file.object)).collect();
        // In a thread of its own: git answers while it is still being asked.
        std::thread::spawn(move || questions.write_all(names.as_bytes()));
        Ok(Self { git, answers: BufReader::new(answers) })
    }

    /// Hands the length and content of the next object, which is `file`'s, to `take`.
    fn next(
        &mut self,
        file: &File,
        repository: &Utf8Path,
        take: impl FnOnce(u64, &mut io::Take<&mut BufReader<std::process::ChildStdout>>) -> io::Result<()>,
    ) -> Result<(), GitError> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        let size =
            line.trim_end().strip_prefix(&format!("{} blob ", file.object)).and_then(|n| n.parse().ok());
        let Some(size) = size else {
            return Err(GitError::Problem(format!(
                "{repository} lacks the content of {} ({}): it is a partial copy, or damaged\n\
                 Fetch all of it, or name another copy.",
                file.path, file.object
            )));
        };
        let mut content = self.answers.by_ref().take(size);
        take(size, &mut content)?;
        io::copy(&mut content, &mut io::sink())?;
        let mut end = [0];
        Ok(self.answers.read_exact(&mut end)?)
    }

    fn close(mut self) -> io::Result<()> {
        self.git.wait().map(drop)
    }
}

impl Drop for Objects {
    fn drop(&mut self) {
        // After an error git still waits to be read; it has nothing to lose.
        let _ = self.git.kill();
        let _ = self.git.wait();
    }
}

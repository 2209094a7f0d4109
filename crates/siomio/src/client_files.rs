//! The official client, for browsers to load from here.

mod served;

use std::{fmt, fs, io, path::Path};

use bytes::Bytes;

pub(crate) use self::served::ServedFiles;

/// The official browser client, to be served below the server's path: `<script src="/socket.io/socket.io.js">`.
///
/// Given to [`ServerBuilder::client_files`](crate::ServerBuilder::client_files). It does not come with siomio, for it is the
/// work of the Socket.IO project and has releases of its own: it is in the npm packages `socket.io-client`, in `dist`, and
/// `socket.io`, in `client-dist`. What is served are these files, each with its `.map`, as far as they are given:
///
/// | file | what |
/// | --- | --- |
/// | `socket.io.js` | for reading |
/// | `socket.io.min.js` | the same, minified |
/// | `socket.io.msgpack.min.js` | with the parser for MessagePack |
/// | `socket.io.esm.min.js` | for `import` |
///
/// Browsers may keep a file, but ask each time whether it has changed; that is told by its `ETag`, the
/// [version](Self::version). Files are answered to any method, whatever the query, with the headers of
/// [`Cors`](crate::Cors) if that is set; nothing else of the application sees these requests. They are not compressed: that is
/// left to a proxy.
///
/// ```no_run
/// use siomio::{ClientFiles, Server};
///
/// let files = ClientFiles::from_dir("node_modules/socket.io-client/dist")?;
/// let server = Server::builder().client_files(files).build();
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Default)]
#[must_use = "give it to `ServerBuilder::client_files`"]
pub struct ClientFiles {
    files: Vec<(&'static str, Bytes)>,
    version: Option<String>,
}

/// All files there are.
const NAMES: [&str; 8] = [
    "socket.io.js",
    "socket.io.js.map",
    "socket.io.min.js",
    "socket.io.min.js.map",
    "socket.io.msgpack.min.js",
    "socket.io.msgpack.min.js.map",
    "socket.io.esm.min.js",
    "socket.io.esm.min.js.map",
];

impl ClientFiles {
    /// No files yet.
    pub const fn new() -> Self {
        Self { files: Vec::new(), version: None }
    }

    /// Those files that are in a directory. They are read now and kept in memory; what else is there is left alone.
    ///
    /// # Errors
    /// When a file cannot be read, and when there is none.
    pub fn from_dir(path: impl AsRef<Path>) -> io::Result<Self> {
        let mut files = Self::new();
        for name in NAMES {
            let path = path.as_ref().join(name);
            match fs::read(&path) {
                Ok(content) => files = files.file(name, content),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(about(&path, error.kind(), error)),
            }
        }
        if files.files.is_empty() {
            return Err(about(path.as_ref(), io::ErrorKind::NotFound, "no file of the client"));
        }
        Ok(files)
    }

    /// Adds a file, in place of one of the same name. Its content is never copied.
    ///
    /// ```
    /// use siomio::ClientFiles;
    ///
    /// # const BUNDLE: &[u8; 20] = b"globalThis.io = null";
    /// // With `include_bytes!("socket.io.min.js")`, say.
    /// let files = ClientFiles::new().file("socket.io.min.js", BUNDLE).version("4.8.4");
    /// ```
    ///
    /// # Panics
    /// When there is no file of this name among those that are served.
    pub fn file(mut self, name: &str, content: impl AsRef<[u8]> + Send + 'static) -> Self {
        let Some(name) = NAMES.into_iter().find(|own| *own == name) else {
            panic!("{name:?} is none of the client's files");
        };
        self.files.retain(|(own, _)| *own != name);
        self.files.push((name, Bytes::from_owner(content)));
        self
    }

    /// Sets the version of the files: a browser that has them loads them anew only when it changes. Default: the one that
    /// the files themselves name at their beginning; if they name none, or not the same one, it is made of their contents.
    ///
    /// # Panics
    /// When it holds a quotation mark, a blank, or what is not ASCII.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        let version = version.into();
        let fits = version.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
        assert!(fits, "{version:?} cannot be the version of a file");
        self.version = Some(version);
        self
    }

    /// The version that was set, or can be told from the files.
    fn known_version(&self) -> String {
        let named = || {
            let mut banners = self.files.iter().filter_map(|(_, content)| banner_version(content));
            let first = banners.next()?;
            banners.all(|other| other == first).then(|| first.to_owned())
        };
        self.version.clone().or_else(named).unwrap_or_else(|| self.fingerprint())
    }

    /// A name for these contents: the same on every machine, so that servers behind one address agree (FNV-1a).
    fn fingerprint(&self) -> String {
        let mut files: Vec<_> = self.files.iter().collect();
        files.sort_unstable_by_key(|(name, _)| *name);
        let length = |content: &Bytes| (content.len() as u64).to_le_bytes();
        let hash = files.into_iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, (name, content)| {
            let bytes = name.bytes().chain(length(content)).chain(content.iter().copied());
            bytes.fold(hash, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
        });
        format!("{hash:016x}")
    }
}

/// The version in the comment that a bundle begins with.
fn banner_version(content: &[u8]) -> Option<&str> {
    const MARK: &[u8] = b"Socket.IO v";
    let beginning = &content[..content.len().min(200)];
    let start = beginning.windows(MARK.len()).position(|bytes| bytes == MARK)? + MARK.len();
    let version = &beginning[start..];
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b".-+".contains(byte);
    let end = version.iter().position(|byte| !is_part(byte))?;
    std::str::from_utf8(&version[..end]).ok().filter(|version| !version.is_empty())
}

fn about(path: &Path, kind: io::ErrorKind, what: impl fmt::Display) -> io::Error {
    io::Error::new(kind, format!("{}: {what}", path.display()))
}

impl fmt::Debug for ClientFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.files.iter().map(|(name, _)| name).collect();
        f.debug_struct("ClientFiles")
            .field("files", &names)
            .field("version", &self.version)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUNDLE: &str = "/*!\n * Socket.IO v4.8.4\n * (c) somebody\n */\n";

    #[test]
    fn the_version_is_the_one_that_was_set_or_that_the_files_agree_on() {
        let files = ClientFiles::new().file("socket.io.js", BUNDLE).file("socket.io.js.map", "{}");
        assert_eq!(files.known_version(), "4.8.4");
        assert_eq!(files.clone().version("mine").known_version(), "mine");
        assert_eq!(files.clone().file("socket.io.min.js", BUNDLE).known_version(), "4.8.4");
        let others = files.file("socket.io.min.js", "/*!\n * Socket.IO v4.8.1\n */");
        assert_eq!(others.known_version().len(), 16, "they are not of one release");
    }

    #[test]
    fn a_banner_names_a_version_only_at_the_beginning() {
        let late = format!("{}{BUNDLE}", " ".repeat(200));
        for (content, version) in [
            (BUNDLE, Some("4.8.4")),
            ("/* Socket.IO v5.0.0-alpha.1+2 */", Some("5.0.0-alpha.1+2")),
            ("/* Socket.IO v */", None),
            ("/* Socket.IO v4.8", None),
            ("/* Socket.IO */", None),
            ("", None),
            (&late, None),
        ] {
            assert_eq!(banner_version(content.as_bytes()), version, "{content:?}");
        }
    }

    #[test]
    fn contents_without_a_version_have_a_fingerprint_of_their_own() {
        let of = |files: &[(&str, &'static str)]| {
            let add =
                |all: ClientFiles, (name, content): &(&str, &'static str)| all.file(name, *content);
            files.iter().fold(ClientFiles::new(), add).known_version()
        };
        let (a, b) = (("socket.io.js", "a"), ("socket.io.min.js", "b"));
        // Known beforehand: it must not depend on the machine, the process or the release.
        assert_eq!(of(&[a]), "32e5daed2816189d");
        assert_eq!(of(&[a, b]), of(&[b, a]), "the order does not matter");
        assert_eq!(of(&[("socket.io.js", "x"), b, a]), of(&[a, b]), "the last of a name counts");
        let different = [of(&[]), of(&[a]), of(&[b]), of(&[a, b]), of(&[("socket.io.js", "b")])];
        let mut unique = different.to_vec();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), different.len());
    }

    #[test]
    #[should_panic(expected = "\"socket.io.mjs\" is none of the client's files")]
    fn other_names_are_misuse() {
        let _ = ClientFiles::new().file("socket.io.mjs", "");
    }

    #[test]
    fn what_cannot_stand_in_a_tag_is_no_version() {
        for version in ["a\"b", "a b", "a\r\nb", "ä"] {
            let set = || ClientFiles::new().version(version);
            assert!(std::panic::catch_unwind(set).is_err(), "{version:?}");
        }
    }
}

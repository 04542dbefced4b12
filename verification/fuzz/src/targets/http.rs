//! Requests for the page: whatever comes, in whatever pieces, there is one answer to it, and it is what the first line says.

use status::{Request, Verdict};

use crate::Target;

/// See the module.
pub const TARGET: Target = Target {
    name: "http",
    seeds: || {
        let mut seeds: Vec<_> = [
            "GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: somebody\r\n\r\n",
            "GET /?now HTTP/1.0\r\n\r\nmore",
            "GET /other HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nmore",
            "GET / HTTP/2\r\n\r\n",
            "\r\n\r\n",
            "GET  / HTTP/1.1\r\n\n\r\n\r",
        ]
        .map(|text| [b"\x05", text.as_bytes()].concat())
        .into();
        // As long as there is room, with and without an end.
        for end in ["", "\r\n\r\n"] {
            let fields = "A: b\r\n".repeat((ROOM - 16) / 6);
            let text = format!("\u{40}GET / HTTP/1.1\r\n{fields}{end}");
            seeds.push(text.into_bytes());
        }
        seeds
    },
    run,
};

/// The longest request.
const ROOM: usize = 2048;
const END: &[u8] = b"\r\n\r\n";

/// What is to be answered to all of it at once, by RFC 9112, sections 2.2 and 3, as far as the page goes.
fn expected(bytes: &[u8]) -> Verdict {
    let bytes = &bytes[..bytes.len().min(ROOM)];
    if !bytes.windows(END.len()).any(|part| part == END) {
        return if bytes.len() == ROOM {
            Verdict::Bad
        } else {
            Verdict::More
        };
    }
    let line = String::from_utf8_lossy(bytes);
    let line = line.split_once('\r').map_or("", |(line, _)| line);
    let target = line
        .strip_prefix("GET ")
        .and_then(|rest| rest.split_once(' '))
        .filter(|(_, version)| version.starts_with("HTTP/1.") && !version.contains(' '));
    match target {
        None => Verdict::Bad,
        Some((path, _)) if path == "/" || path.starts_with("/?") => Verdict::Page,
        Some(_) => Verdict::NotFound,
    }
}

/// The first byte says how long the pieces are in which the others come.
fn run(bytes: &[u8]) {
    let (length, bytes) = bytes.split_first().unwrap_or((&0, &[]));
    let mut request = Request::new();
    let mut taken = 0;
    let mut last = Verdict::More;
    for piece in bytes.chunks(usize::from(*length) + 1) {
        let count = request.push(piece);
        taken += count;
        assert!(count == piece.len() || taken == ROOM, "there was room");
        let verdict = request.verdict();
        assert!(
            last == Verdict::More || last == verdict,
            "{last:?} was the answer, and now is {verdict:?}"
        );
        last = verdict;
        assert_eq!(verdict, expected(&bytes[..taken]));
    }
    assert_eq!(request.verdict(), expected(bytes));
}

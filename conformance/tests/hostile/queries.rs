//! Queries that name what is no transport and no session, by the hundred.

use crate::{
    IDLE, besiege,
    peer::{Peer, post, request, upgrade},
};

const TRANSPORTS: [&str; 9] = [
    "__proto__",
    "constructor",
    "hasOwnProperty",
    "toString",
    "prototype",
    "webtransport",
    "polling%00",
    "%F0%9F%92%A9",
    "",
];

/// Ids that nobody has: of other lengths, of other characters, broken off, of bytes that are no text.
fn ids() -> Vec<String> {
    let mut ids: Vec<_> = [
        "__proto__",
        "constructor",
        "hasOwnProperty",
        "toString",
        "%",
        "%2",
        "%zz",
        "..%2F..%2Fetc",
    ]
    .map(str::to_owned)
    .into();
    ids.extend([1, 19, 20, 21, 255, 256, 10_000].map(|length| "A".repeat(length)));
    for character in ["%00", "%FF", "%C3%A9", "%E2%82%AC", "%F0%9F%98%80", "%F0%9F"] {
        // As many as there are characters in an id, and as many as fill its bytes.
        ids.extend([20, 10, 7, 6, 5].map(|times| character.repeat(times)));
    }
    // The twentieth byte stands in the middle of a character.
    ids.extend([18, 19].map(|length| format!("{}%F0%9F%98%80", "A".repeat(length))));
    ids
}

/// Queries that lead nowhere.
fn queries() -> Vec<String> {
    let transports = TRANSPORTS.iter().flat_map(|transport| {
        [format!("EIO=4&transport={transport}"), format!("EIO=4&transport={transport}&sid=x")]
    });
    let of_ids = ids().into_iter().flat_map(|id| {
        ["polling", "websocket"].map(|transport| format!("EIO=4&transport={transport}&sid={id}"))
    });
    transports.chain(of_ids).collect()
}

#[test]
fn queries_that_lead_nowhere_are_answered_each_and_keep_the_connection() {
    besiege(&[], 10 * IDLE, |victim| {
        let queries = queries();
        for _ in 0..5 {
            let mut peer = Peer::connect(victim.address);
            for queries in queries.chunks(16) {
                let targets: Vec<_> =
                    queries.iter().map(|query| format!("/socket.io/?{query}")).collect();
                let gets = targets.iter().map(|target| request("GET", target, "", ""));
                let posts = targets.iter().map(|target| post(target, "4x"));
                let all: String = gets.chain(posts).collect();
                assert!(peer.say(all));
                peer.hear("HTTP/1.1 400", 2 * targets.len());
            }
        }
    });
}

#[test]
fn websockets_that_lead_nowhere_are_refused_each() {
    besiege(&[], 200 * IDLE, |victim| {
        let queries = queries();
        for queries in queries.chunks(100) {
            let mut peers: Vec<_> = queries
                .iter()
                .map(|query| {
                    let request = upgrade(&format!("/socket.io/?{query}"));
                    (query, Peer::saying(victim.address, request))
                })
                .collect();
            for (query, peer) in &mut peers {
                let words = peer.last_words(query);
                assert!(words.starts_with("HTTP/1.1 400"), "{query}: {words}");
            }
        }
    });
}

#[test]
fn targets_that_are_no_text_are_refused_each() {
    besiege(&[], 200 * IDLE, |victim| {
        for raw in ["\u{1f600}", "é", "\u{7f}", "\u{1}", "x y"] {
            let target = format!("/socket.io/?EIO=4&transport=polling&sid={}", raw.repeat(5));
            for request in [request("GET", &target, "", ""), upgrade(&target), post(&target, "4x")]
            {
                for _ in 0..5 {
                    let mut peer = Peer::saying(victim.address, &request);
                    peer.hear("HTTP/1.1 400", 1);
                }
            }
        }
    });
}

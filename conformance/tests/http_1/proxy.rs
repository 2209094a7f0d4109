//! Behind a proxy: a few connections that stay, with the requests of everybody, one at a time on each and in any mixture.

use std::collections::HashMap;

use siomio_testkit::{http::Http, polling::Polling};

use crate::{PATH, Site, site, status_and_text};

/// The connections that a proxy keeps. Like nginx it sends a request on one that is free, opens another if none is, and
/// closes the one whose client has left before the answer.
struct Proxy<'s> {
    site: &'s Site,
    free: Vec<Http>,
    opened: usize,
}

impl<'s> Proxy<'s> {
    const fn new(site: &'s Site) -> Self {
        Self { site, free: Vec::new(), opened: 0 }
    }

    /// Sends a request, with the headers that proxies add.
    fn pass(&mut self, method: &str, target: &str, body: &str) -> Http {
        // The oldest first, so that a connection carries everybody's requests in turn.
        let mut http = if self.free.is_empty() {
            self.opened += 1;
            self.site.connect()
        } else {
            self.free.remove(0)
        };
        let headers = [
            ("X-Real-IP", "192.0.2.1"),
            ("X-Forwarded-For", "192.0.2.1"),
            ("X-Forwarded-Proto", "https"),
            ("Connection", ""),
        ];
        http.request(method, target, &headers, body.as_bytes());
        http
    }

    /// Takes the answer of a request, and keeps the connection unless it ends.
    fn answer(&mut self, mut http: Http) -> (u16, String) {
        let response = http.response();
        let (status, text) = status_and_text(&response);
        let answer = (status, text.to_owned());
        if response.header("connection") != Some("close") {
            self.free.push(http);
        }
        answer
    }

    fn ask(&mut self, method: &str, target: &str, body: &str) -> (u16, String) {
        let http = self.pass(method, target, body);
        self.answer(http)
    }

    /// Opens a session.
    fn session(&mut self) -> Polling {
        let mut http = self.pass("GET", "/warm", "");
        http.response();
        let session = Polling::open_on(&mut http, self.site.address, PATH);
        self.free.push(http);
        session
    }
}

fn event(number: usize) -> String {
    format!("4{number}")
}

fn echo(number: usize) -> (u16, String) {
    (200, event(number))
}

#[test]
fn a_few_connections_carry_many_sessions() {
    site(|site| {
        let mut proxy = Proxy::new(site);
        let sessions: Vec<Polling> = (0..6).map(|_| proxy.session()).collect();
        // Every client has a GET waiting, and posts beside it; so many connections it takes, and one more.
        let mut waiting: Vec<Http> =
            sessions.iter().map(|session| proxy.pass("GET", &session.target, "")).collect();
        for round in 0..20 {
            for (number, session) in sessions.iter().enumerate() {
                let message = round * 100 + number;
                assert_eq!(proxy.ask("POST", &session.target, &event(message)).1, "ok");
                assert_eq!(proxy.ask("GET", "/page", "").1, "GET /page 0");
                let get = waiting.remove(0);
                assert_eq!(proxy.answer(get), echo(message));
                waiting.push(proxy.pass("GET", &session.target, ""));
            }
        }
        assert!(proxy.opened <= sessions.len() + 1, "{} connections", proxy.opened);
    });
}

#[test]
fn clients_that_leave_take_nobody_with_them() {
    site(|site| {
        let mut proxy = Proxy::new(site);
        let mut sessions: HashMap<usize, Polling> =
            (0..8).map(|number| (number, proxy.session())).collect();
        let mut waiting: HashMap<usize, Http> = sessions
            .iter()
            .map(|(number, session)| (*number, proxy.pass("GET", &session.target, "")))
            .collect();
        for gone in 0..7 {
            // A client leaves: its waiting GET ends, every second time in the middle of a POST.
            let session = sessions.remove(&gone).expect("it is still here");
            if gone % 2 == 1 {
                let mut post = site.connect();
                let head = format!("POST {} HTTP/1.1\r\nHost: x\r\n", session.target);
                post.send(head + "Content-Length: 9\r\n\r\n4");
                drop(post);
            }
            drop(waiting.remove(&gone));
            let mut probe = site.connect();
            assert_eq!(probe.get(&session.target).status, 400, "its session is over");
            for (number, session) in &sessions {
                assert_eq!(proxy.ask("POST", &session.target, &event(*number)).1, "ok");
                let get = waiting.remove(number).expect("it has one");
                assert_eq!(proxy.answer(get), echo(*number));
                waiting.insert(*number, proxy.pass("GET", &session.target, ""));
            }
        }
    });
}

#[test]
fn refusals_leave_a_connection_as_good_as_it_was() {
    site(|site| {
        let mut proxy = Proxy::new(site);
        let session = proxy.session();
        let opened = proxy.opened;
        let stranger = format!("{}x", session.target);
        for round in 0..10 {
            assert_eq!(proxy.ask("GET", &stranger, "").0, 400);
            assert_eq!(proxy.ask("POST", &stranger, "4x").0, 400);
            assert_eq!(proxy.ask("POST", &session.target, &"4".repeat(1_000_001)).0, 413);
            assert_eq!(proxy.ask("PUT", &session.target, "x").0, 500);
            assert_eq!(proxy.ask("GET", "/status/404", "").0, 404);
            assert_eq!(proxy.ask("GET", "/status/304", "").0, 304);
            assert_eq!(proxy.ask("POST", &session.target, &event(round)).1, "ok");
            assert_eq!(proxy.ask("GET", &session.target, ""), echo(round));
        }
        assert_eq!(proxy.opened, opened);
    });
}

//! The text format of Prometheus, read back by rules as strict as its description.

use std::collections::{BTreeMap, BTreeSet};

use siomio::{Metrics, Server, Socket};
use siomio_testkit::http::Http;

use super::{SOON, join, start, with_shards};

/// Sample name and labels, in order, and the value.
type Samples = BTreeMap<(String, Vec<(String, String)>), f64>;

/// What an exposition says.
#[derive(Debug, Default)]
struct Exposition {
    samples: Samples,
    /// Kinds by family.
    kinds: BTreeMap<String, String>,
}

impl Exposition {
    fn parse(text: &str) -> Self {
        assert!(text.ends_with('\n') && !text.contains("\n\n"));
        let (mut own, mut family, mut helped) = (Self::default(), "", BTreeSet::new());
        for line in text.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, words) = help.split_once(' ').expect("words of help");
                assert!(helped.insert(name), "a second HELP for {name}");
                assert!(
                    is_name(name) && !words.trim().is_empty() && !words.contains('\\'),
                    "{line}"
                );
                family = name;
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').expect("a kind");
                assert_eq!(name, family, "TYPE stands behind HELP");
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                assert_eq!(own.kinds.insert(name.to_owned(), kind.to_owned()), None);
            } else {
                let (name, labels, value) = sample(line);
                let kind = own.kinds.get(family).expect("TYPE stands before samples");
                match (kind.as_str(), name.strip_prefix(family)) {
                    ("histogram", Some("_bucket" | "_sum" | "_count")) => {}
                    ("counter", Some("")) => assert!(name.ends_with("_total"), "{line}"),
                    ("gauge", Some("")) => assert!(!name.ends_with("_total"), "{line}"),
                    _ => panic!("{line} in family {family}"),
                }
                assert!(own.samples.insert((name, labels), value).is_none(), "twice: {line}");
            }
        }
        own
    }

    fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.samples[&(name.to_owned(), labels.collect())]
    }

    /// Adds up what has at least these labels.
    fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let has = |own: &[(String, String)]| {
            labels.iter().all(|(name, value)| own.iter().any(|(n, v)| n == name && v == value))
        };
        let fits = |key: &(String, Vec<(String, String)>)| key.0 == name && has(&key.1);
        self.samples.iter().filter(|(key, _)| fits(key)).map(|(_, value)| value).sum()
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with("siomio_")
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

fn sample(line: &str) -> (String, Vec<(String, String)>, f64) {
    let (front, value) = line.rsplit_once(' ').expect("a value");
    let (name, mut labels) = match front.split_once('{') {
        Some((name, labels)) => (name, labels.strip_suffix('}').expect("a closing brace")),
        None => (front, ""),
    };
    assert!(is_name(name), "{line}");
    let mut pairs = Vec::new();
    while !labels.is_empty() {
        let (label, rest) = labels.split_once("=\"").expect("a label");
        let (text, rest) = rest.split_once('"').expect("a closing quote");
        assert!(
            !text.contains(['\\', '\n']) && label.bytes().all(|byte| byte.is_ascii_lowercase())
        );
        pairs.push((label.to_owned(), text.to_owned()));
        labels = rest.strip_prefix(',').unwrap_or(rest);
        assert!(labels.is_empty() || rest.starts_with(','), "{line}");
    }
    assert!(value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'), "{line}");
    (name.to_owned(), pairs, value.parse().expect("a number"))
}

#[test]
fn the_text_of_a_server_that_runs_says_what_its_metrics_say() {
    with_shards(|builder| {
        let server = builder.build();
        server.on("echo", |socket: &Socket, text: String| {
            socket.emit("echoed", text);
        });
        let io = server.io();
        server.http(move |request, response| match request.path() {
            "/metrics" => response.body(Metrics::CONTENT_TYPE, io.metrics().to_prometheus()),
            _ => response.status(404).text("nothing here"),
        });
        let (running, address) = start(server);
        let mut clients: Vec<_> = (0..5).map(|_| join(address)).collect();
        for ws in &mut clients {
            ws.send("42[\"echo\",\"hi\"]");
            assert_eq!(ws.text(), "42[\"echoed\",\"hi\"]");
        }
        let mut http = Http::connect(address);
        http.get("/socket.io/?EIO=4&transport=polling&sid=nobody");
        let response = http.get("/metrics");
        assert_eq!(response.header("content-type"), Some(Metrics::CONTENT_TYPE));
        let text = Exposition::parse(response.text());
        let metrics = running.io().metrics();
        let shards = metrics.shards.len();

        assert_eq!(text.sum("siomio_sockets", &[]), 5.0);
        assert_eq!(text.sum("siomio_sessions", &[("transport", "websocket")]), 5.0);
        assert_eq!(text.sum("siomio_requests_refused_total", &[("code", "1")]), 1.0);
        assert_eq!(text.sum("siomio_packets_received_total", &[]), 10.0);
        assert_eq!(text.value("siomio_namespaces", &[]), 1.0);
        assert_eq!(text.value("siomio_connections_accepted_total", &[]), 6.0);
        for shard in 0..shards {
            let label = ("shard", &*shard.to_string());
            let own = text.value("siomio_packets_sent_total", &[label]);
            assert_eq!(own, metrics.shards[shard].packets_sent as f64);
            // Cumulative, and ending in the count.
            let name = "siomio_turn_duration_seconds";
            let buckets = text.samples.iter().filter(|((sample, labels), _)| {
                *sample == format!("{name}_bucket") && labels[0].1 == label.1
            });
            let mut buckets: Vec<(f64, f64)> = buckets
                .map(|((_, labels), value)| {
                    (labels[1].1.replace("+Inf", "inf").parse().unwrap(), *value)
                })
                .collect();
            buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
            assert_eq!(buckets.len(), 14);
            assert!((buckets[0].0 - 0.0001).abs() < 1e-9 && buckets[13].0.is_infinite());
            assert!(buckets.is_sorted_by(|a, b| a.1 <= b.1), "{buckets:?}");
            assert_eq!(buckets[13].1, text.value(&format!("{name}_count"), &[label]));
            assert!(text.value(&format!("{name}_sum"), &[label]) >= 0.0);
        }
        running.shutdown(SOON).unwrap();
    });
}

#[test]
fn a_server_that_never_ran_has_all_families_already() {
    let server = Server::builder().shards(2).build();
    let text = server.metrics().to_prometheus();
    let exposition = Exposition::parse(&text);
    assert!(exposition.kinds.len() > 30);
    assert_eq!(exposition.sum("siomio_sessions_closed_total", &[]), 0.0);
    let reasons = exposition
        .samples
        .keys()
        .filter(|(name, labels)| name == "siomio_sessions_closed_total" && labels[0].1 == "1");
    assert_eq!(reasons.count(), 7);
}

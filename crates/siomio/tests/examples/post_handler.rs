use siomio_testkit::http::Http;

use super::{Example, programs::post_handler::server};

#[test]
fn what_is_posted_goes_to_all_pages() {
    let example = Example::start(server());
    let (mut ann, mut bob) = (example.join(), example.join());
    let response = Http::connect(example.address).post("/announce", "lunch is ready");
    assert_eq!((response.status, response.text()), (202, "told 2 pages\n"));
    for page in [&mut ann, &mut bob] {
        page.expect(&["42[\"announcement\",\"lunch is ready\"]"]);
    }
}

#[test]
fn a_question_is_answered_when_the_pages_have_or_the_time_is_over() {
    let example = Example::start(server());
    let mut pages = [example.join(), example.join(), example.join()];
    for (id, (answers, counted)) in [
        (["true", "false", "true"], "{\"yes\":2,\"no\":1,\"silent\":0}"),
        (["true", "false", ""], "{\"yes\":1,\"no\":1,\"silent\":1}"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut http = Http::connect(example.address);
        http.request("POST", "/ask", &[], b"who is hungry?");
        for (page, answer) in pages.iter_mut().zip(answers) {
            page.expect(&[&format!("42{id}[\"question\",\"who is hungry?\"]")]);
            if !answer.is_empty() {
                page.send(&format!("43{id}[{answer}]"));
            }
        }
        let response = http.response();
        assert_eq!((response.status, response.text()), (200, counted));
    }
}

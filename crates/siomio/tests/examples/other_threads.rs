use super::{Client, Example, programs::other_threads::server};

#[test]
fn a_thread_tells_all_pages_the_time() {
    let example = Example::start(server());
    let mut pages = [example.join(), example.join()];
    for page in &mut pages {
        let first = page.expect_start("42[\"uptime\",")[1].as_u64().unwrap();
        assert!(page.expect_start("42[\"uptime\",")[1].as_u64().unwrap() > first);
    }
}

#[test]
fn a_thread_asks_one_page_after_the_answer_to_the_question_before() {
    let example = Example::start(server());
    let mut page = example.join();
    page.send("42[\"quiz\"]");
    for (id, (question, answer)) in
        [("6 * 7", 42), ("2 - 5", 0), ("99 + 1", 100)].iter().enumerate()
    {
        assert_eq!(next(&mut page), format!("42{id}[\"question\",\"{question}\"]"));
        page.send(&format!("43{id}[{answer}]"));
    }
    assert_eq!(next(&mut page), "42[\"score\",2,3]");
}

/// What comes next, but for the time.
fn next(page: &mut Client) -> String {
    loop {
        let packet = page.next();
        if !packet.starts_with("42[\"uptime\",") {
            return packet;
        }
    }
}

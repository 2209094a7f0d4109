//! Answers on connections that never wait.

/// The status and the body of the first answer, once all of it is there; it is taken off.
pub(super) fn response(unread: &mut Vec<u8>) -> Result<Option<(u16, Vec<u8>)>, String> {
    let Some(end) = unread.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = String::from_utf8_lossy(&unread[..end]).to_ascii_lowercase();
    let mut lines = head.split("\r\n");
    let status =
        lines.next().and_then(|line| line.strip_prefix("http/1.1 ")?.get(..3)?.parse().ok());
    let status: u16 = status.ok_or_else(|| format!("no answer: {head}"))?;
    let length = lines.find_map(|line| line.strip_prefix("content-length:"));
    let length = length.map_or(Ok(0), |length| length.trim().parse::<usize>());
    let length = length.map_err(|_| format!("no length: {head}"))?;
    let start = end + 4;
    let Some(body) = unread.get(start..start + length) else { return Ok(None) };
    let body = body.to_vec();
    unread.drain(..start + length);
    Ok(Some((status, body)))
}

#[cfg(test)]
mod tests {
    use super::response;

    #[test]
    fn an_answer_is_taken_when_all_of_it_is_there() {
        let all = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 101 S\r\n\r\n\x81";
        for cut in 0..40 {
            let mut part = all[..cut].to_vec();
            assert_eq!((response(&mut part), part.len()), (Ok(None), cut));
        }
        let mut unread = all.to_vec();
        assert_eq!(response(&mut unread), Ok(Some((200, b"ok".to_vec()))));
        assert_eq!(response(&mut unread), Ok(Some((101, Vec::new()))));
        assert_eq!(unread, b"\x81");
        assert!(response(&mut b"nonsense\r\n\r\n".to_vec()).is_err());
    }
}

//! One DNS question and its answer. Source: RFC 1035.

use std::net::Ipv4Addr;

/// The number by which a query and its answer know each other.
const ID: [u8; 2] = [0x6d, 0x73];

/// The datagram that asks for the addresses of a name.
pub(super) fn query(name: &str) -> Vec<u8> {
    // Recursion desired, one question.
    let mut query = vec![ID[0], ID[1], 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.').filter(|label| !label.is_empty()) {
        let label = &label.as_bytes()[..label.len().min(63)];
        query.push(label.len() as u8);
        query.extend(label);
    }
    // The end of the name, type A, class IN.
    query.extend([0, 0, 1, 0, 1]);
    query
}

/// The addresses in the answer to [`query`].
///
/// # Errors
/// What was answered instead.
pub(super) fn addresses(answer: &[u8]) -> Result<Vec<Ipv4Addr>, String> {
    let head = answer.get(..12).filter(|head| head[..2] == ID && head[2] & 0x80 != 0);
    let Some(head) = head else { return Err("an answer that is not DNS".to_owned()) };
    match head[3] & 15 {
        0 => {}
        2 => return Err("SERVFAIL".to_owned()),
        3 => return Err("NXDOMAIN: there is no such name".to_owned()),
        code => return Err(format!("status {code}")),
    }
    let short = || "an answer that was cut off".to_owned();
    let count = usize::from(head[6]) << 8 | usize::from(head[7]);
    let mut at = after_name(answer, 12).ok_or_else(short)? + 4;
    let mut found = Vec::new();
    for _ in 0..count {
        at = after_name(answer, at).ok_or_else(short)?;
        let record = answer.get(at..at + 10).ok_or_else(short)?;
        let size = usize::from(record[8]) << 8 | usize::from(record[9]);
        let data = answer.get(at + 10..at + 10 + size).ok_or_else(short)?;
        if let ([0, 1, ..], [a, b, c, d]) = (record, data) {
            found.push(Ipv4Addr::new(*a, *b, *c, *d));
        }
        at += 10 + size;
    }
    Ok(found)
}

/// Where a name ends: behind its last label, or behind a pointer to the rest of it.
fn after_name(message: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *message.get(at)? {
            0 => return Some(at + 1),
            size if size & 0xc0 == 0xc0 => return Some(at + 2),
            size => at += 1 + usize::from(size),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn answers_are_read() {
        let mut answer = query("leader.mesos");
        answer[2] |= 0x80;
        answer[7] = 1;
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 0, 0, 1]);
        assert_eq!(addresses(&answer), Ok(vec![[10, 0, 0, 1].into()]));
        assert!(addresses(&answer[..answer.len() - 1]).is_err());
        answer[3] = 3;
        assert!(addresses(&answer).unwrap_err().contains("NXDOMAIN"));
        assert!(addresses(&query("x")).is_err(), "a question is no answer");
    }

    proptest! {
        #[test]
        fn nothing_that_comes_over_the_wire_is_too_much(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let mut answer = query("a");
            answer[2] |= 0x80;
            answer[7] = 3;
            answer.extend(&bytes);
            let _ = (addresses(&bytes), addresses(&answer));
        }
    }
}

//! Whether a relay would take our answers, by its own document.

use serde::Serialize;

use super::relay::RelayLimits;

/// What is in an event's message beside its content: id, key, signature, tags.
const ENVELOPE: u64 = 2_048;
/// The most that NIP-44 can encrypt.
const MAX_ENCRYPTED: u64 = 65_535;

/// What stands between our events and a relay.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Fit {
    /// Why it would not take our events, or not all of them.
    pub against: Vec<String>,
    /// What is asked of us and done by itself, or concerns few events.
    pub notes: Vec<String>,
}

impl Fit {
    /// For answers of at most so many bytes.
    pub fn new(limits: &RelayLimits, max_result_bytes: usize) -> Self {
        let answer = u64::try_from(max_result_bytes).unwrap_or(u64::MAX);
        let mut fit = Self::default();
        fit.size(limits, answer);
        if let Some(bits) = limits.min_pow_bits {
            fit.against.push(format!("it asks for {bits} bits of proof of work, which this node does not do"));
        }
        if limits.payment_required {
            fit.against.push("it takes events of paying members only".to_owned());
        }
        if limits.auth_required {
            fit.notes.push("it asks who we are (NIP-42), which the node answers".to_owned());
        }
        fit
    }

    /// The longest answer, open and encrypted.
    fn size(&mut self, limits: &RelayLimits, answer: u64) {
        // The smaller of the two limits, as one on the content.
        let message = limits.max_message_bytes.map(|max| max.saturating_sub(ENVELOPE));
        let Some(room) = limits.max_content_chars.into_iter().chain(message).min() else { return };
        let encrypted = encrypted_chars(answer.min(MAX_ENCRYPTED));
        if answer > room {
            self.against.push(format!(
                "it takes about {room} characters and an answer may have {answer} (provider.max_result_bytes); longer ones are refused"
            ));
        } else if encrypted > room {
            self.notes.push(format!("it takes about {room} characters, and the longest answer has {encrypted} once encrypted"));
        }
    }
}

/// Characters of a NIP-44 payload: padded to steps that grow with the length, framed, in base64.
fn encrypted_chars(bytes: u64) -> u64 {
    let power = bytes.max(1).next_power_of_two();
    let step = if power <= 256 { 32 } else { power / 8 };
    let padded = bytes.max(1).div_ceil(step) * step;
    // Version, nonce, length, and the check sum behind it.
    (padded + 1 + 32 + 2 + 32).div_ceil(3) * 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relay_that_says_nothing_takes_everything() {
        assert_eq!(Fit::new(&RelayLimits::default(), 48_000), Fit::default());
    }

    #[test]
    fn the_longest_answer_is_held_against_the_smaller_limit() {
        let fit = |message, content| {
            let limits = RelayLimits { max_message_bytes: message, max_content_chars: content, ..RelayLimits::default() };
            let fit = Fit::new(&limits, 48_000);
            (fit.against.len(), fit.notes.len())
        };
        assert_eq!(fit(Some(131_072), Some(100_000)), (0, 0));
        assert_eq!(fit(Some(65_536), None), (0, 1), "encrypted it is too long");
        assert_eq!(fit(Some(131_072), Some(8_192)), (1, 0));
        assert_eq!(fit(Some(1_000), None), (1, 0));
    }

    #[test]
    fn work_and_membership_are_in_the_way_and_a_login_is_not() {
        let limits = RelayLimits { min_pow_bits: Some(20), payment_required: true, auth_required: true, ..RelayLimits::default() };
        let fit = Fit::new(&limits, 1);
        assert_eq!((fit.against.len(), fit.notes.len()), (2, 1));
    }

    #[test]
    fn encryption_makes_longer_by_the_books() {
        // Sizes of the padding in NIP-44's own vectors.
        for (bytes, padded) in [(1, 32), (32, 32), (33, 64), (65, 96), (257, 320), (1024, 1024), (48_000, 49_152), (65_535, 65_536)] {
            assert_eq!(encrypted_chars(bytes), (padded + 67_u64).div_ceil(3) * 4, "{bytes}");
        }
    }
}
